"""The Poisson distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.exp_family import ExponentialFamily
from lineal.distributions.parameters import broadcast_all
from lineal.tensors import Tensor

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """P(k) = rateᵏ exp(-rate) / k! for k = 0, 1, …"""

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    _batched_ = ("rate",)

    def __init__(self, rate: Tensor | float, validate_args: bool | None = None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with modes.no_grad():
            return ops.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return ops.xlogy(value, rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (ops.log(self.rate),)

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        return ops.exp(natural_params[0])
