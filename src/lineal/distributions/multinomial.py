"""The multinomial distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import ops
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.binomial import Binomial
from lineal.distributions.category_vectors import OfCategories
from lineal.distributions.parameters import broadcast_all, lazy_property
from lineal.tensors import Tensor

__all__ = ["Multinomial"]


class Multinomial(OfCategories):
    """How often each of k categories comes in n = total_count draws: P(x) = n! Π pᵢ^xᵢ / xᵢ!

    `log_prob` takes any counts, of whatever sum, as those of as many draws, unless the sum is above n.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    total_count: int
    _batched_ = ("_categorical",)
    _kept_ = ("total_count",)

    def __init__(
        self, total_count: int = 1, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._take_categories_(probs, logits)
        super().__init__(self._categorical.batch_shape, self.param_shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        """Counts whose sum is at most total_count."""
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    @lazy_property
    def _binomial(self) -> Binomial:
        return Binomial(self.total_count, probs=self.probs)

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = drawn.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add(-1, drawn, ops.ones_like(drawn)).type_as(self.probs)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        ways = ops.lgamma(value.sum(-1) + 1) - ops.lgamma(value + 1).sum(-1)
        impossible = (value == 0) & (logits == -math.inf)
        return ways + (ops.where(impossible, 0.0, logits) * value).sum(-1)

    def entropy(self) -> Tensor:
        """Return n H(p) - log n! + Σᵢ E log xᵢ!, where xᵢ is binomial."""
        n = self.total_count
        counts = self._binomial.enumerate_support(expand=False)[1:]
        terms = ops.exp(self._binomial.log_prob(counts)) * ops.lgamma(counts + 1)
        return n * self._categorical.entropy() - math.lgamma(n + 1) + terms.sum((0, -1))
