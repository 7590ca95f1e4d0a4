"""Several transforms side by side, of parts along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.distributions import constraints
from lineal.distributions.parameters import lazy_property, sum_rightmost
from lineal.distributions.transforming import Transform
from lineal.tensors import Tensor

__all__ = ["CatTransform", "StackTransform"]


class Joint(Transform):
    """A transform for each part along the dimension `dim`."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0):
        if not all(isinstance(each, Transform) for each in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size=cache_size)
        self.transforms = [each.with_cache(cache_size) for each in tseq] if cache_size else list(tseq)
        self.dim = dim

    @property
    def bijective(self) -> bool:
        """Whether every part is."""
        return all(each.bijective for each in self.transforms)

    def _parts_(self, x: Tensor) -> Sequence[Tensor]:
        raise NotImplementedError(f"{type(self).__name__}: _parts is not implemented")

    def _checked_(self, x: Tensor, count: int) -> Tensor:
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for tensor with {x.dim()} dimensions")
        if x.shape[self.dim] != count:
            raise AssertionError(f"x.size({self.dim}) = {x.shape[self.dim]} must equal {count}")
        return x


class CatTransform(Joint):
    """Parts of the given lengths, one after the other as `cat` puts them."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    def _arguments_(self) -> tuple[Any, ...]:
        return self.transforms, self.dim, self.lengths

    @lazy_property
    def event_dim(self) -> int:
        """The most dimensions that an argument of a part has."""
        return max(each.event_dim for each in self.transforms)

    @lazy_property
    def length(self) -> int:
        """The size along the dimension."""
        return sum(self.lengths)

    @constraints.dependent_property
    def domain(self) -> Any:
        """What the parts take."""
        return constraints.cat([each.domain for each in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """What the parts give."""
        return constraints.cat([each.codomain for each in self.transforms], self.dim, self.lengths)

    def _parts_(self, x: Tensor) -> Sequence[Tensor]:
        return self._checked_(x, self.length).split(self.lengths, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return ops.cat([each(part) for each, part in zip(self.transforms, self._parts_(x))], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.cat([each.inv(part) for each, part in zip(self.transforms, self._parts_(y))], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        terms = [
            sum_rightmost(each.log_abs_det_jacobian(before, after), self.event_dim - each.event_dim)
            for each, before, after in zip(self.transforms, self._parts_(x), self._parts_(y))
        ]
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += self.event_dim
        return ops.cat(terms, dim) if dim < 0 else ops.stack(terms).sum(0)


class StackTransform(Joint):
    """Parts of one entry along the dimension, as `stack` puts them."""

    def _arguments_(self) -> tuple[Any, ...]:
        return self.transforms, self.dim

    @constraints.dependent_property
    def domain(self) -> Any:
        """What the parts take."""
        return constraints.stack([each.domain for each in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """What the parts give."""
        return constraints.stack([each.codomain for each in self.transforms], self.dim)

    def _parts_(self, x: Tensor) -> Sequence[Tensor]:
        return self._checked_(x, len(self.transforms)).unbind(self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return ops.stack([each(part) for each, part in zip(self.transforms, self._parts_(x))], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.stack([each.inv(part) for each, part in zip(self.transforms, self._parts_(y))], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        terms = zip(self.transforms, self._parts_(x), self._parts_(y))
        return ops.stack([each.log_abs_det_jacobian(before, after) for each, before, after in terms], self.dim)
