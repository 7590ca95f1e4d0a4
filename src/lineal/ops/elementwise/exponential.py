"""Exponentials, logarithms, and functions made of them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from lineal.base.signatures import Tensor
from lineal.core import Op, apply, renamed
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.elementwise.masks import keep
from lineal.ops.elementwise.powers import pow
from lineal.ops.front import binary, nary, require_tensor, row, store, unary

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "logaddexp",
    "logaddexp2",
    "xlogy",
    "sigmoid",
    "logit",
    "ldexp",
    "frexp",
]

_LN2, _LN10 = math.log(2), math.log(10)

exp = unary("exp", lambda m, x: m.exp(x), lambda g, y: g * y.conj(), doc="Return e to the power of input.")
exp2 = unary(
    "exp2",
    lambda m, x: m.exp2(x),
    lambda g, y: g * y.conj() * _LN2,
    numeric=lambda m, x: m.exp2(x) if x.dtype.kind != "c" else m.exp(x * _LN2),
    doc="Return 2 to the power of input.",
)
expm1 = unary("expm1", lambda m, x: m.expm1(x), lambda g, y: g * (y + 1).conj(), doc="Return exp(input) - 1, accurate near 0.")
log = unary("log", lambda m, x: m.log(x), lambda g, x: g / x.conj(), doc="Return the natural logarithm of input.")
log2 = unary("log2", lambda m, x: m.log2(x), lambda g, x: g / (x.conj() * _LN2), doc="Return the logarithm to base 2.")
log10 = unary("log10", lambda m, x: m.log10(x), lambda g, x: g / (x.conj() * _LN10), doc="Return the logarithm to base 10.")
log1p = unary("log1p", lambda m, x: m.log1p(x), lambda g, x: g / (x + 1).conj(), doc="Return log(1 + input), accurate near 0.")


def _logaddexp(m: Any, a: Any, b: Any) -> Any:
    if a.dtype.kind != "c":
        return m.logaddexp(a, b)
    high = m.where(a.real >= b.real, a, b)
    low = m.where(a.real >= b.real, b, a)
    return m.where(m.isinf(high) & (high == low), high, high + m.log1p(m.exp(low - high)))


logaddexp = binary(
    "logaddexp",
    lambda m, a, b: m.logaddexp(a, b),
    lambda g, a, b: g * sigmoid(a - b).conj(),
    lambda g, a, b: g * sigmoid(b - a).conj(),
    domain="field",
    numeric=_logaddexp,
    doc="Return log(exp(input) + exp(other)) without overflow.",
)
logaddexp2 = binary(
    "logaddexp2",
    lambda m, a, b: m.logaddexp2(a, b),
    lambda g, a, b: g * sigmoid((a - b) * _LN2),
    lambda g, a, b: g * sigmoid((b - a) * _LN2),
    domain="only float",
    doc="Return log2(2^input + 2^other) without overflow.",
)

_xlogy_backward = row(
    "xlogy_backward",
    lambda m, g, a, b: m.where((a == 0) & (b <= 0), 0, m.where(g == 0, 0, g * m.log(b))),
    lambda h, a, b: _xlogy_backward(h, a, b),
    None,
    lambda h, g, a, b: h * g / b,
)
_xlogy_by_other = row(
    "xlogy_by_other",
    lambda m, g, a, b: m.where((a == 0) & (b == b), 0, g * (a / b)),
    lambda h, a, b: _xlogy_by_other(h, a, b),
    lambda h, g, b: h * g / b,
    lambda h, g, a, b: -_xlogy_by_other(h * g / b, a, b),
)
xlogy = binary(
    "xlogy",
    lambda m, a, b: m.where((a == 0) & (b == b), 0, a * m.log(b)),
    lambda g, a, b: _xlogy_backward(g, a, b),
    lambda g, a, b: _xlogy_by_other(g, a, b),
    domain="real float",
    numbers="one",
    doc="Return input × log(other), 0 where input is.",
)

_sigmoid_backward = row(
    "sigmoid_backward",
    lambda m, g, y: g * ((1 - y) * y),
    lambda h, y: _sigmoid_backward(h, y.conj()),
    lambda h, g, y: h * (g * (1 - 2 * y)).conj(),
)
sigmoid = unary(
    "sigmoid",
    lambda m, x: 1 / (1 + m.exp(-x)),
    lambda g, y: _sigmoid_backward(g, y.conj()),
    doc="Return 1 / (1 + exp(-input)).",
)


_logit = unary("logit", lambda m, x: m.log(x / (1 - x)), lambda g, x: _logit_slope(g, x), domain="real float")
_logit_slope = row(
    "logit_backward",
    lambda m, g, x: m.where((x < 0) | (x > 1), m.nan, g / (x * (1 - x))),
    lambda h, x: _logit_slope(h, x),
    lambda h, g, x: h * g * (2 * x - 1) / (x * (1 - x)).square(),
)
_logit_between = nary(
    "logit_between",
    lambda m, x, low, high: m.log(m.minimum(m.maximum(x, low), high) / (1 - m.minimum(m.maximum(x, low), high))),
    lambda g, x, low, high: keep(_logit_slope(g, x), (x >= low) & (x <= high)),
    None,
    None,
    domain="real float",
)


@public
def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return log(input / (1 - input)); with `eps`, input is first moved into [eps, 1 - eps]."""
    if eps is None:
        return _logit(input, out=out)
    return _logit_between(input, float(eps), 1 - float(eps), out=out)


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input × 2^other."""
    require_tensor("ldexp", input)
    require_tensor("ldexp", other)
    return renamed(mul(input, pow(2.0, other), out=out), "LdexpBackward0")


class Frexp(Op):
    """mantissa × 2^exponent = x with ½ ≤ |mantissa| < 1; x̄ = (cotangent of the mantissa) / 2^exponent."""

    keeps = "y"
    width = 2
    no_lowering = "host step: exponents are read by NumPy"

    def eager(self, xp, x):
        return tuple(xp.frexp(x))

    def vjp(self, needs, g, y, x):
        return (None if g[0] is None else ldexp(g[0], -y[1]),)


class FrexpResult(NamedTuple):
    """What `frexp` returns."""

    mantissa: Any
    exponent: Any


@public
def frexp(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> FrexpResult:
    """Return the mantissas, in (-1, -½] or [½, 1), and the int32 exponents to base 2 of input."""
    if not dtype_of(input).is_floating_point:
        raise RuntimeError("frexp: torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = apply(Frexp(), input)
    if out is None:
        return FrexpResult(mantissa, exponent)
    return FrexpResult(store(mantissa, out[0], "frexp"), store(exponent, out[1], "frexp"))
