"""The error function, the gamma function, and their kin.

SciPy gives the numbers of small arrays, codegen/mathlib those of large ones and of programs, 4 units in the last place away at
most; beside the zeros of digamma left of 0 the error is a few units in the last place of 1.
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


def _lgamma(m: Any, x: Any) -> Any:
    # SciPy gives ∞ for the smallest numbers, and nan for -∞
    tiny = m.abs(x) < 1e-300
    return m.where(x == -m.inf, x.dtype.type(m.inf), m.where(tiny, -m.log(m.abs(x)), scipy.special.gammaln(x)))


lgamma = unary(
    "lgamma",
    lambda m, x: m.lgamma(x),
    lambda g, x: g * digamma(x),
    domain="real float",
    numeric=_lgamma,
    host_only="SciPy",
    doc="Return the logarithm of |Γ(input)|.",
)


def _digamma(m: Any, x: Any) -> Any:
    # at 0 the limit depends on the side, and the sign of zero tells which
    return m.where(x == 0, m.copysign(m.inf, -x).astype(x.dtype), scipy.special.digamma(x))


digamma = unary(
    "digamma",
    lambda m, x: m.digamma(x),
    lambda g, x: g * polygamma(1, x),
    domain="real float",
    numeric=_digamma,
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
            numeric=lambda m, x: _polygamma_values(m, n, x).astype(x.dtype),
            host_only="SciPy",
        )
        self.__dict__["n"] = n


def _polygamma_values(m: Any, n: int, x: Any) -> Any:
    y = scipy.special.polygamma(n, x)
    # 1 / sin² has no limit at -∞, where SciPy gives ∞
    return m.where(x == -m.inf, m.nan, y) if n == 1 else y


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
