"""Functions that give their input mean 0 and variance 1, or length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.signatures import Dims, Tensor
from lineal.core import no_grad, renamed
from lineal.core.calling import public
from lineal.ops.reductions import normalisation
from lineal.ops.reductions.front import is_one_op
from lineal.ops.reductions.standardising import centred, inverse_spread


@public
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """Return (x - mean) / √(variance + eps) · weight + bias over the last dimensions, which are `normalized_shape`.

    Ba, Kiros and Hinton (2016), arXiv:1607.06450.
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape:
        raise RuntimeError("layer_norm: expected normalized_shape to have at least one dimension, got ()")
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"layer_norm: given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], got {list(input.shape)}"
        )
    for name, given in (("weight", weight), ("bias", bias)):
        if given is not None and tuple(given.shape) != shape:
            raise RuntimeError(f"layer_norm: expected {name} of shape {list(shape)}, got {list(given.shape)}")
    if is_one_op(input, weight, bias):
        return renamed(normalisation.layer_norm(input, len(shape), weight, bias, eps), "NativeLayerNormBackward0")
    y = standardised(input, tuple(range(input.ndim - len(shape), input.ndim)), eps)
    return renamed(moved(y, weight, bias, input.dtype), "NativeLayerNormBackward0")


def standardised(input: Any, axes: tuple[int, ...], eps: float) -> Any:
    """Return (x - mean) / √(variance + eps) over `axes`; half precisions as float32."""
    rest = centred(input.to(input.dtype.computes_in), axes)
    return rest * inverse_spread(rest, axes, eps)


def moved(y: Any, weight: Any, bias: Any, dtype: Any) -> Any:
    """Return y · weight + bias, which may be None, in the dtype of the input: what float32 weights do to half precision."""
    y = y if weight is None else y * weight
    y = y if bias is None else y + bias
    return y.to(dtype)


@public
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Return (x - mean) / √(variance + eps) · weight + bias for each of the channels in dimension 1.

    While training, mean and variance are those of the batch, and the running ones, if given, move towards them by the
    share `momentum` (the variance without bias); else the running ones are used.  Ioffe and Szegedy (2015),
    arXiv:1502.03167.
    """
    check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    axes = tuple(each for each in range(input.ndim) if each != 1)
    shape = (-1, *[1] * (input.ndim - 2))
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm: eps must be {'positive during training' if training else 'non-negative'}, got {eps}")
    if training:
        count = input.numel() // max(input.shape[1], 1)
        if count == 1:
            raise ValueError(f"batch_norm: Expected more than 1 value per channel when training, got {list(input.shape)}")
        remember(input, axes, running_mean, running_var, momentum)
        y = standardised(input, axes, eps)
    elif running_mean is None or running_var is None:
        raise RuntimeError("batch_norm: expected running_mean and running_var to be given outside training")
    else:
        y = (input - running_mean.reshape(shape)) * ops.rsqrt(running_var + eps).reshape(shape)
    weight, bias = (None if each is None else each.reshape(shape) for each in (weight, bias))
    return renamed(moved(y, weight, bias, input.dtype), "NativeBatchNormBackward0")


def check_channels(input: Any, **given: Any) -> None:
    """Refuse statistics or weights that are not one per channel."""
    if input.ndim < 2:
        raise RuntimeError(f"batch_norm: expected input (N, C, …), got shape {list(input.shape)}")
    for name, values in given.items():
        if values is not None and tuple(values.shape) != (input.shape[1],):
            raise RuntimeError(
                f"batch_norm: expected {name} for each of {input.shape[1]} channels, got shape {list(values.shape)}"
            )


@no_grad()
def remember(input: Any, dims: tuple[int, ...], running_mean: Any, running_var: Any, momentum: float) -> None:
    """Move the running statistics towards those of the batch."""
    if running_mean is not None:
        running_mean.lerp_(input.mean(dims).to(running_mean.dtype), momentum)
    if running_var is not None:
        running_var.lerp_(input.var(dims).to(running_var.dtype), momentum)


@public
def normalize(input: Tensor, p: float = 2.0, dim: Dims = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Return x / max(‖x‖ₚ, eps) along `dim`."""
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    return ops.div(input, length.expand_as(input), out=out)
