"""Exponential families: p(x; η) = exp(η·t(x) - F(η) + k(x))."""

from __future__ import annotations

from typing import Any

from lineal.autograd import grad
from lineal.core import modes
from lineal.distributions.distribution import Distribution
from lineal.distributions.parameters import sum_rightmost
from lineal.tensors import Tensor

__all__ = ["ExponentialFamily", "log_normalizer_and_means"]


class ExponentialFamily(Distribution):
    """A distribution of natural parameters η (`_natural_params`) and log-normalizer F(η) (`_log_normalizer`).

    `_mean_carrier_measure` is the expectation of k(x).
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self._missing_("_natural_params")

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return self._missing_("_log_normalizer")

    _mean_carrier_measure: Any = property(lambda self: self._missing_("_mean_carrier_measure"))

    def entropy(self) -> Tensor:
        """Return F(η) - η·∇F(η) - E k(x).   Nielsen and Nock 2010, "Entropies and cross-entropies of exponential families"."""
        params, normalizer, means = log_normalizer_and_means(self)
        result = normalizer - self._mean_carrier_measure
        for param, mean in zip(params, means):
            result = result - sum_rightmost(param * mean, param.dim() - len(self._batch_shape))
        return result


def log_normalizer_and_means(p: Any) -> tuple[list[Tensor], Tensor, tuple[Any, ...]]:
    """Return natural parameters η, the log-normalizer F(η), and ∇F(η) = E t(x); derivatives go back to what η was made of."""
    with modes.enable_grad():
        params = [each if each.requires_grad else each.detach().requires_grad_() for each in p._natural_params]
        normalizer = p._log_normalizer(*params)
        return params, normalizer, grad(normalizer.sum(), params, create_graph=True)
