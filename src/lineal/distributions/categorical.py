"""The categorical distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal import ops
from lineal.base import dtypes
from lineal.base.limits import finfo
from lineal.base.spec import Size
from lineal.distributions import constraints
from lineal.distributions.chances import Chances, chosen
from lineal.tensors import Tensor

__all__ = ["Categorical"]


class Categorical(Chances):
    """One of the numbers 0 … k-1, of the probabilities in `probs` (…, k), which are divided by their sum.

    `logits` are logarithms of probabilities, to each row of which a number is added so that the sum is 1.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _is_binary_ = False
    _batched_ = ("probs", "logits", "_param")
    _kept_ = ("_num_events",)

    def __init__(self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None):
        name, given = chosen(probs, logits)
        if given.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if name == "probs":
            self._param = self.probs = given / given.sum(-1, keepdim=True)
        else:
            self._param = self.logits = given - given.logsumexp(-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """0, 1 … k-1."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return ops.full(self._extended_shape(), math.nan, dtype=self._param.dtype, device=self._param.device)

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        if not shape.numel():
            return ops.empty(shape, dtype=dtypes.int64, device=self._param.device)
        rows = self.probs.detach().reshape(-1, self._num_events)
        drawn = ops.multinomial(rows, Size(sample_shape).numel(), True)
        return drawn.T.reshape(shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, logits = ops.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        # an impossible event, of the logarithm -∞, is no surprise
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated_(ops.arange(self._num_events, dtype=dtypes.int64, device=self._param.device), expand)
