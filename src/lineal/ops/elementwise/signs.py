"""Magnitude and sign, the neighbours of a number, and replacements for what is not finite."""

from __future__ import annotations

from typing import Any

from lineal.base.limits import finfo
from lineal.base.signatures import Tensor
from lineal.core import apply
from lineal.core.calling import public
from lineal.ops.conversion import constant, dtype_of
from lineal.ops.elementwise.masks import drop, keep
from lineal.ops.front import binary, require_tensor, row, store, unary, underivable, zero
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import broadcast
from lineal.ops.structural.reshape import clone

__all__ = ["sgn", "sign", "abs", "absolute", "copysign", "nextafter", "heaviside", "nan_to_num"]


def _sign(m: Any, x: Any) -> Any:
    if x.dtype.kind == "b":
        return x.copy()
    if x.dtype.kind in "iu":
        return m.sign(x)
    return m.where(m.isnan(x), 0, m.sign(x)) if x.dtype.kind != "c" else m.sign(x)


def _known_sign(m: Any, x: Any) -> Any:
    # NumPy's sign of nan is nan
    return m.where(x == x, m.sign(x), 0)


def _sgn_slope(g: Any, x: Any, y: Any) -> Any:
    """Of complex x: the part of g across the direction y, by the distance from 0."""
    if x.value.dtype.kind != "c":
        return zero(g)
    return drop((g - y * (g * y.conj()).real) / abs(x), x == 0)


sgn = unary("sgn", _known_sign, _sgn_slope, domain="any", numeric=_sign, doc="Return input / |input|, 0 where input is.")
_real_sign = unary("sign", _known_sign, zero, domain="real", numeric=_sign)


def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return -1, 0 or 1 as input is negative, zero or positive; 0 for nan."""
    if require_tensor("sign", input).dtype.kind == "c":
        raise NotImplementedError("sign: not intended to support complex numbers; use sgn instead")
    return _real_sign(input, out=out)


_signed = row("abs_backward", lambda m, g, x: g * _known_sign(m, x), lambda h, x: _signed(h, x), None)


def _abs_slope(g: Any, x: Any) -> Any:
    return _signed(g, x) if x.value.dtype.kind != "c" else g * sgn(x)


abs = unary(
    "abs",
    lambda m, x: m.abs(x),
    _abs_slope,
    domain="number",
    result="real",
    doc="Return the magnitude of input; the gradient at 0 is 0, and at nan.",
)
copysign = binary(
    "copysign",
    lambda m, a, b: m.copysign(a, b),
    lambda g, a, y: _copied_sign(g, a, y),
    zero,
    domain="real float",
    numbers="second",
    doc="Return the magnitude of input with the sign of other.",
)
_copied_sign = row(
    "copysign_backward",
    lambda m, g, a, y: m.where(a == 0, 0, m.where(m.signbit(a) == m.signbit(y), g, -g)),
    lambda h, a, y: _copied_sign(h, a, y),
    zero,
    zero,
)
nextafter = binary(
    "nextafter",
    lambda m, a, b: m.nextafter(a, b),
    lambda g, a, b: keep(g, a != b),
    zero,
    domain="only float",
    numbers="none",
    doc="Return the floating-point number next to input in the direction of other.",
)
_heaviside = binary(
    "heaviside",
    lambda m, x, at_zero: m.where(x == 0, at_zero, x > 0),
    underivable("heaviside"),
    underivable("heaviside"),
    domain="real",
    numeric=lambda m, x, at_zero: m.where(x == 0, at_zero, (x > 0).astype(x.dtype)),
)


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return 0 where input is negative (or nan), 1 where it is positive, `values` where it is 0. One real dtype only."""
    given = [require_tensor("heaviside", x).dtype for x in (input, values)]
    if "c" in (given[0].kind, given[1].kind):
        raise RuntimeError("heaviside: not implemented for complex tensors")
    if given[0] != given[1]:
        raise RuntimeError(f"heaviside: expected tensors of one dtype, got {dtype_of(input)} and {dtype_of(values)}")
    return _heaviside(input, values, out=out)


def _replaced(m: Any, x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    return m.where(x != x, nan, m.where(x == m.inf, posinf, m.where(x == -m.inf, neginf, x)))


def _replaced_numeric(m: Any, x: Any, *numbers: Any) -> Any:
    if x.dtype.kind != "c":
        return _replaced(m, x, *numbers)
    y = m.empty(x.shape, x.dtype)
    y.real, y.imag = _replaced(m, x.real, *numbers), _replaced(m, x.imag, *numbers)
    return y


def _finite_part(g: Any, x: Any) -> Any:
    if x.value.dtype.kind == "c":
        return keep(g.real, x.real.isfinite()) + 1j * keep(g.imag, x.imag.isfinite())
    return keep(g, x.isfinite())


_nan_to_num = Elementwise("nan_to_num", _replaced, (_finite_part, None, None, None), "same", _replaced_numeric)


@public
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return input with nan, +∞ and -∞ replaced: by 0 and by the largest and smallest numbers of the dtype unless given."""
    if require_tensor("nan_to_num", input).dtype.kind in "iub":
        y = clone(input)
    else:
        part = dtype_of(input).to_real()
        limit = finfo(part).max
        numbers = (0.0 if nan is None else nan, limit if posinf is None else posinf, -limit if neginf is None else neginf)
        y = apply(_nan_to_num, *broadcast("nan_to_num", input, *[constant(float(each), part) for each in numbers]))
    return y if out is None else store(y, out, "nan_to_num", input)


absolute = abs
