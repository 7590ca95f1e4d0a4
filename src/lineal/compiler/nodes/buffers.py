"""Where values lie: buffers, which are blocks of memory, and views on them, through which they are read.

A variable of the graph is a view on a buffer: a buffer has a layout of its own, a view says which of its elements, by offset
and strides, stand where. Views cost nothing: they only change the view.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Buffer", "Chosen", "Pick", "Place", "RunSum", "Shape", "BufferView", "dense", "merged"]

Shape = tuple[int, ...]


def dense(shape: Shape) -> Shape:
    """Return the strides, in elements, of an array in C order."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def merged(axes: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return axes, by size and stride, those that continue one another as one, without those of size 1."""
    found: list[tuple[int, int]] = []
    for size, step in axes:
        if found and size != 1 and found[-1][1] == size * step:
            size *= found.pop()[0]
        found += [(size, step)] if size != 1 else []
    return tuple(found)


class Buffer:
    """A block of memory: its shape, dtype and strides in elements; `number` tells buffers apart, `source` where it comes from.

    A buffer with `inside` lies in the memory of another one, where that view stands.
    """

    __slots__ = ("dtype", "inside", "number", "shape", "source", "strides", "value")

    def __init__(
        self, number: int, shape: Shape, dtype: np.dtype, source: str, strides: Shape | None = None, value: Any = None
    ):
        self.number = number
        self.shape = shape
        self.dtype = dtype
        self.source = source
        self.strides = dense(shape) if strides is None else strides
        self.value = value
        self.inside: BufferView | None = None

    @property
    def root(self) -> Buffer:
        """The buffer whose memory this one lies in: itself, unless it is part of another."""
        return self if self.inside is None else self.inside.buffer.root

    @property
    def start(self) -> int:
        """How many bytes of its root's memory come before it: a part may be part of a part."""
        return 0 if self.inside is None else self.inside.buffer.start + self.inside.offset * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __repr__(self) -> str:
        return f"b{self.number}"


@dataclass(frozen=True)
class BufferView:
    """A view of a buffer: element (i, j, …) is the buffer's memory at offset + i · strides[0] + j · strides[1] + …"""

    buffer: Buffer
    shape: Shape
    strides: Shape
    offset: int = 0

    @property
    def whole(self) -> bool:
        """Whether this is the buffer as it lies."""
        return (
            self.offset == 0
            and self.shape == self.buffer.shape
            and all(size == 1 or a == b for size, a, b in zip(self.shape, self.strides, self.buffer.strides))
        )

    @property
    def number(self) -> Any:
        """The number this view always shows, if it is a literal's, else None."""
        return self.buffer.value if self.buffer.source == "literal" else None

    def stretched(self, shape: Shape) -> BufferView:
        """Return the view repeated to `shape`."""
        lead = len(shape) - len(self.shape)
        kept = [0 if size == 1 != wanted else step for size, wanted, step in zip(self.shape, shape[lead:], self.strides)]
        return BufferView(self.buffer, shape, (0,) * lead + tuple(kept), self.offset)

    def reversed(self, axes: Sequence[int]) -> BufferView:
        """Return the view read backwards along some axes."""
        offset = self.offset + sum((self.shape[n] - 1) * self.strides[n] for n in axes if self.shape[n])
        return BufferView(self.buffer, self.shape, tuple(-s if n in axes else s for n, s in enumerate(self.strides)), offset)

    def permuted(self, order: Sequence[int]) -> BufferView:
        """Return the view with its axes in another order."""
        shape, strides = ([each[axis] for axis in order] for each in (self.shape, self.strides))
        return BufferView(self.buffer, tuple(shape), tuple(strides), self.offset)

    def with_axis(self, axis: int) -> BufferView:
        """Return the view with an axis of size 1 put in."""
        shape = (*self.shape[:axis], 1, *self.shape[axis:])
        return BufferView(self.buffer, shape, (*self.strides[:axis], 0, *self.strides[axis:]), self.offset)


@dataclass(frozen=True)
class Place:
    """The index along an axis of the loop, as int64."""

    axis: int


@dataclass(frozen=True)
class Pick:
    """An index read from memory: it moves by `step` elements for each 1, within an axis of `size`; from the end if negative."""

    index: BufferView
    size: int
    step: int
    wraps: bool = True
    """Whether negative indices are allowed."""
    sure: bool = False
    """Whether somebody else has the program stop if the index is out of range."""


@dataclass(frozen=True)
class Chosen:
    """The element of `view` moved by `picks`; the view lies along the loop, with stride 0 where only picks move."""

    view: BufferView
    picks: tuple[Pick, ...]


@dataclass(frozen=True)
class RunSum:
    """The sum of `view` moved by `step` · order[k], k from starts[i] to starts[i + 1], at place i along `axis` of the loop.

    The view lies along the loop, with stride 0 along the axis; `order` and `starts` are what a node `Runs` makes.
    """

    view: BufferView
    step: int
    axis: int
    order: Buffer
    starts: Buffer

    @property
    def views(self) -> tuple[BufferView, BufferView, BufferView]:
        """The three as they lie along the loop: of the order, the first number."""
        still = (0,) * len(self.view.shape)
        along = tuple(int(n == self.axis) for n in range(len(still)))
        return self.view, BufferView(self.order, self.view.shape, still), BufferView(self.starts, self.view.shape, along)

    @property
    def reachable(self) -> tuple[BufferView, BufferView, BufferView]:
        """All that is read."""
        view, (count,) = self.view, self.order.shape
        source = BufferView(view.buffer, (*view.shape, count), (*view.strides, self.step), view.offset)
        order, starts = (BufferView(each, each.shape, each.strides) for each in (self.order, self.starts))
        return source, order, starts
