"""The Kumaraswamy distribution."""

from __future__ import annotations

import math

from lineal import ops
from lineal.distributions import constraints
from lineal.distributions.number_transforms import AffineTransform, PowerTransform
from lineal.distributions.parameters import broadcast_all, euler_constant
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.distributions.uniform import Uniform
from lineal.tensors import Tensor

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """(1 - u^(1/b))^(1/a) for u uniform: p(x) = a b x^(a-1) (1 - xᵃ)^(b-1); a = concentration1, b = concentration0."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True
    _batched_ = ("concentration1", "concentration0")

    def __init__(self, concentration1: Tensor | float, concentration0: Tensor | float, validate_args: bool | None = None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        low = ops.zeros_like(self.concentration0.detach())
        transforms = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        base = Uniform(low, ops.ones_like(low), validate_args=validate_args)
        super().__init__(base, transforms, validate_args=validate_args)

    def _moment_(self, n: int) -> Tensor:
        """Return E xⁿ = b B(1 + n/a, b)."""
        a, b = 1 + n / self.concentration1, self.concentration0
        return b * ops.exp(ops.lgamma(a) + ops.lgamma(b) - ops.lgamma(a + b))

    @property
    def mean(self) -> Tensor:
        return self._moment_(1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        log_mode = b.reciprocal() * (-b).log1p() - (-b * a).log1p()
        return ops.where((b < 1) | (a < 1), math.nan, log_mode).exp()

    @property
    def variance(self) -> Tensor:
        return self._moment_(2) - self.mean.pow(2)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = ops.digamma(b + 1) + euler_constant
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * harmonic - a.log() - b.log()
