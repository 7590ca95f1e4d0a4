"""The derivatives of convolutions, by the image and by the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lineal.base.signatures import Dims, Tensor
from lineal.core import enable_grad, is_grad_enabled
from lineal.nn.functional import conv1d, conv2d, conv3d
from lineal.ops import zeros
from lineal.transforms.gradients import grad

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def cotangent(linear: Callable[[Any], Any], shape: Sequence[int], grad_output: Any, other: Any) -> Any:
    """Return what the adjoint of a linear function of a tensor of this shape makes of `grad_output`."""
    with enable_grad():
        x = zeros(*shape, dtype=grad_output.dtype, device=grad_output.device).requires_grad_()
        y = linear(x)
    recorded = is_grad_enabled() and (grad_output.requires_grad or other.requires_grad)
    return grad(y, x, grad_output, create_graph=recorded)[0]


def conv1d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Dims = 1,
    padding: Dims = 0,
    dilation: Dims = 1,
    groups: int = 1,
) -> Tensor:
    """Return the derivative of `conv1d` by its input, of the shape `input_size`, given `grad_output`."""
    way = stride, padding, dilation, groups
    return cotangent(lambda x: conv1d(x, weight, None, *way), input_size, grad_output, weight)


def conv1d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Dims = 1,
    padding: Dims = 0,
    dilation: Dims = 1,
    groups: int = 1,
) -> Tensor:
    """Return the derivative of `conv1d` by its weight, of the shape `weight_size`, given `grad_output`."""
    way = stride, padding, dilation, groups
    return cotangent(lambda w: conv1d(input, w, None, *way), weight_size, grad_output, input)


def conv2d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Dims = 1,
    padding: Dims = 0,
    dilation: Dims = 1,
    groups: int = 1,
) -> Tensor:
    """Return the derivative of `conv2d` by its input, of the shape `input_size`, given `grad_output`."""
    way = stride, padding, dilation, groups
    return cotangent(lambda x: conv2d(x, weight, None, *way), input_size, grad_output, weight)


def conv2d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Dims = 1,
    padding: Dims = 0,
    dilation: Dims = 1,
    groups: int = 1,
) -> Tensor:
    """Return the derivative of `conv2d` by its weight, of the shape `weight_size`, given `grad_output`."""
    way = stride, padding, dilation, groups
    return cotangent(lambda w: conv2d(input, w, None, *way), weight_size, grad_output, input)


def conv3d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Dims = 1,
    padding: Dims = 0,
    dilation: Dims = 1,
    groups: int = 1,
) -> Tensor:
    """Return the derivative of `conv3d` by its input, of the shape `input_size`, given `grad_output`."""
    way = stride, padding, dilation, groups
    return cotangent(lambda x: conv3d(x, weight, None, *way), input_size, grad_output, weight)


def conv3d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Dims = 1,
    padding: Dims = 0,
    dilation: Dims = 1,
    groups: int = 1,
) -> Tensor:
    """Return the derivative of `conv3d` by its weight, of the shape `weight_size`, given `grad_output`."""
    way = stride, padding, dilation, groups
    return cotangent(lambda w: conv3d(input, w, None, *way), weight_size, grad_output, input)
