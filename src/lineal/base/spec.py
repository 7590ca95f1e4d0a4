"""Shapes: `Size`, `Spec`, broadcasting, and the normal form of axes and shapes that users write."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, SupportsIndex, overload

import numpy as np

__all__ = ["Size"]

# What the attributes of ops are annotated with, which says what becomes of them on a batch, whose dimension stands first.

Axis = int
"""An axis of an input or output, counted from the front."""
Axes = tuple[int, ...]
"""Some axes, counted from the front."""
Order = tuple[int, ...]
"""All axes, each once, in some order."""
Shape = tuple[int, ...]
"""The shape of an output."""
Widths = tuple[tuple[int, int], ...]
"""For every axis, how much there is before and after."""
Ranges = tuple[tuple[int, int], ...]
"""For every axis, where it starts and stops."""
Items = tuple[Any, ...]
"""A normal index: ints in 0 … size-1, (start, stop, step) for slices, None for new axes; trailing whole axes are left out."""

MOST_DIMENSIONS = 64
"""As many as NumPy's arrays may have."""


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints that prints as `torch.Size([2, 3])`."""

    __slots__ = ()

    def numel(self) -> int:
        """Return the number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Iterable[int]) -> Size:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Iterable[int]) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, count: SupportsIndex) -> Size:
        return Size(tuple.__mul__(self, count))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple:
        return (Size, (tuple(self),))


class Spec(NamedTuple):
    """What is known of a value without its numbers; stands in for a value that a rule does not keep."""

    shape: tuple[int, ...]
    storage: np.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def broadcast_shapes(name: str, *shapes: Sequence[int]) -> tuple[int, ...]:
    """Return the common shape of `shapes`; RuntimeError names the op and the shapes if there is none."""
    return _common(name, *map(tuple, shapes))


@functools.lru_cache(4096)
def _common(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    result: list[int] = []
    for shape in shapes:
        if len(shape) > len(result):
            result[:0] = shape[: len(shape) - len(result)]
        for place in range(-1, -len(shape) - 1, -1):
            size = shape[place]
            if size != result[place]:
                if result[place] == 1:
                    result[place] = size
                elif size != 1:
                    listed = ", ".join(str(tuple(each)) for each in shapes)
                    raise RuntimeError(
                        f"{name}: expected shapes that broadcast together, got {listed}: "
                        f"sizes {result[place]} and {size} differ at dimension {len(result) + place}"
                    )
    return tuple(result)


def axis(name: str, dim: int, ndim: int) -> int:
    """Return `dim` as an axis in 0 … ndim-1; a tensor of no dimensions has the axes 0 and -1 too."""
    try:
        found = operator.index(dim)
    except TypeError:
        raise TypeError(f"{name}: expected dim to be an int, got {dim!r}") from None
    bound = max(ndim, 1)
    if not -bound <= found < bound:
        raise IndexError(
            f"{name}: Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {found})"
        )
    return found + bound if found < 0 else found


def axes(name: str, dim: int | Iterable[int] | None, ndim: int) -> tuple[int, ...]:
    """Return the distinct axes meant by `dim`, ascending; None and () mean all of them."""
    if dim is None:
        return tuple(range(ndim))
    if isinstance(dim, Iterable):
        found = [axis(name, each, ndim) for each in dim]
        if not found:
            return tuple(range(ndim))
        if len(set(found)) != len(found):
            raise RuntimeError(f"{name}: dim {found[-1]} appears multiple times in the list of dims {tuple(dim)}")
        return tuple(sorted(found)) if ndim else ()
    return (axis(name, dim, ndim),) if ndim else axes_of_scalar(name, dim)


def axes_of_scalar(name: str, dim: int) -> tuple[int, ...]:
    """Check `dim` against a tensor of no dimensions, where 0 and -1 mean nothing to reduce."""
    axis(name, dim, 0)
    return ()


def sizes(name: str, given: tuple) -> tuple[int, ...]:
    """Return the shape meant by `f(2, 3)`, `f((2, 3))` or `f([2, 3])`: the arguments as one tuple of ints."""
    if len(given) == 1 and getattr(given[0], "ndim", 0) > 0:
        # a tensor or an array: its numbers at once, not a tensor for each
        given = tuple(given[0].tolist())
    elif len(given) == 1 and isinstance(given[0], Iterable) and not hasattr(given[0], "__index__"):
        given = tuple(given[0])
    if len(given) > MOST_DIMENSIONS:
        raise RuntimeError(f"{name}: expected at most {MOST_DIMENSIONS} dimensions, got {len(given)}")
    try:
        return tuple(operator.index(each) for each in given)
    except TypeError:
        raise TypeError(f"{name}: expected a shape of ints, got {given!r}") from None


def check_count(name: str, count: int, itemsize: int) -> None:
    """Refuse more elements than have addresses; NumPy's arange makes none at all of 2⁶³ - 1."""
    if count * itemsize >= 1 << 63:
        raise RuntimeError(f"{name}: Storage size calculation overflowed with sizes=[{count}]")


def check_shape(name: str, shape: Sequence[int]) -> None:
    """Refuse negative sizes."""
    for size in shape:
        if size < 0:
            raise RuntimeError(f"{name}: expected sizes of at least 0, got shape {tuple(shape)}")


def infer_shape(name: str, shape: Sequence[int], count: int) -> tuple[int, ...]:
    """Fill in the one -1 of a target shape so that it holds `count` elements; RuntimeError if it cannot."""
    unknown = [place for place, size in enumerate(shape) if size == -1]
    if len(unknown) > 1:
        raise RuntimeError(f"{name}: only one dimension can be inferred, got shape {tuple(shape)}")
    known = math.prod(size for size in shape if size != -1)
    if any(size < -1 for size in shape):
        raise RuntimeError(f"{name}: invalid shape dimension in {tuple(shape)}")
    if unknown and known > 0 and count % known == 0:
        return tuple(count // known if size == -1 else size for size in shape)
    if unknown and known == 0 and count == 0:
        raise RuntimeError(f"{name}: cannot infer -1 in shape {tuple(shape)} for a tensor of 0 elements")
    if unknown or known != count:
        raise RuntimeError(f"{name}: shape '{list(shape)}' is invalid for input of size {count}")
    return tuple(shape)
