"""The normal distribution's functions, entropies, and products with logarithms.

SciPy gives most numbers of small arrays, codegen/mathlib those of large ones and of programs, within 4 units in the last place.
"""

from __future__ import annotations

import math
from typing import Any

from lineal.base import later
from lineal.ops.elementwise.exponential import exp, log
from lineal.ops.front import binary, row, unary

scipy: Any = later.module("scipy")
values: Any = later.module("lineal.codegen.specialvalues")

_ROOT_HALF, _ROOT_TWO_PI = math.sqrt(0.5), math.sqrt(2 * math.pi)

erfcx = unary(
    "special_erfcx",
    lambda m, x: m.erfcx(x),
    lambda g, x, y: g * (x * y * 2 - 2 / math.sqrt(math.pi)),
    domain="real float",
    numeric=lambda m, x: values.erfcx(x),
    host_only="SciPy",
    doc="Return exp(input²) erfc(input), which does not underflow.",
)
ndtr = unary(
    "special_ndtr",
    lambda m, x: m.ndtr(x),
    lambda g, x: g * exp(x.square() * -0.5) * (1 / _ROOT_TWO_PI),
    domain="real float",
    numeric=lambda m, x: values.ndtr(x),
    host_only="SciPy",
    doc="Return the probability that a standard normal variable is at most input.",
)
log_ndtr = unary(
    "special_log_ndtr",
    lambda m, x: m.log_ndtr(x),
    lambda g, x: g / erfcx(x * -_ROOT_HALF) * (2 / _ROOT_TWO_PI),
    domain="real float",
    numeric=lambda m, x: values.log_ndtr(x),
    host_only="SciPy",
    doc="Return log(ndtr(input)), accurate where that is small.",
)
ndtri = unary(
    "special_ndtri",
    lambda m, x: m.ndtri(x),
    lambda g, y: g * exp(y.square() * 0.5) * _ROOT_TWO_PI,
    domain="real float",
    numeric=lambda m, x: scipy.special.ndtri(x),
    host_only="SciPy",
    doc="Return the inverse of ndtr, ±∞ at 0 and 1, nan beyond.",
)
entr = unary(
    "special_entr",
    lambda m, x: m.where(x > 0, -x * m.log(x), m.where(x == 0, 0, m.where(x < 0, -m.inf, x))),
    lambda g, x: g * -(log(x) + 1),
    domain="real float",
    doc="Return -input log(input), 0 at 0 and -∞ below.",
)

_xlog1py_backward = row(
    "xlog1py_backward",
    lambda m, g, a, b: m.where((a == 0) & (b <= -1), 0, m.where(g == 0, 0, g * m.log1p(b))),
    lambda h, a, b: _xlog1py_backward(h, a, b),
    None,
    lambda h, g, a, b: h * g / (b + 1),
)
xlog1py = binary(
    "special_xlog1py",
    lambda m, a, b: m.where((a == 0) & (b == b), 0, a * m.log1p(b)),
    lambda g, a, b: _xlog1py_backward(g, a, b),
    lambda g, a, b: g * a / (b + 1),
    domain="real float",
    numbers="one",
    doc="Return input × log1p(other), 0 where input is.",
)
