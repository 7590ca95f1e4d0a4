"""Distributions of |x| for x of a distribution that is symmetric about 0."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.distributions import constraints
from lineal.distributions.distribution import Distribution
from lineal.distributions.number_transforms import AbsTransform
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.tensors import Tensor

__all__ = ["Half"]


class Half(TransformedDistribution):
    """The half of a symmetric distribution, of twice the density."""

    support = constraints.nonnegative
    has_rsample = True
    base_dist: Any

    def __init__(self, base_distribution: Distribution, validate_args: bool | None = None):
        super().__init__(base_distribution, AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Tensor:
        """The scale of the whole."""
        return self.base_dist.scale

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return ops.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
