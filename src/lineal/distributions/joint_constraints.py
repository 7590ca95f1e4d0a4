"""Constraints made of others: of several values together, and of mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.distributions.constraining import Constraint
from lineal.tensors import Tensor

__all__ = ["MixtureSameFamilyConstraint", "cat", "independent", "stack"]


def require_constraint(base: Any) -> Constraint:
    """Return a constraint; AssertionError for anything else."""
    if not isinstance(base, Constraint):
        raise AssertionError(f"base_constraint must be a Constraint, got {type(base).__name__}")
    return base


def all_rightmost(result: Tensor, dims: int) -> Tensor:
    """Return whether all of the last `dims` dimensions are true."""
    return result.flatten(result.dim() - dims).all(-1) if dims else result


class _IndependentConstraint(Constraint):
    """Values of `reinterpreted_batch_ndims` more dimensions, which lie in the region if all their parts do."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int):
        self.base_constraint = require_constraint(base_constraint)
        if not isinstance(reinterpreted_batch_ndims, int):
            name = type(reinterpreted_batch_ndims).__name__
            raise AssertionError(f"reinterpreted_batch_ndims must be an int, got {name}")
        if reinterpreted_batch_ndims < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be >= 0, got {reinterpreted_batch_ndims}")
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:
        """Whether the parts are whole numbers."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        """The dimensions of a part and the reinterpreted ones."""
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        result = self.base_constraint.check(value)
        if result.dim() < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return all_rightmost(result, self.reinterpreted_batch_ndims)

    def described(self) -> str:
        return f"{self.base_constraint!r}, {self.reinterpreted_batch_ndims}"


class MixtureSameFamilyConstraint(Constraint):
    """Values that lie in the region of every component of a mixture, whose constraint has a batch dimension for them."""

    def __init__(self, base_constraint: Constraint):
        self.base_constraint = require_constraint(base_constraint)

    @property
    def is_discrete(self) -> bool:
        """Whether the components have whole numbers."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        """The dimensions of a value of the components."""
        return self.base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        if value.dim() < self.event_dim:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return all_rightmost(result, result.dim() - (value.dim() - self.event_dim))

    def described(self) -> str:
        return repr(self.base_constraint)


class Joint(Constraint):
    """Parts of a value along the dimension `dim`, of a constraint each."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0):
        if not all(isinstance(each, Constraint) for each in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.cseq = list(cseq)
        self.dim = dim

    @property
    def is_discrete(self) -> bool:
        """Whether any part has whole numbers."""
        return any(each.is_discrete for each in self.cseq)

    @property
    def event_dim(self) -> int:
        """The most dimensions that a part has."""
        return max(each.event_dim for each in self.cseq)

    def check_dim(self, value: Tensor) -> None:
        """Refuse a value that has no such dimension."""
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for value with {value.dim()} dimensions")


class _Cat(Joint):
    """Parts of the given lengths, one after the other as `cat` puts them."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None):
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def check(self, value: Tensor) -> Tensor:
        self.check_dim(value)
        starts = [sum(self.lengths[:place]) for place in range(len(self.lengths))]
        parts = [value.narrow(self.dim, start, length) for start, length in zip(starts, self.lengths)]
        return ops.cat([each.check(part) for each, part in zip(self.cseq, parts)], self.dim)


class _Stack(Joint):
    """Parts of one entry along the dimension, as `stack` puts them."""

    @property
    def event_dim(self) -> int:
        """The most dimensions that a part has, and the stacked one if it stands among them."""
        dims = super().event_dim
        return dims + (self.dim + dims < 0)

    def check(self, value: Tensor) -> Tensor:
        self.check_dim(value)
        parts = value.unbind(self.dim)
        return ops.stack([each.check(part) for each, part in zip(self.cseq, parts)], self.dim)


independent = _IndependentConstraint
cat = _Cat
stack = _Stack
