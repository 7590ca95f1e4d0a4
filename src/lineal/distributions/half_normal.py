"""The half-normal distribution."""

from __future__ import annotations

import math

from lineal import ops
from lineal.distributions import constraints
from lineal.distributions.halves import Half
from lineal.distributions.normal import Normal
from lineal.tensors import Tensor

__all__ = ["HalfNormal"]


class HalfNormal(Half):
    """|x| for x normal of mean 0 and standard deviation `scale`."""

    arg_constraints = {"scale": constraints.positive}
    base_dist: Normal
    _batched_ = ()

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None):
        super().__init__(Normal(0, scale, validate_args=False), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.scale)
