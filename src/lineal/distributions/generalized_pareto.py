"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import ops
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.distribution import Distribution
from lineal.distributions.parameters import broadcast_all
from lineal.tensors import Tensor

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + ξ z)^(-1/ξ), z = (x - loc)/scale, ξ = concentration; exp(-z) where ξ is 0."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    _batched_ = ("loc", "scale", "concentration")

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None
    ):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """Numbers from loc on, up to loc - scale/ξ where ξ is negative."""
        upper = ops.where(self.concentration < 0, self.loc - self.scale / self.concentration, math.inf)
        return constraints.interval(self.loc, upper)

    def _tail_(self) -> tuple[Tensor, Tensor]:
        """Return where ξ is 0, and ξ with a 1 there.

        At 0 functions are computed by their first two terms, of which the second has the derivative by ξ.
        """
        is_zero = ops.isclose(self.concentration, ops.zeros_like(self.concentration))
        return is_zero, ops.where(is_zero, 1.0, self.concentration)

    def _distance_(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (value - self.loc) / self.scale

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        return self.icdf(ops.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        z = self._distance_(value)
        is_zero, tail = self._tail_()
        power = 1 / tail + 1
        # ξ = -1 is uniform, to the upper end, where the logarithm is infinite
        fall = ops.where(power == 0, 0.0, power * ops.log1p(tail * z))
        return -self.scale.log() - ops.where(is_zero, z + self.concentration * z * (1 - z / 2), fall)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """Return log P(X > value)."""
        z = self._distance_(value)
        is_zero, tail = self._tail_()
        return ops.where(is_zero, self.concentration * z**2 / 2 - z, -ops.log1p(tail * z) / tail)

    def log_cdf(self, value: Tensor) -> Tensor:
        """Return log P(X ≤ value)."""
        return ops.log(-ops.expm1(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return -ops.expm1(self.log_survival_function(value))

    def icdf(self, value: Tensor) -> Tensor:
        is_zero, tail = self._tail_()
        logs = ops.log1p(-value)
        terms = self.concentration * logs**2 / 2 - logs
        return self.loc + self.scale * ops.where(is_zero, terms, ops.expm1(-tail * logs) / tail)

    @property
    def mean(self) -> Tensor:
        finite = self.concentration < 1
        tail = ops.where(finite, self.concentration, 0.5)
        return ops.where(finite, self.loc + self.scale / (1 - tail), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.concentration < 0.5
        tail = ops.where(finite, self.concentration, 0.25)
        return ops.where(finite, self.scale**2 / ((1 - tail) ** 2 * (1 - 2 * tail)), math.nan)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
