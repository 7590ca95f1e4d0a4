"""The error function, the gamma function, and their kin.

SciPy gives the numbers of small arrays, codegen/mathlib those of large ones and of programs, 4 units in the last place away at
most; beside their zeros left of 0 those of digamma, and of lgamma of small arrays, are so many units of 1 away.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from lineal.base import config, later
from lineal.base.dtypes import Category
from lineal.base.signatures import Tensor
from lineal.core import apply
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.elementwise.exponential import exp
from lineal.ops.front import require_tensor, store, unary
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import unsupported

__all__ = ["erf", "erfc", "erfinv", "lgamma", "digamma", "polygamma"]

scipy: Any = later.module("scipy")
values: Any = later.module("lineal.codegen.specialvalues")

_TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)

erf = unary(
    "erf",
    lambda m, x: m.erf(x),
    lambda g, x: g * exp(-x.square()) * _TWO_BY_ROOT_PI,
    domain="real float",
    numeric=lambda m, x: scipy.special.erf(x),
    host_only="SciPy",
    doc="Return the error function of input.",
)
erfc = unary(
    "erfc",
    lambda m, x: m.erfc(x),
    lambda g, x: g * exp(-x.square()) * -_TWO_BY_ROOT_PI,
    domain="real float",
    numeric=lambda m, x: scipy.special.erfc(x),
    host_only="SciPy",
    doc="Return 1 - erf(input), accurate for large input.",
)
erfinv = unary(
    "erfinv",
    lambda m, x: m.erfinv(x),
    lambda g, y: g * exp(y.square()) * (1 / _TWO_BY_ROOT_PI),
    domain="real float",
    numeric=lambda m, x: m.where(x == 0, x, scipy.special.erfinv(x)),
    host_only="SciPy",
    doc="Return the inverse of the error function, ±∞ at ±1, nan beyond.",
)


lgamma = unary(
    "lgamma",
    lambda m, x: m.lgamma(x),
    lambda g, x: g * digamma(x),
    domain="real float",
    numeric=lambda m, x: values.lgamma(x),
    host_only="SciPy",
    doc="Return the logarithm of |Γ(input)|.",
)


digamma = unary(
    "digamma",
    lambda m, x: m.digamma(x),
    lambda g, x: g * polygamma(1, x),
    domain="real float",
    numeric=lambda m, x: values.digamma(x),
    host_only="SciPy",
    doc="Return the derivative of lgamma.",
)


class Polygamma(Elementwise):
    """y = the n-th derivative of digamma at x; x̄ = ȳ times the next one."""

    n: int

    def __init__(self, n: int):
        super().__init__(
            "polygamma",
            (lambda m, x: m.trigamma(x)) if n == 1 else (lambda m, x: m.polygamma(n, x)),
            (lambda g, x: g * polygamma(n + 1, x),),
            numeric=lambda m, x: values.trigamma(x) if n == 1 else scipy.special.polygamma(n, x).astype(x.dtype),
            host_only="SciPy",
        )
        self.__dict__["n"] = n


_polygamma = functools.lru_cache(64)(Polygamma)


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the n-th derivative of digamma at input, n ≥ 0."""
    if not isinstance(n, int):
        raise TypeError(f"polygamma: argument 'n' must be int, not {type(n).__name__}")
    if n < 0:
        raise RuntimeError(f"polygamma: polygamma(n, x) does not support negative n, got {n}")
    kind = require_tensor("polygamma", input).dtype.kind
    if kind == "c":
        raise unsupported("polygamma", dtype_of(input))
    if dtype_of(input).category < Category.FLOATING:
        input = cast(input, config.defaults.dtype)
    y = digamma(input) if n == 0 else apply(_polygamma(n), input)
    return y if out is None else store(y, out, "polygamma", input)
