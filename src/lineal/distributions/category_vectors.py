"""Distributions of vectors made of a categorical distribution."""

from __future__ import annotations

from typing import Any

from lineal.base.spec import Size
from lineal.distributions.categorical import Categorical
from lineal.distributions.distribution import Distribution
from lineal.tensors import Tensor

__all__ = ["OfCategories"]


class OfCategories(Distribution):
    """A distribution whose `probs` and `logits` are those of a categorical one."""

    _categorical: Categorical

    def _take_categories_(self, probs: Any, logits: Any, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)

    @property
    def probs(self) -> Tensor:
        """The probabilities (…, k)."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def param_shape(self) -> Size:
        """The shape of the probabilities."""
        return self._categorical.param_shape

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._categorical._new(*args, **kwargs)
