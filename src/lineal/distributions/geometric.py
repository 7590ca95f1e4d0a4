"""The geometric distribution."""

from __future__ import annotations

from collections.abc import Sequence

from lineal import ops, special
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions import constraints
from lineal.distributions.chances import Chances
from lineal.distributions.parameters import broadcast_all
from lineal.nn.functional import binary_cross_entropy_with_logits
from lineal.tensors import Tensor

__all__ = ["Geometric"]


class Geometric(Chances):
    """The number of failures before the first success: P(k) = (1-p)ᵏ p for k = 0, 1, …"""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer
    _batched_ = ("probs", "logits", "_param")

    def __init__(
        self, probs: Tensor | float | None = None, logits: Tensor | float | None = None, validate_args: bool | None = None
    ):
        self._choose_(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None:
            self._require_met_(constraints.positive, self.probs, "parameter probs", "of distribution {0!r} to be positive")

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        with modes.no_grad():
            u = self.probs.new_empty(self._extended_shape(sample_shape)).uniform_(finfo(self.probs.dtype).tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        return special.xlog1py(value, -probs) + probs.log()

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
