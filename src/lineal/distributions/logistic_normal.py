"""The logistic normal distribution."""

from __future__ import annotations

from typing import Any

from lineal.distributions import constraints
from lineal.distributions.normal import Normal
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.distributions.vector_transforms import StickBreakingTransform
from lineal.tensors import Tensor

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """k shares made of k-1 normal numbers by StickBreakingTransform."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    base_dist: Any
    _batched_ = ()

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None):
        base = Normal(loc, scale, validate_args=validate_args)
        base = base if base.batch_shape else base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Tensor:
        """The means of the normal numbers."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """Their standard deviations."""
        return self.base_dist.base_dist.scale
