"""The relaxed Bernoulli distribution."""

from __future__ import annotations

from collections.abc import Sequence

from lineal import ops
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.chances import Chances
from lineal.distributions.number_transforms import SigmoidTransform
from lineal.distributions.parameters import broadcast_all, clamp_probs, probs_to_logits, softplus
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.tensors import Tensor

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Chances):
    """(l + log u - log(1-u)) / temperature for u uniform and the logits l.   Maddison, Mnih and Teh 2017."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    _batched_ = ("probs", "logits", "_param")
    _kept_ = ("temperature",)

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ):
        self.temperature = temperature
        self._choose_(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(ops.rand(shape, dtype=probs.dtype, device=probs.device))
        return (probs_to_logits(u, is_binary=True) + probs_to_logits(probs, is_binary=True)) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        beside = logits - value * self.temperature
        return self.temperature.log() + beside - 2 * softplus(beside)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers between 0 and 1 that are nearly 0 or 1 at low temperatures: a Bernoulli number whose samples have derivatives."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    base_dist: LogitRelaxedBernoulli
    _batched_ = ()

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ):
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The log-odds of 1."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probability of 1."""
        return self.base_dist.probs
