"""The Gumbel distribution."""

from __future__ import annotations

import math

from lineal import ops
from lineal.base.limits import finfo
from lineal.distributions import constraints
from lineal.distributions.number_transforms import AffineTransform, ExpTransform
from lineal.distributions.parameters import broadcast_all, euler_constant
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.distributions.uniform import Uniform
from lineal.tensors import Tensor

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """loc - scale log(-log u) for u uniform; p(x) = exp(y - exp(y))/scale, y = (loc - x)/scale."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    _batched_ = ("loc", "scale")

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None):
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = finfo(self.loc.dtype)
        low = ops.full_like(self.loc.detach(), limits.tiny)
        base = Uniform(low, ops.full_like(low, 1 - limits.eps), validate_args=validate_args)
        transforms = [
            ExpTransform().inv,
            AffineTransform(loc=0, scale=-ops.ones_like(self.scale.detach())),
            ExpTransform().inv,
            AffineTransform(loc=loc, scale=-self.scale),
        ]
        super().__init__(base, transforms, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.pow(2)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return ops.exp(-ops.exp((self.loc - value) / self.scale))

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
