"""The four operations, powers and their kin."""

from __future__ import annotations

from typing import Any

from lineal.core import AbstractTensor
from lineal.ops.front import binary, store, unary

__all__ = ["add", "mul", "neg", "sub"]

neg = unary("neg", lambda m, x: m.negative(x), lambda g: -g, domain="number", doc="Return -input.")
_add = binary("add", lambda m, a, b: m.add(a, b), lambda g: g, lambda g: g)
_sub = binary("sub", lambda m, a, b: m.subtract(a, b), lambda g: g, lambda g: -g, domain="number")
mul = binary("mul", lambda m, a, b: m.multiply(a, b), lambda g, b: g * b.conj(), lambda g, a: g * a.conj(), doc="Return input × other.")


def add(input: Any, other: Any, *, alpha: Any = 1, out: AbstractTensor | None = None) -> Any:  # noqa: A002
    """Return input + alpha × other."""
    y = _add(input, other if alpha == 1 else other * alpha)
    return y if out is None else store(y, out, "add")


def sub(input: Any, other: Any, *, alpha: Any = 1, out: AbstractTensor | None = None) -> Any:  # noqa: A002
    """Return input - alpha × other."""
    y = _sub(input, other if alpha == 1 else other * alpha)
    return y if out is None else store(y, out, "sub")
