"""Distributions that are given probabilities or logits, the other of which is computed when it is first read."""

from __future__ import annotations

from typing import Any

from lineal.base.spec import Size
from lineal.distributions.distribution import Distribution
from lineal.distributions.parameters import broadcast_all, lazy_property, logits_to_probs, probs_to_logits
from lineal.tensors import Tensor

__all__ = ["Chances", "chosen"]


def chosen(probs: Any, logits: Any) -> tuple[str, Any]:
    """Return the name of the one that is given, and it; ValueError unless it is one."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return ("logits", logits) if probs is None else ("probs", probs)


class Chances(Distribution):
    """A distribution of `probs` or `logits`, of yes or no unless a family says otherwise."""

    _is_binary_ = True
    _batched_ = ("probs", "logits", "_param")

    def _choose_(self, probs: Any, logits: Any, *others: Any) -> list[Tensor]:
        """Take over the one that is given, and return the others in its shape and dtype."""
        name, given = chosen(probs, logits)
        *beside, value = broadcast_all(*others, given)
        setattr(self, name, value)
        self._param = value
        return [each.type_as(value) for each in beside]

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds, or logarithms of probabilities."""
        return probs_to_logits(self.probs, is_binary=self._is_binary_)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=self._is_binary_)

    @property
    def param_shape(self) -> Size:
        """The shape of the probabilities."""
        return self._param.size()

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._param.new(*args, **kwargs)
