"""The Dirichlet distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.exp_family import ExponentialFamily
from lineal.distributions.parameters import indicators
from lineal.ops.random.gammas import _sample_dirichlet
from lineal.tensors import Tensor

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """p(x) = Γ(Σ aᵢ) Π xᵢ^(aᵢ-1) / Γ(aᵢ) for shares xᵢ whose sum is 1; a = concentration, along the last dimension."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    _batched_ = ("concentration",)

    def __init__(self, concentration: Tensor, validate_args: bool | None = None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        beyond = (self.concentration - 1).clamp(min=0.0)
        inside = beyond / beyond.sum(-1, keepdim=True)
        # all concentrations below 1: a corner, of which PyTorch takes the first
        corner = indicators(inside.argmax(-1), inside.shape[-1], inside)
        return ops.where((self.concentration < 1).all(-1, keepdim=True), corner, inside)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        return _sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return ops.xlogy(self.concentration - 1.0, value).sum(-1) - self._log_normalizer(self.concentration)

    def entropy(self) -> Tensor:
        a, k = self.concentration, self.concentration.shape[-1]
        total = a.sum(-1)
        surprise = (k - total) * total.digamma() + ((a - 1.0) * a.digamma()).sum(-1)
        return self._log_normalizer(a) - surprise

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        (a,) = natural_params
        return ops.lgamma(a).sum(-1) - ops.lgamma(a.sum(-1))
