"""The gamma distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.exp_family import ExponentialFamily
from lineal.distributions.parameters import broadcast_all
from lineal.ops.random.gammas import _standard_gamma
from lineal.tensors import Tensor, as_tensor

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """p(x) = rate^a x^(a-1) exp(-rate x) / Γ(a), a = concentration.

    Samples move with the concentration as quantiles do: implicit reparametrisation (Figurnov, Mohamed and Mnih 2018).
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    _batched_ = ("concentration", "rate")

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        value = _standard_gamma(self.concentration.expand(shape)) / self.rate
        # a quotient that vanishes is no sample, since its logarithm is infinite; the derivative stays
        tiny = finfo(value.dtype).tiny
        return ops.where(value < tiny, value - value.detach() + tiny, value)

    def log_prob(self, value: Tensor) -> Tensor:
        value = as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return ops.xlogy(a, self.rate) + ops.xlogy(a - 1, value) - self.rate * value - ops.lgamma(a)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return ops.igamma(*ops.broadcast_tensors(self.concentration, self.rate * value))

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1.0 - a) * a.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        x, y = natural_params
        return ops.lgamma(x + 1) - (x + 1) * ops.log(-y)
