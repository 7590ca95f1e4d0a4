"""Parameters of distributions: numbers beside tensors, probabilities or logits, and what is computed when it is first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal import ops
from lineal.base import config
from lineal.base.limits import finfo
from lineal.core import modes
from lineal.ops.premise import rely
from lineal.tensors import Tensor, tensor

__all__ = [
    "all_true",
    "broadcast_all",
    "clamp_probs",
    "euler_constant",
    "indicators",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "softplus",
    "sum_rightmost",
]

euler_constant = 0.57721566490153286060
"""γ = -ψ(1)."""

NUMBERS = (bool, int, float)


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Return tensors of one shape; numbers take the dtype of the first tensor, or the default one where there is none.

    ValueError for what is neither a tensor nor a number.
    """
    strange = [type(each).__name__ for each in values if not isinstance(each, (Tensor, *NUMBERS))]
    if strange:
        raise ValueError(f"broadcast_all: input arguments must all be instances of Number or Tensor, got {', '.join(strange)}")
    first = next((each for each in values if isinstance(each, Tensor)), None)
    options: Any = {"dtype": config.defaults.dtype} if first is None else {"dtype": first.dtype, "device": first.device}
    return tuple(ops.broadcast_tensors(*[each if isinstance(each, Tensor) else tensor(each, **options) for each in values]))


def indicators(places: Tensor, count: int, like: Tensor) -> Tensor:
    """Return vectors (…, count) of zeros and a 1 at each of the places (…), in the dtype of `like`."""
    return (places.unsqueeze(-1) == ops.arange(count, device=places.device)).to(like)


def all_true(valid: Tensor) -> bool:
    """Return whether all truth values are true; if so a recorder hears that what follows relies on it."""
    holds = bool(valid.value.all())
    if holds:
        rely(lambda: valid)
    return holds


def sum_rightmost(value: Any, dims: int) -> Any:
    """Return the sum over the last `dims` dimensions."""
    return value.sum(tuple(range(-dims, 0))) if dims > 0 else value


def clamp_probs(probs: Tensor) -> Tensor:
    """Return probabilities at least an epsilon away from 0 and 1."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Return the probabilities of logits: sigmoid(logits) of yes or no, else softmax over the last dimension."""
    return ops.sigmoid(logits) if is_binary else ops.softmax(logits, dim=-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Return log p - log(1-p) of yes or no, else log p; 0 and 1 are clamped, so that it is finite."""
    clamped = clamp_probs(probs)
    return ops.log(clamped) - ops.log1p(-clamped) if is_binary else ops.log(clamped)


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + eˣ) in all digits, where `nn.functional.softplus` gives x from 20 on."""
    return ops.logaddexp(x, ops.zeros_like(x))


class lazy_property:  # noqa: N801 - PyTorch's name
    """A property that is computed when it is first read and then kept in the instance."""

    def __init__(self, wrapped: Callable[[Any], Any]):
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, obj_type: Any = None) -> Any:
        if instance is None:
            return self
        with modes.enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.wrapped.__name__] = value
        return value
