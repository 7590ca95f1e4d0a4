"""Orthogonal polynomials of any degree; SciPy's recurrences give the numbers. As in PyTorch they have no derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lineal.base import later
from lineal.base.signatures import Binary
from lineal.ops.front import binary

scipy: Any = later.module("scipy")

HIGHEST = 1 << 20
"""The highest degree that is computed: a recurrence takes as many steps for each element. Higher ones give NaN."""


def polynomial(name: str, values: Callable[[Any, Any], Any], symbol: str) -> Binary:
    """Make the public function of a family: `values` of whole degrees and float64; negative degrees give 0."""

    def numeric(m: Any, x: Any, n: Any) -> Any:
        # SciPy's loops for whole degrees are recurrences, those for others hypergeometric series
        degree = m.trunc(m.clip(m.where(m.isfinite(n), n, -1), -1, HIGHEST + 1)).astype("int64")
        wide = x.astype("float64")
        y = values(m.clip(degree, 0, HIGHEST), wide)
        # recurrences take infinities from each other
        y = m.where(degree == 0, 1.0, m.where(m.isinf(wide), ends(m, degree, values(1, m.clip(wide, -4, 4))), y))
        return m.where(degree < 0, 0.0, m.where(degree > HIGHEST, math.nan, y)).astype(x.dtype)

    return binary(
        name,
        lambda m, x, n: m.scipy(name, x, n),
        domain="real float",
        numeric=numeric,
        host_only="SciPy",
        numbers="one",
        doc=f"Return {symbol}(input) of degree n = other, whose fraction is cut off: 0 if negative, NaN above 2²⁰.",
    )


def ends(m: Any, degree: Any, first: Any) -> Any:
    """Return the limits at an infinity, from the sign there of the polynomial of degree 1: all grow like its powers."""
    return m.where(degree % 2 == 1, m.copysign(math.inf, first), math.inf)


def _t(n: Any, x: Any) -> Any:
    return scipy.special.eval_chebyt(n, x)


def _u(n: Any, x: Any) -> Any:
    return scipy.special.eval_chebyu(n, x)


# Mason and Handscomb (2003), eq. 1.17 and 1.18
def _v(n: Any, x: Any) -> Any:
    return _u(n, x) - _u(n - 1, x)


def _w(n: Any, x: Any) -> Any:
    return _u(n, x) + _u(n - 1, x)


chebyshev_polynomial_t = polynomial("special_chebyshev_polynomial_t", _t, "Tₙ")
chebyshev_polynomial_u = polynomial("special_chebyshev_polynomial_u", _u, "Uₙ")
chebyshev_polynomial_v = polynomial("special_chebyshev_polynomial_v", _v, "Vₙ")
chebyshev_polynomial_w = polynomial("special_chebyshev_polynomial_w", _w, "Wₙ")
shifted_chebyshev_polynomial_t = polynomial(
    "special_shifted_chebyshev_polynomial_t", lambda n, x: _t(n, 2 * x - 1), "Tₙ(2x - 1), x = "
)
shifted_chebyshev_polynomial_u = polynomial(
    "special_shifted_chebyshev_polynomial_u", lambda n, x: _u(n, 2 * x - 1), "Uₙ(2x - 1), x = "
)
shifted_chebyshev_polynomial_v = polynomial(
    "special_shifted_chebyshev_polynomial_v", lambda n, x: _v(n, 2 * x - 1), "Vₙ(2x - 1), x = "
)
shifted_chebyshev_polynomial_w = polynomial(
    "special_shifted_chebyshev_polynomial_w", lambda n, x: _w(n, 2 * x - 1), "Wₙ(2x - 1), x = "
)
hermite_polynomial_h = polynomial("special_hermite_polynomial_h", lambda n, x: scipy.special.eval_hermite(n, x), "Hₙ")
hermite_polynomial_he = polynomial("special_hermite_polynomial_he", lambda n, x: scipy.special.eval_hermitenorm(n, x), "Heₙ")
laguerre_polynomial_l = polynomial("special_laguerre_polynomial_l", lambda n, x: scipy.special.eval_laguerre(n, x), "Lₙ")
legendre_polynomial_p = polynomial("special_legendre_polynomial_p", lambda n, x: scipy.special.eval_legendre(n, x), "Pₙ")
