"""The inverse gamma distribution."""

from __future__ import annotations

import math

from lineal import ops
from lineal.distributions import constraints
from lineal.distributions.gamma import Gamma
from lineal.distributions.number_transforms import PowerTransform
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.tensors import Tensor

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """1/x for x gamma of the concentration a and the rate."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True
    base_dist: Gamma
    _batched_ = ()

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None):
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args=validate_args)

    @property
    def concentration(self) -> Tensor:
        """The concentration of 1/x."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Tensor:
        """The rate of 1/x."""
        return self.base_dist.rate

    @property
    def mean(self) -> Tensor:
        a = self.concentration
        return ops.where(a > 1, self.rate / (a - 1), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        a = self.concentration
        return ops.where(a > 2, self.rate.square() / ((a - 1).square() * (a - 2)), math.inf)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()
