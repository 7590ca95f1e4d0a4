"""Comparisons and other questions about elements; the answers are bool and have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, apply
from lineal.ops.conversion import constant, dtype_of
from lineal.ops.front import binary, require_tensor, unary
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import broadcast

__all__ = [
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "less",
    "less_equal",
    "not_equal",
    "signbit",
]

eq = binary("eq", lambda m, a, b: m.equal(a, b), result="bool", numbers="second", doc="Return where input = other.")
ne = binary("ne", lambda m, a, b: m.not_equal(a, b), result="bool", numbers="second", doc="Return where input ≠ other.")
lt = binary(
    "lt", lambda m, a, b: m.less(a, b), domain="real", result="bool", numbers="second", doc="Return where input < other."
)
le = binary(
    "le", lambda m, a, b: m.less_equal(a, b), domain="real", result="bool", numbers="second", doc="Return where input ≤ other."
)
gt = binary(
    "gt", lambda m, a, b: m.greater(a, b), domain="real", result="bool", numbers="second", doc="Return where input > other."
)
ge = binary(
    "ge",
    lambda m, a, b: m.greater_equal(a, b),
    domain="real",
    result="bool",
    numbers="second",
    doc="Return where input ≥ other.",
)

isnan = unary("isnan", lambda m, x: m.isnan(x), domain="any", result="bool", doc="Return where input is nan, in either part.")
isinf = unary(
    "isinf", lambda m, x: m.isinf(x), domain="any", result="bool", doc="Return where input is infinite, in either part."
)
isfinite = unary(
    "isfinite", lambda m, x: m.isfinite(x), domain="any", result="bool", doc="Return where input is neither infinite nor nan."
)
isreal = unary(
    "isreal",
    lambda m, x: x.imag == 0,
    domain="any",
    result="bool",
    numeric=lambda m, x: _has_no_imaginary(m, x),
    doc="Return where input has no imaginary part.",
)
_isposinf = unary("isposinf", lambda m, x: x == m.inf, domain="real", result="bool")
_isneginf = unary("isneginf", lambda m, x: x == -m.inf, domain="real", result="bool")
signbit = unary(
    "signbit",
    lambda m, x: m.signbit(x),
    domain="real",
    result="bool",
    numeric=lambda m, x: x < 0 if x.dtype.kind in "iub" else m.signbit(x),
    doc="Return where the sign bit of input is set, as it is in -0.0.",
)


def _has_no_imaginary(m: Any, x: Any) -> Any:
    return x.imag == 0 if x.dtype.kind == "c" else m.ones(x.shape, bool)


def refuse_complex(name: str, x: AbstractTensor) -> None:
    """Raise if `x` is complex."""
    if require_tensor(name, x).dtype.kind == "c":
        raise RuntimeError(f"{name} does not support complex inputs.")


def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where input is +∞."""
    refuse_complex("isposinf", input)
    return _isposinf(input, out=out)


def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return where input is -∞."""
    refuse_complex("isneginf", input)
    return _isneginf(input, out=out)


def _close(m: Any, a: Any, b: Any, rtol: Any, atol: Any) -> Any:
    return _within(m, a, b, m.abs(a - b), atol + m.abs(rtol * b))


def _within(m: Any, a: Any, b: Any, distance: Any, allowed: Any) -> Any:
    return (a == b) | (m.isfinite(distance) & (distance <= allowed))


def _close_numeric(m: Any, a: Any, b: Any, rtol: Any, atol: Any) -> Any:
    if a.dtype.kind not in "iub":
        return _close(m, a, b, rtol, atol)
    wide = np.uint64 if a.dtype.kind == "u" else np.int64
    a, b = a.astype(wide), b.astype(wide)
    # the difference of two int64 may need the bit of the sign
    return _within(m, a, b, (m.maximum(a, b) - m.minimum(a, b)).astype(np.uint64), atol + m.abs(rtol * b))


_isclose = Elementwise("isclose", _close, (None,) * 4, "bool", _close_numeric)


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Return where |input - other| ≤ atol + rtol × |other|; nan is close to nan if `equal_nan`. The dtypes must be the same."""
    require_tensor("isclose", input)
    require_tensor("isclose", other)
    if dtype_of(input) is not dtype_of(other):
        raise RuntimeError(f"isclose: expected tensors of one dtype, got {dtype_of(input)} and {dtype_of(other)}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"isclose: {name} must be greater than or equal to zero, but got {tolerance}")
    y = apply(_isclose, *broadcast("isclose", input, other, constant(float(rtol)), constant(float(atol))))
    return y | (isnan(input) & isnan(other)) if equal_nan and input.value.dtype.kind not in "iub" else y


greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
