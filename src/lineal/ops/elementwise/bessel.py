"""Bessel functions, modified ones, and Airy's. As in PyTorch only I₀ and I₁ have derivatives.

SciPy gives the numbers, of I₀ and I₁ those of small arrays: of large ones, and in programs, codegen/mathlib does, 4 units in
the last place away at most.
"""

from __future__ import annotations

import functools
from typing import Any

from lineal.base import later
from lineal.base.signatures import Unary
from lineal.core.door import unary_door
from lineal.ops.elementwise.signs import sgn
from lineal.ops.front import unary
from lineal.ops.pattern import Elementwise, Rule

__all__ = ["i0"]

scipy: Any = later.module("scipy")

FAR = 1e8
"""From where on Iₙ is I₀ (1 - n² / 2x) to the last bit."""

i0 = unary(
    "i0",
    lambda m, x: m.i0(x),
    lambda g, x: g * i1(x),
    domain="real float",
    numeric=lambda m, x: scipy.special.i0(x),
    host_only="SciPy",
    doc="Return I₀(input), the modified Bessel function of the first kind.",
)
i0e = unary(
    "special_i0e",
    lambda m, x: m.i0e(x),
    lambda g, x, y: g * (i1e(x) - sgn(x) * y),
    domain="real float",
    numeric=lambda m, x: scipy.special.i0e(x),
    host_only="SciPy",
    doc="Return exp(-|input|) I₀(input).",
)
i1 = unary(
    "special_i1",
    lambda m, x: m.i1(x),
    lambda g, x: g * (i0(x) + modified(2, False)(x)) * 0.5,
    domain="real float",
    numeric=lambda m, x: scipy.special.i1(x),
    host_only="SciPy",
    doc="Return I₁(input), the modified Bessel function of the first kind.",
)
i1e = unary(
    "special_i1e",
    lambda m, x: m.i1e(x),
    lambda g, x, y: g * ((i0e(x) + modified(2, True)(x)) * 0.5 - sgn(x) * y),
    domain="real float",
    numeric=lambda m, x: scipy.special.i1e(x),
    host_only="SciPy",
    doc="Return exp(-|input|) I₁(input).",
)


class ModifiedBessel(Elementwise):
    """y = Iₙ(x), n ≥ 2, times exp(-|x|) if `scaled`;  x̄ = ȳ (Iₙ₋₁(x) + Iₙ₊₁(x)) / 2, scaled: the same, and -ȳ sgn(x) y.

    Abramowitz and Stegun (1964), eq. 9.6.26. Unlike Iₙ₋₁ - n Iₙ / x it cancels nothing near 0.
    """

    n: int
    scaled: bool
    no_lowering = "host step: SciPy has the function"

    def __init__(self, n: int, scaled: bool):
        beside = lambda x: (modified(n - 1, scaled)(x) + modified(n + 1, scaled)(x)) * 0.5
        slope: Rule = (lambda g, x, y: g * (beside(x) - sgn(x) * y)) if scaled else (lambda g, x: g * beside(x))
        values = lambda m, x: scaled_values(m, n, x) if scaled else scipy.special.iv(n, x)
        numeric = lambda m, x: values(m, x).astype(x.dtype)
        super().__init__("modified_bessel", lambda m, x: m.modified_bessel(n, x), (slope,), "same", numeric, "SciPy")
        self.__dict__.update(n=n, scaled=scaled)


def scaled_values(m: Any, n: int, x: Any) -> Any:
    """Return exp(-|x|) Iₙ(x); far out, where SciPy gives nan, by Abramowitz and Stegun (1964), eq. 9.7.1."""
    size = m.maximum(abs(x), FAR)
    far = scipy.special.i0e(x) * (1 - n * n / 2 / size) * m.sign(x) ** n
    return m.where(size > FAR, far, scipy.special.ive(n, x))


@functools.lru_cache(64)
def modified(n: int, scaled: bool) -> Any:
    """Return the function x → Iₙ(x), or exp(-|x|) Iₙ(x)."""
    if n < 2:
        return ((i0, i0e), (i1, i1e))[n][scaled]
    op = ModifiedBessel(n, scaled)
    return unary_door(op, op.kernel)


def underived(name: str, numeric: Rule, doc: str) -> Unary:
    """Make the public function of a row that has no derivative, and no code: SciPy computes it."""
    return unary(name, lambda m, x: m.scipy(name, x), domain="real float", numeric=numeric, host_only="SciPy", doc=doc)


def _vanishing(m: Any, x: Any, y: Any) -> Any:
    # of infinity SciPy gives nan
    return m.where(m.isinf(x), x.dtype.type(0), y)


airy_ai = underived(
    "special_airy_ai",
    # beyond 108 it is less than the smallest float64, and far beyond SciPy gives nan
    lambda m, x: m.where(x > 108, x.dtype.type(0), scipy.special.airy(x)[0]),
    "Return Airy's function Ai(input).",
)
bessel_j0 = underived(
    "special_bessel_j0",
    lambda m, x: _vanishing(m, x, scipy.special.j0(x)),
    "Return J₀(input), the Bessel function of the first kind.",
)
bessel_j1 = underived(
    "special_bessel_j1",
    lambda m, x: _vanishing(m, x, scipy.special.j1(x)),
    "Return J₁(input), the Bessel function of the first kind.",
)
bessel_y0 = underived(
    "special_bessel_y0", lambda m, x: scipy.special.y0(x), "Return Y₀(input), the Bessel function of the second kind, -∞ at 0."
)
bessel_y1 = underived(
    "special_bessel_y1", lambda m, x: scipy.special.y1(x), "Return Y₁(input), the Bessel function of the second kind, -∞ at 0."
)
modified_bessel_i0 = unary(
    "special_modified_bessel_i0",
    lambda m, x: m.i0(x),
    domain="real float",
    numeric=lambda m, x: scipy.special.i0(x),
    host_only="SciPy",
    doc="Return I₀(input); unlike `i0` it has no derivative.",
)
modified_bessel_i1 = unary(
    "special_modified_bessel_i1",
    lambda m, x: m.i1(x),
    domain="real float",
    numeric=lambda m, x: scipy.special.i1(x),
    host_only="SciPy",
    doc="Return I₁(input); unlike `i1` it has no derivative.",
)
modified_bessel_k0 = underived(
    "special_modified_bessel_k0",
    lambda m, x: scipy.special.k0(x),
    "Return K₀(input), the modified Bessel function of the second kind, ∞ at 0.",
)
modified_bessel_k1 = underived(
    "special_modified_bessel_k1",
    lambda m, x: scipy.special.k1(x),
    "Return K₁(input), the modified Bessel function of the second kind, ∞ at 0.",
)
scaled_modified_bessel_k0 = underived(
    "special_scaled_modified_bessel_k0", lambda m, x: scipy.special.k0e(x), "Return exp(input) K₀(input)."
)
scaled_modified_bessel_k1 = underived(
    "special_scaled_modified_bessel_k1", lambda m, x: scipy.special.k1e(x), "Return exp(input) K₁(input)."
)
spherical_bessel_j0 = unary(
    "special_spherical_bessel_j0",
    lambda m, x: m.where(x == 0, 1, m.where(m.isinf(x), 0, m.sin(x) / x)),
    domain="real float",
    doc="Return sin(input) / input, 1 at 0: the spherical Bessel function of the first kind.",
)
