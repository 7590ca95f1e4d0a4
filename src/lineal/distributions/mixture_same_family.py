"""Mixtures of distributions of one family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.categorical import Categorical
from lineal.distributions.constraints import MixtureSameFamilyConstraint
from lineal.distributions.distribution import Distribution
from lineal.tensors import Tensor

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """p(x) = Σᵢ wᵢ pᵢ(x): weights of a categorical distribution, components along the last batch dimension of another."""

    arg_constraints: Any = {}
    has_rsample = False
    _kept_ = ("_num_component", "_event_ndims")

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("The Mixture distribution needs to be an instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = mixture_distribution.logits.shape[-1]
        self._event_ndims = len(component_distribution.event_shape)
        self._check_shapes_()
        batch_shape = component_distribution.batch_shape[:-1]
        super().__init__(batch_shape, component_distribution.event_shape, validate_args=validate_args)

    def _check_shapes_(self) -> None:
        weights, parts = self._mixture_distribution.batch_shape, self._component_distribution.batch_shape
        if any(i != 1 and j != 1 and i != j for i, j in zip(reversed(weights), reversed(parts[:-1]))):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({weights}) is not compatible with "
                f"`component_distribution.batch_shape`({parts[:-1]})"
            )
        if self._num_component != parts[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({self._num_component}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({parts[-1]})"
            )

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        batch_shape = Size(batch_shape)
        new._component_distribution = self._component_distribution.expand((*batch_shape, self._num_component))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        return self._expanded_(new, batch_shape)

    @constraints.dependent_property
    def support(self) -> Any:
        """The components' support."""
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution of the component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _expectation_(self, values: Tensor) -> Tensor:
        """Return the weighted sum of values (…, k) + event_shape."""
        probs = self.mixture_distribution.probs
        probs = probs.reshape(probs.shape + (1,) * self._event_ndims)
        return (probs * values).sum(-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._expectation_(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        """The law of total variance: E var(x | i) + var E(x | i)."""
        parts = self.component_distribution
        return self._expectation_(parts.variance) + self._expectation_((parts.mean - self._pad(self.mean)) ** 2)

    def cdf(self, value: Tensor) -> Tensor:
        return (self.component_distribution.cdf(self._pad(value)) * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        parts = self.component_distribution.log_prob(self._pad(value))
        return ops.logsumexp(parts + ops.log_softmax(self.mixture_distribution.logits, -1), -1)

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with modes.no_grad():
            parts = self.component_distribution.sample(sample_shape)
            shape = self._extended_shape(sample_shape)
            dim = len(shape) - self._event_ndims
            chosen = self.mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            chosen = chosen.reshape(chosen.shape + (1,) * (1 + self._event_ndims))
            return parts.gather(dim, chosen.expand((*shape[:dim], 1, *self._event_shape))).squeeze(dim)

    def _pad(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1 - self._event_ndims)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
