"""The von Mises distribution of angles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import ops, special
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.distribution import Distribution
from lineal.distributions.parameters import broadcast_all, lazy_property
from lineal.ops.random.generator import default_generator
from lineal.ops.random.sampling import VonMisesDraw
from lineal.tensors import Tensor

__all__ = ["VonMises"]


class VonMises(Distribution):
    """p(x) = exp(k cos(x - loc)) / (2π I₀(k)) for angles x in radians, k = concentration; samples are within ±π.

    `variance` is the circular one, 1 - I₁(k)/I₀(k).
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    _batched_ = ("loc", "concentration")

    def __init__(self, loc: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with modes.no_grad():
            drawn = VonMisesDraw(shape, self.loc.dtype)
            return default_generator.draw(drawn, self.loc.expand(shape), self.concentration.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # I₀(k) = exp(k) i0e(k), and cos - 1 = -2 sin² of the half keeps its digits
        fall = -2 * self.concentration * ops.sin((value - self.loc) / 2) ** 2
        return fall - math.log(2 * math.pi) - special.i0e(self.concentration).log()
