"""Keeping grads small."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.base.deprecation import deprecated
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, lift, modes, no_grad
from lineal.core.together import done_together, squares_together
from lineal.tensors import tensor

sharding: Any = later.module("lineal.nn.sharded.sharding")


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, AbstractTensor) else list(given)


@no_grad()
def get_total_norm(
    tensors: Iterable[Tensor] | Tensor, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """Return the norm of the given tensors as if they were one vector."""
    listed = _listed(tensors)
    if not listed:
        return tensor(0.0)
    total = ops.norm(norms_of(listed, float(norm_type)), float(norm_type))
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"clip_grad_norm_: the total norm of order {norm_type} is non-finite, so the grads cannot be clipped; "
            "pass error_if_nonfinite=False to scale by it anyway"
        )
    return total


def norms_of(tensors: list[Any], order: float) -> Any:
    """Return the norms of all tensors, of one native call if they are sums of squares."""
    sums = squares_together(tensors) if order == 2 else None
    if sums is None:
        return ops.stack([ops.norm(each, order) for each in tensors])
    return lift(np.sqrt(sums).astype(tensors[0].value.dtype))


def multiplied(tensors: list[Any], scale: Any) -> bool:
    """Multiply all tensors by a number, in place, by one native call; return whether that is done."""
    return modes.recorder.get() is None and done_together("mul_", product, [tensors], [float(scale)], 1)


@no_grad()
def clip_grads_with_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale the grads, whose norm is `total_norm`, so that it is at most `max_norm`."""
    scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    grads = [parameter.grad for parameter in _listed(parameters) if parameter.grad is not None]
    if grads and scale.dtype is grads[0].dtype and multiplied(grads, scale):
        return
    for each in grads:
        each.mul_(scale)


def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the grads so that their norm, all together, is at most `max_norm`; returns the norm before.

    Of parameters that are spread over processes it is the norm of all parts; all ranks call this. `foreach` is accepted for
    PyTorch's sake and changes nothing.
    """
    listed = _listed(parameters)
    if isinstance(parameters, GeneratorType) and not listed:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    parameters = listed
    present = [parameter for parameter in parameters if parameter.grad is not None]
    grads = [each.grad for each in present if not hasattr(each, "sharding")]
    parts = [each for each in present if hasattr(each, "sharding")]
    for group in dict.fromkeys(each.sharding.group for each in parts):
        own = get_total_norm([each.grad for each in parts if each.sharding.group is group], norm_type)
        grads.append(sharding.norm_over_ranks(own, group, float(norm_type)))
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


@deprecated("`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.")
def clip_grad_norm(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Do what `clip_grad_norm_` does."""
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def product(m: Any, x: Any, scale: Any) -> tuple:
    """The formula of what is scaled."""
    return (x * scale,)


def within(m: Any, x: Any, low: Any, high: Any) -> tuple:
    """The formula of what is clamped."""
    return (m.minimum(high, m.maximum(low, x)),)


@no_grad()
def clip_grad_value_(parameters: Iterable[Tensor] | Tensor, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp the elements of the grads to ±clip_value; `foreach` changes nothing."""
    bound = float(clip_value)
    grads = [parameter.grad for parameter in _listed(parameters) if parameter.grad is not None]
    if not done_together("clamp_", within, [grads], [-bound, bound], 1):
        for each in grads:
            each.clamp_(min=-bound, max=bound)
