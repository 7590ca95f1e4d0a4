"""Normalisations."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.nn import functional as F
from lineal.onnx.kernels.structure import padded
from lineal.onnx.kernels.table import Node, operator, refuse

__all__: list[str] = []


@operator("BatchNormalization")
def batch_normalisation(node: Node, x: Any, w: Any, b: Any, mean: Any, variance: Any) -> Any:
    if node.get("training_mode", 0) or len(node.outputs) > 1:
        raise refuse(node, "training_mode")
    return F.batch_norm(x, mean, variance, w, b, False, 0.0, node.get("epsilon", 1e-5))


@operator("InstanceNormalization")
def instance_normalisation(node: Node, x: Any, w: Any, b: Any) -> Any:
    return channelwise(unit(x, [*range(2, x.ndim)], node.get("epsilon", 1e-5)), w, b)


def unit(x: Any, axes: list[int], eps: float) -> Any:
    """Return x less its mean over axes, over the root of its variance and eps."""
    rest = x - ops.mean(x, axes, keepdim=True)
    return rest * ops.rsqrt(ops.mean(rest * rest, axes, keepdim=True) + eps)


def channelwise(x: Any, w: Any, b: Any) -> Any:
    """Return x w + b with a weight for each channel."""
    row = [-1, *[1] * (x.ndim - 2)]
    return x * w.reshape(row) + b.reshape(row)


@operator("GroupNormalization")
def group_normalisation(node: Node, x: Any, w: Any, b: Any) -> Any:
    """y = groups of channels, normalised; below version 21 weights are the groups', then the channels'."""
    groups = node.get("num_groups")
    y = unit(x.reshape(x.shape[0], groups, -1), [2], node.get("epsilon", 1e-5)).reshape(x.shape)
    if node.version < 21:
        w, b = (each.repeat_interleave(x.shape[1] // groups) for each in (w, b))
    return channelwise(y, w, b)


@operator("LayerNormalization")
def layer_normalisation(node: Node, x: Any, w: Any, b: Any = None) -> Any:
    """y = x normalised over the axes from `axis` on; mean and 1 / deviation, if they are asked for."""
    axis, eps = node.get("axis", -1) % x.ndim, node.get("epsilon", 1e-5)
    y = F.layer_norm(x, list(x.shape[axis:]), None, None, eps) * w
    y = y if b is None else y + b
    if len(node.outputs) == 1:
        return y
    axes = [*range(axis, x.ndim)]
    mean = ops.mean(x, axes, keepdim=True)
    return y, mean, ops.rsqrt(ops.mean((x - mean) ** 2, axes, keepdim=True) + eps)


@operator("RMSNormalization")
def rms_normalisation(node: Node, x: Any, w: Any) -> Any:
    axis = node.get("axis", -1) % x.ndim
    return x * ops.rsqrt(ops.mean(x * x, [*range(axis, x.ndim)], keepdim=True) + node.get("epsilon", 1e-5)) * w


@operator("MeanVarianceNormalization")
def mean_variance_normalisation(node: Node, x: Any) -> Any:
    return unit(x, node.get("axes", [0, 2, 3]), 1e-9)


@operator("LpNormalization")
def power_normalisation(node: Node, x: Any) -> Any:
    axis = node.get("axis", -1)
    norm = ops.sum(ops.abs(x), axis, keepdim=True) if node.get("p", 2) == 1 else ops.sqrt(ops.sum(x * x, axis, keepdim=True))
    return ops.where(norm == 0, ops.zeros_like(x), x / norm)


@operator("LRN")
def response_normalisation(node: Node, x: Any) -> Any:
    """y = x / (bias + α / size Σ x²)^β over as many channels about each; of an even number one more behind."""
    size, channels = node.get("size"), x.shape[1]
    wide = padded(x * x, [(0, 0), ((size - 1) // 2, size // 2), *[(0, 0)] * (x.ndim - 2)])
    total = sum(wide[:, n : n + channels] for n in range(size))
    return x / (node.get("bias", 1.0) + node.get("alpha", 1e-4) / size * total) ** node.get("beta", 0.75)
