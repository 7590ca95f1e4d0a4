"""The half-Cauchy distribution."""

from __future__ import annotations

import math

from lineal import ops
from lineal.distributions import constraints
from lineal.distributions.cauchy import Cauchy
from lineal.distributions.halves import Half
from lineal.tensors import Tensor

__all__ = ["HalfCauchy"]


class HalfCauchy(Half):
    """|x| for x Cauchy of median 0 and scale `scale`."""

    arg_constraints = {"scale": constraints.positive}
    base_dist: Cauchy
    _batched_ = ()

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None):
        super().__init__(Cauchy(0, scale, validate_args=False), validate_args)

    @property
    def mean(self) -> Tensor:
        return ops.full_like(self.scale.detach(), math.inf)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.scale)
