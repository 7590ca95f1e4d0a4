"""Covariance functions of Gaussian processes: squared exponential and Matérn, as functions and as modules that learn."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from lineal.base.config import get_default_dtype
from lineal.core import apply
from lineal.nn import Module, Parameter
from lineal.ops import where
from lineal.ops.contraction.distances import SquaredDistances
from lineal.ops.front import unary
from lineal.ops.linalg.matrices import broadcast_batches
from lineal.tensors import Tensor, tensor

# Matérn's functions of s = 2ν d²/ℓ². Each one's slope is a multiple of the one before it: derivatives that exist are right
# at s = 0 too, where a chain through √s would give NaN. Only the first has no slope there; it is given 0, as a norm is.
_half = unary(
    "matern12",
    lambda m, s: m.exp(-m.sqrt(s)),
    lambda g, s, y: -g * y * where(s > 0, s, float("inf")).rsqrt() / 2,
    domain="real float",
    doc="Return exp(-√s).",
)
_three_halves = unary(
    "matern32",
    lambda m, s: (1 + m.sqrt(s)) * m.exp(-m.sqrt(s)),
    lambda g, s: -g * _half(s) / 2,
    domain="real float",
    doc="Return (1 + √s) exp(-√s).",
)
_five_halves = unary(
    "matern52",
    lambda m, s: (1 + m.sqrt(s) + s / 3) * m.exp(-m.sqrt(s)),
    lambda g, s: -g * _three_halves(s) / 6,
    domain="real float",
    doc="Return (1 + √s + s/3) exp(-√s).",
)
PROFILES = {0.5: _half, 1.5: _three_halves, 2.5: _five_halves}


def squared_distances(x: Tensor, y: Tensor, lengthscale: Any = 1.0) -> Tensor:
    """Return Σₖ (xᵢₖ - yⱼₖ)² / ℓₖ² as (…, m, p) for x (…, m, n) and y (…, p, n); ℓ is a number or (n,).

    From the differences themselves: no digits cancel where points are near each other.
    """
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise RuntimeError(f"squared_distances: expected points (…, m, n), (…, p, n), got {list(x.shape)}, {list(y.shape)}")
    left, right = broadcast_batches("squared_distances", x / lengthscale, y / lengthscale)
    return apply(SquaredDistances(), left, right)


def rbf(x: Tensor, y: Tensor, lengthscale: Any = 1.0, variance: Any = 1.0) -> Tensor:
    """Return the squared exponential v exp(-d²/2ℓ²) of all pairs of x (…, m, n) and y (…, p, n).

    Rasmussen and Williams (2006), eq. 4.9. A lengthscale (n,) weighs the features.
    """
    return variance * (squared_distances(x, y, lengthscale) / -2).exp()


def matern(x: Tensor, y: Tensor, lengthscale: Any = 1.0, variance: Any = 1.0, nu: float = 2.5) -> Tensor:
    """Return Matérn's covariance of all pairs of x (…, m, n) and y (…, p, n), its ν (`nu`) ½, 3/2 or 5/2.

    With t = √2ν d/ℓ:  v e⁻ᵗ,  v (1 + t) e⁻ᵗ,  v (1 + t + t²/3) e⁻ᵗ.   Rasmussen and Williams (2006), eq. 4.14 and 4.17.
    """
    if nu not in PROFILES:
        raise ValueError(f"matern: expected nu to be 0.5, 1.5 or 2.5, got {nu}")
    return variance * PROFILES[nu](2 * nu * squared_distances(x, y, lengthscale))


class Kernel(Module):
    """A covariance function with a lengthscale and a variance that are learned by their logarithms, so that they stay positive.

    `lengthscale` is a number, or a list with one for each feature.
    """

    def __init__(self, lengthscale: Any = 1.0, variance: float = 1.0, dtype: Any = None):
        super().__init__()
        dtype = get_default_dtype() if dtype is None else dtype
        self.log_lengthscale = Parameter(tensor(lengthscale, dtype=dtype).log())
        self.log_variance = Parameter(tensor(variance, dtype=dtype).log())

    @property
    def lengthscale(self) -> Tensor:
        """How far apart points are still alike."""
        return self.log_lengthscale.exp()

    @property
    def variance(self) -> Tensor:
        """The variance of the function at any point."""
        return self.log_variance.exp()

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the covariances (…, m, p) of the function's values at x (…, m, n) and y (…, p, n)."""

    def extra_repr(self) -> str:
        return f"lengthscale={self.lengthscale.tolist()}, variance={self.variance.item():.4g}"


class RBF(Kernel):
    """The squared exponential kernel, `rbf`: functions that can be differentiated any number of times."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return rbf(x, y, self.lengthscale, self.variance)


class Matern(Kernel):
    """Matérn's kernel, `matern`: functions that can be differentiated less often than ν times."""

    def __init__(self, lengthscale: Any = 1.0, variance: float = 1.0, nu: float = 2.5, dtype: Any = None):
        super().__init__(lengthscale, variance, dtype)
        self.nu = nu

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return matern(x, y, self.lengthscale, self.variance, self.nu)
