"""Functions of two arguments about Γ: incomplete gamma functions, the multivariate gamma function, Hurwitz's zeta."""

from __future__ import annotations

import math
from typing import Any

from lineal.base import later
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.ops.elementwise.exponential import exp, log
from lineal.ops.elementwise.special import lgamma
from lineal.ops.front import binary, require_tensor, store, underivable

__all__ = ["igamma", "igammac", "mvlgamma"]

scipy: Any = later.module("scipy")


def _density(g: Any, a: Any, x: Any) -> Any:
    return g * exp((a - 1) * log(x) - x - lgamma(a))


igamma = binary(
    "igamma",
    lambda m, a, x: m.gammainc(a, x),
    underivable("igamma: input"),
    _density,
    domain="only float",
    numeric=lambda m, a, x: scipy.special.gammainc(a, x),
    host_only="SciPy",
    numbers="none",
    doc="Return ∫ t^(a-1) exp(-t) dt / Γ(a) from 0 to x, of a = input and x = other.",
)
igammac = binary(
    "igammac",
    lambda m, a, x: m.gammaincc(a, x),
    underivable("igammac: input"),
    lambda g, a, x: -_density(g, a, x),
    domain="only float",
    numeric=lambda m, a, x: scipy.special.gammaincc(a, x),
    host_only="SciPy",
    numbers="none",
    doc="Return 1 - igamma(input, other), accurate for large other.",
)
zeta = binary(
    "special_zeta",
    lambda m, x, q: m.zeta(x, q),
    underivable("zeta"),
    lambda g, x, q: g * -x * zeta(x + 1, q),
    domain="real float",
    numeric=lambda m, x, q: scipy.special.zeta(x, q),
    host_only="SciPy",
    numbers="one",
    doc="Return Σ (k + other)^-input over k = 0, 1, …: Hurwitz's zeta function.",
)


@public
def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """Return log Γₚ(input) = p (p-1) / 4 log π + Σ lgamma(input - j/2), j < p: the gamma function of dimension p."""
    require_tensor("mvlgamma", input)
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, got {p}")
    y = lgamma(input)
    for j in range(1, p):
        y = y + lgamma(input - j / 2)
    y = renamed(y + p * (p - 1) / 4 * math.log(math.pi), "MvlgammaBackward0")
    return y if out is None else store(y, out, "mvlgamma", input)
