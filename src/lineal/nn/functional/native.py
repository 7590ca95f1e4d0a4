"""Functions of `nn.functional` as PyTorch has them at top level: with their arguments in another order, or in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base.signatures import Dims, Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn import functional
from lineal.nn.functional.normalisation import inner_shape, normalised_batch, require_floating, widened
from lineal.ops import empty, rsqrt
from lineal.ops.reductions import normalisation
from lineal.ops.reductions.front import both

__all__ = [
    "adaptive_max_pool1d",
    "affine_grid_generator",
    "batch_norm",
    "dropout",
    "dropout_",
    "embedding",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "native_batch_norm",
    "native_group_norm",
    "native_layer_norm",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool3d",
]


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Return `nn.functional.batch_norm`."""
    return functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """Return `nn.functional.layer_norm`."""
    return functional.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """Return `nn.functional.group_norm`."""
    return functional.group_norm(input, num_groups, weight, bias, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Return `nn.functional.instance_norm`."""
    return functional.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


@public
def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return `nn.functional.batch_norm`, the means of the batch and 1 / √(variance + eps); both empty outside training."""
    y, mean, var = normalised_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)
    statistics = (empty(0, dtype=input.dtype),) * 2 if mean is None else (mean, rsqrt(var + eps))
    return both((y, *statistics), out, "native_batch_norm")


@public
def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return `nn.functional.layer_norm`, the means and 1 / √(variance + eps), over dimensions that stay with size 1."""
    shape = inner_shape("native_layer_norm", input, normalized_shape, weight=weight, bias=bias)
    require_floating("native_layer_norm", input, weight, bias)
    x, w, b = widened(input, weight, bias)
    y, mean, var = normalisation.layer_norm(x, len(shape), w, b, eps)
    return renamed(y.to(input.dtype), "NativeLayerNormBackward0"), mean.detach(), rsqrt(var.detach() + eps)


@public
def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return `nn.functional.group_norm` of N examples of C channels of HxW numbers, the means and 1 / √(variance + eps)."""
    if input.numel() != N * C * HxW or group <= 0 or C % group:
        raise RuntimeError(
            f"native_group_norm: expected input of {N} × {C} × {HxW} numbers and channels divisible by group={group}, "
            f"got shape {list(input.shape)}"
        )
    x, w, b = widened(input.reshape(N, C, HxW), weight, bias)
    y, mean, var = normalisation.group_norm(x, group, w, b, eps)
    y = renamed(y.reshape(input.shape).to(input.dtype), "NativeGroupNormBackward0")
    return y, mean.detach(), rsqrt(var.detach() + eps)


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """Return the rows of `weight` that `indices` names; `padding_idx` -1 means none."""
    padding = None if padding_idx == -1 else padding_idx
    return functional.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Return `nn.functional.dropout`."""
    return functional.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Do `nn.functional.dropout` in place."""
    return functional.dropout(input, p, train, inplace=True)


def max_pool1d(
    input: Tensor, kernel_size: Dims, stride: Dims = (), padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False
) -> Tensor:
    """Return `nn.functional.max_pool1d`."""
    return functional.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Dims, stride: Dims = (), padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """Return `nn.functional.max_pool1d` and the places of what it takes."""
    return functional.max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor, kernel_size: Dims, stride: Dims = (), padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False
) -> Tensor:
    """Return `nn.functional.max_pool2d`."""
    return functional.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor, kernel_size: Dims, stride: Dims = (), padding: Dims = 0, dilation: Dims = 1, ceil_mode: bool = False
) -> Tensor:
    """Return `nn.functional.max_pool3d`."""
    return functional.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool1d(input: Tensor, output_size: Dims) -> tuple[Tensor, Tensor]:
    """Return `nn.functional.adaptive_max_pool1d` and the places of what it takes."""
    return functional.adaptive_max_pool1d_with_indices(input, output_size)


GRID_MODES = ("bilinear", "nearest", "bicubic")
GRID_PADDINGS = ("zeros", "border", "reflection")


def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """Return `nn.functional.grid_sample`, whose modes have the numbers of their places in its list."""
    return functional.grid_sample(input, grid, GRID_MODES[interpolation_mode], GRID_PADDINGS[padding_mode], bool(align_corners))


def grid_sampler_2d(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """Return `grid_sampler` of images."""
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """Return `grid_sampler` of volumes."""
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """Return `nn.functional.affine_grid`."""
    return functional.affine_grid(theta, size, align_corners)
