"""The negative binomial distribution."""

from __future__ import annotations

from collections.abc import Sequence

from lineal import ops
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.chances import Chances
from lineal.distributions.gamma import Gamma
from lineal.distributions.parameters import lazy_property, softplus
from lineal.tensors import Tensor

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Chances):
    """The number of successes before n = total_count failures: P(k) = Γ(n+k)/(k! Γ(n)) pᵏ (1-p)ⁿ; n may be any number."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    _batched_ = ("total_count", "probs", "logits", "_param")

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ):
        (self.total_count,) = self._choose_(probs, logits, total_count)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * ops.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / ops.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self) -> Gamma:
        return Gamma(self.total_count, ops.exp(-self.logits), validate_args=False)

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with modes.no_grad():
            return ops.poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = ops.lgamma(n + value) - ops.lgamma(1.0 + value) - ops.lgamma(n)
        return ops.where(n + value == 0, 0.0, ways) - n * softplus(logits) - value * softplus(-logits)
