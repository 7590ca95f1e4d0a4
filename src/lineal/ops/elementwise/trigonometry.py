"""Circular and hyperbolic functions, their inverses, and angles."""

from __future__ import annotations

import functools
import math
from typing import Any

from lineal.core.door import unary_door
from lineal.ops.creation import ones_like
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.front import binary, row, unary
from lineal.ops.pattern import Elementwise

__all__ = [
    "sin",
    "cos",
    "tan",
    "asin",
    "arcsin",
    "acos",
    "arccos",
    "atan",
    "arctan",
    "atan2",
    "arctan2",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "arcsinh",
    "acosh",
    "arccosh",
    "atanh",
    "arctanh",
    "hypot",
    "sinc",
    "deg2rad",
    "rad2deg",
]

_minus_sine = row(
    "cos_backward",
    lambda m, g, x: -(g * m.sin(x)),
    lambda h, x: _minus_sine(h, x.conj()),
    lambda h, g, x: -(h * (g * cos(x)).conj()),
)
_one_plus_square = row(
    "tan_backward",
    lambda m, g, y: g * (1 + y * y),
    lambda h, y: _one_plus_square(h, y.conj()),
    lambda h, g, y: h * (g * y * 2).conj(),
)
_one_less_square = row(
    "tanh_backward",
    lambda m, g, y: g - g * (y * y),
    lambda h, y: _one_less_square(h, y.conj()),
    lambda h, g, y: h * (g * y * -2).conj(),
)

sin = unary("sin", lambda m, x: m.sin(x), lambda g, x: g * cos(x).conj(), doc="Return the sine of input.")
cos = unary("cos", lambda m, x: m.cos(x), lambda g, x: _minus_sine(g, x.conj()), doc="Return the cosine of input.")
tan = unary("tan", lambda m, x: m.tan(x), lambda g, y: _one_plus_square(g, y.conj()), doc="Return the tangent of input.")
asin = unary(
    "asin", lambda m, x: m.arcsin(x), lambda g, x: g * ((1 - x) * (1 + x)).rsqrt().conj(), doc="Return the arcsine of input."
)
acos = unary(
    "acos", lambda m, x: m.arccos(x), lambda g, x: g * -((1 - x) * (1 + x)).rsqrt().conj(), doc="Return the arccosine of input."
)
atan = unary("atan", lambda m, x: m.arctan(x), lambda g, x: g / (x * x + 1).conj(), doc="Return the arctangent of input.")
sinh = unary("sinh", lambda m, x: m.sinh(x), lambda g, x: g * cosh(x).conj(), doc="Return the hyperbolic sine of input.")
cosh = unary("cosh", lambda m, x: m.cosh(x), lambda g, x: g * sinh(x).conj(), doc="Return the hyperbolic cosine of input.")
tanh = unary(
    "tanh", lambda m, x: m.tanh(x), lambda g, y: _one_less_square(g, y.conj()), doc="Return the hyperbolic tangent of input."
)
asinh = unary(
    "asinh",
    lambda m, x: m.arcsinh(x),
    lambda g, x: g * _asinh_slope(x).conj(),
    doc="Return the inverse hyperbolic sine of input.",
)
acosh = unary(
    "acosh",
    lambda m, x: m.arccosh(x),
    lambda g, x: g * _acosh_slope(x).conj(),
    doc="Return the inverse hyperbolic cosine of input.",
)
atanh = unary(
    "atanh",
    lambda m, x: m.arctanh(x),
    lambda g, x: g / ((1 - x) * (1 + x)).conj(),
    doc="Return the inverse hyperbolic tangent of input.",
)


def _acosh_slope(x: Any) -> Any:
    # of complex numbers the factors' roots have the right branch, the product's has not; of large ones it overflows
    return (x + 1).rsqrt() * (x - 1).rsqrt()


def _asinh_slope(x: Any) -> Any:
    if x.value.dtype.kind == "c":
        return (x * x + 1).rsqrt()
    return hypot(x, ones_like(x)).reciprocal()


# b / r² with r² = a² + b², which leaves the range at half its width: both factors are divided by r instead
_across = row(
    "atan2_backward",
    lambda m, g, a, b: m.where((a == 0) & (b == 0), 0, g * (b / m.hypot(a, b) / m.hypot(a, b))),
    lambda h, a, b: _across(h, a, b),
    lambda h, g, a, b: h * g * (_directed(a, b) * _directed(b, a) * -2),
    lambda h, g, a, b: h * g * ((_directed(a, b) - _directed(b, a)) * (_directed(a, b) + _directed(b, a))),
)


def _directed(a: Any, b: Any) -> Any:
    """Return a / r², whose products with another such one are the second derivatives of the angle."""
    return _across(ones_like(a), b, a)


atan2 = binary(
    "atan2",
    lambda m, a, b: m.arctan2(a, b),
    lambda g, a, b: _across(g, a, b),
    lambda g, a, b: -_across(g, b, a),
    domain="real float",
    numbers="none",
    doc="Return the angle, in (-π, π], of the point with height input and abscissa other.",
)
hypot = binary(
    "hypot",
    lambda m, a, b: m.hypot(a, b),
    lambda g, a, y: g * (a / y),
    lambda g, b, y: g * (b / y),
    domain="only float",
    numbers="none",
    doc="Return √(input² + other²) without overflow.",
)

_PI = math.pi


class Spherical(Elementwise):
    """y = jₙ(x) / xⁿ, jₙ the spherical Bessel function of the first kind;  x̄ = -ȳ x jₙ₊₁(x) / xⁿ⁺¹.

    Abramowitz and Stegun (1964), eq. 10.1.2 (the series, near 0), 10.1.19 and 10.1.23.
    """

    n: int

    def __init__(self, n: int):
        formula = lambda m, x: _spherical(m, x, n)
        super().__init__("sinc_backward", formula, (lambda g, x: g * (x * spherical(n + 1)(x) * -1).conj(),))
        self.__dict__["n"] = n


def _spherical(m: Any, x: Any, n: int) -> Any:
    near = m.abs(x) < n + 2
    small = m.where(near, x, x * 0)
    half, total = small * small * -0.5, small * 0
    for k in range(_TERMS + n, -1, -1):
        total = total * half + 1 / (math.factorial(k) * _odd(2 * (n + k) + 1))
    large = m.where(near, x * 0 + 1, x)
    before, here = m.cos(large), m.sin(large) / large
    for k in range(n):
        before, here = here, ((2 * k + 1) * here - before) / large / large
    return m.where(near, total, here)


_TERMS = 14


def _odd(n: int) -> int:
    """Return the product of the odd numbers up to n."""
    return math.prod(range(1, n + 1, 2))


@functools.lru_cache(64)
def spherical(n: int) -> Any:
    """Return the function x → jₙ(x) / xⁿ."""
    op = Spherical(n)
    return unary_door(op, op.kernel)


def _sinc_slope(g: Any, x: Any) -> Any:
    return g * (x * spherical(1)(x * _PI) * -(_PI * _PI)).conj()


sinc = unary(
    "sinc",
    lambda m, x: m.where(x == 0, 1, m.sin(m.pi * x) / (m.pi * x)),
    _sinc_slope,
    doc="Return sin(π input) / (π input), 1 at 0.",
)
deg2rad = unary(
    "deg2rad", lambda m, x: x * (m.pi / 180), lambda g: mul(g, _PI / 180), domain="real float", doc="Return degrees as radians."
)
rad2deg = unary(
    "rad2deg", lambda m, x: x * (180 / m.pi), lambda g: mul(g, 180 / _PI), domain="real float", doc="Return radians as degrees."
)

arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
