"""Rounding to whole numbers; the derivatives are zero."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops.conversion import dtype_of
from lineal.ops.elementwise.arithmetic import mul, true_divide
from lineal.ops.front import Rule, require_tensor, store, unary, zero
from lineal.ops.promotion import unsupported

__all__ = ["ceil", "floor", "round", "trunc", "fix", "frac"]


def _unless_whole(scalar: Rule) -> Rule:
    """Return a kernel that copies integers, which NumPy's functions would turn into floats."""
    return lambda m, x: x.copy() if x.dtype.kind in "iu" else scalar(m, x)


def _step(name: str, scalar: Rule, doc: str) -> Any:
    return unary(name, scalar, zero, domain="ordered", numeric=_unless_whole(scalar), doc=doc)


ceil = _step("ceil", lambda m, x: m.ceil(x), "Return input rounded up to whole numbers.")
floor = _step("floor", lambda m, x: m.floor(x), "Return input rounded down to whole numbers.")
trunc = _step("trunc", lambda m, x: m.trunc(x), "Return input rounded towards zero to whole numbers.")
_round = _step("round", lambda m, x: m.rint(x), "Return input rounded to the nearest whole numbers, halves to even ones.")
frac = unary(
    "frac",
    lambda m, x: x - m.trunc(x),
    lambda g: g,
    domain="only float",
    doc="Return input less its whole part; it has input's sign.",
)


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """Return input rounded to `decimals` decimal places, halves to even ones; negative places round to tens, hundreds …"""
    if decimals == 0:
        return _round(input, out=out)
    if require_tensor("round", input).dtype.kind in "iub":
        raise unsupported("round", dtype_of(input))
    scale = 10.0 ** abs(decimals)
    y = true_divide(_round(mul(input, scale)), scale) if decimals > 0 else mul(_round(true_divide(input, scale)), scale)
    return y if out is None else store(y, out, "round", input)


fix = trunc
