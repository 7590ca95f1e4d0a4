"""Activations."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.nn import functional as F
from lineal.onnx.kernels.table import OPERATORS, Node, operator, plain

__all__: list[str] = []

OPERATORS.update(
    {
        "Softplus": plain(F.softplus),
        "Softsign": plain(F.softsign),
        "Mish": plain(F.mish),
        "HardSwish": plain(F.hardswish),
        "Celu": lambda node, x: F.celu(x, node.get("alpha", 1.0)),
        "Elu": lambda node, x: F.elu(x, node.get("alpha", 1.0)),
        "Gelu": lambda node, x: F.gelu(x, approximate=node.get("approximate", "none")),
        "LeakyRelu": lambda node, x: F.leaky_relu(x, node.get("alpha", 0.01)),
        "ThresholdedRelu": lambda node, x: ops.where(x > node.get("alpha", 1.0), x, 0.0),
        "HardSigmoid": lambda node, x: ops.clamp(node.get("alpha", 0.2) * x + node.get("beta", 0.5), 0.0, 1.0),
        "Swish": lambda node, x: x * ops.sigmoid(node.get("alpha", 1.0) * x),
    }
)


@operator("Selu")
def selu(node: Node, x: Any) -> Any:
    alpha, gamma = node.get("alpha", 1.6732632423543772), node.get("gamma", 1.0507009873554805)
    return gamma * F.elu(x, alpha)


@operator("PRelu")
def prelu(node: Node, x: Any, slope: Any) -> Any:
    return ops.where(x < 0, slope * x, x)


@operator("Shrink")
def shrink(node: Node, x: Any) -> Any:
    edge, bias = node.get("lambd", 0.5), node.get("bias", 0.0)
    return ops.where(x < -edge, x + bias, ops.where(x > edge, x - bias, ops.zeros_like(x)))


def along(function: Any, node: Node, x: Any) -> Any:
    """Return a function along an axis; below version 13 that axis and all behind it are one."""
    axis = node.get("axis", -1 if node.version >= 13 else 1)
    if node.version >= 13:
        return function(x, axis)
    return function(x.flatten(axis % x.ndim), -1).reshape(x.shape)


@operator("Softmax")
def softmax(node: Node, x: Any) -> Any:
    return along(F.softmax, node, x)


@operator("LogSoftmax")
def log_softmax(node: Node, x: Any) -> Any:
    return along(F.log_softmax, node, x)


@operator("Hardmax")
def hardmax(node: Node, x: Any) -> Any:
    first = lambda x, axis: ops.zeros_like(x).scatter(axis, ops.argmax(x, axis, keepdim=True), 1.0)
    return along(first, node, x)
