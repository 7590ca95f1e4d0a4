"""What optimizers refuse, in PyTorch's words, and the options that state of earlier versions has not got."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.core import AbstractTensor

__all__ = ["LATER", "check_betas", "check_option", "check_rate", "check_ways", "scalar"]

LATER = {
    "amsgrad": False,
    "capturable": False,
    "centered": False,
    "decoupled_weight_decay": False,
    "differentiable": False,
    "foreach": None,
    "fused": None,
    "maximize": False,
    "momentum": 0,
    "nesterov": False,
}
"""Options that came after the first version of PyTorch's optimizers: a group that was saved before has them so."""


def check_option(what: str, holds: Any, value: Any) -> None:
    """Refuse an option's value."""
    if not holds:
        raise ValueError(f"Invalid {what}: {value}")


def check_one(what: str, value: Any) -> None:
    """Refuse a tensor of more elements than one, or of none."""
    if isinstance(value, AbstractTensor) and value.value.size != 1:
        raise ValueError(f"Tensor {what} must be 1-element")


def check_rate(lr: Any) -> None:
    """Refuse a learning rate below 0, or one that is several."""
    check_one("lr", lr)
    check_option("learning rate", lr >= 0, lr)


def check_betas(betas: Sequence[Any]) -> None:
    """Refuse shares outside of [0, 1)."""
    for place, beta in enumerate(betas):
        check_option(f"beta parameter at index {place}", 0 <= beta < 1, beta)


def check_ways(foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """Refuse ways of computing that exclude each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def scalar(value: Any) -> Any:
    """Return a tensor of one element as one of no dimensions; other values as they are."""
    if isinstance(value, AbstractTensor) and value.value.ndim:
        return value.squeeze()  # type: ignore[attr-defined]
    return value
