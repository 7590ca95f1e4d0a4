"""The compiler's own language: what is computed element by element, reduced, multiplied, or left to the host.

A variable of the graph is a window on a base: a base is a block of memory with a layout of its own, a window says which of its
elements, by offset and strides, stand where. Views cost nothing: they only change the window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.core import Op

__all__ = ["Base", "Chosen", "Host", "Map", "Node", "Place", "Product", "Reduce", "Window", "dense"]

Shape = tuple[int, ...]


def dense(shape: Shape) -> Shape:
    """Return the strides, in elements, of an array in C order."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


class Base:
    """A block of memory: its shape, dtype and strides in elements; `number` tells bases apart, `source` says where it comes from."""

    __slots__ = ("dtype", "number", "shape", "source", "strides", "value")

    def __init__(self, number: int, shape: Shape, dtype: np.dtype, source: str, strides: Shape | None = None, value: Any = None):
        self.number = number
        self.shape = shape
        self.dtype = dtype
        self.source = source
        self.strides = dense(shape) if strides is None else strides
        self.value = value

    @property
    def nbytes(self) -> int:
        """The bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __repr__(self) -> str:
        return f"b{self.number}"


@dataclass(frozen=True)
class Window:
    """A view of a base: element (i, j, …) is the base's memory at offset + i · strides[0] + j · strides[1] + …"""

    base: Base
    shape: Shape
    strides: Shape
    offset: int = 0

    @property
    def whole(self) -> bool:
        """Whether this is the base as it lies."""
        return self.offset == 0 and self.shape == self.base.shape and all(
            size == 1 or a == b for size, a, b in zip(self.shape, self.strides, self.base.strides)
        )

    @property
    def number(self) -> Any:
        """The number this window always shows, if it is a literal's, else None."""
        return self.base.value if self.base.source == "literal" else None

    def stretched(self, shape: Shape) -> Window:
        """Return the window repeated to `shape`."""
        lead = len(shape) - len(self.shape)
        kept = [0 if size == 1 != wanted else step for size, wanted, step in zip(self.shape, shape[lead:], self.strides)]
        return Window(self.base, shape, (0,) * lead + tuple(kept), self.offset)

    def with_axis(self, axis: int) -> Window:
        """Return the window with an axis of size 1 put in."""
        shape = (*self.shape[:axis], 1, *self.shape[axis:])
        return Window(self.base, shape, (*self.strides[:axis], 0, *self.strides[axis:]), self.offset)


@dataclass(frozen=True)
class Place:
    """The index along an axis of the loop, as int64."""

    axis: int


@dataclass(frozen=True)
class Chosen:
    """The element of `window` whose index along `axis` is the number in `index`; both lie along the loop otherwise."""

    window: Window
    axis: int
    index: Window


@dataclass(eq=False)
class Node:
    """Something to be done; `reads` and `writes` are what the order depends on."""

    @property
    def reads(self) -> list[Base]:
        """The bases read."""
        raise NotImplementedError

    @property
    def writes(self) -> list[Base]:
        """The bases written."""
        raise NotImplementedError


@dataclass(eq=False)
class Map(Node):
    """out = formula(m, *args), element by element over out's shape."""

    out: Base
    formula: Callable[..., Any]
    args: tuple[Window | Place | Chosen, ...]
    label: str

    @property
    def space(self) -> Shape:
        """The shape of the loop."""
        return self.out.shape

    @property
    def reads(self) -> list[Base]:
        found = []
        for each in self.args:
            if isinstance(each, Chosen):
                found += [each.window.base, each.index.base]
            elif isinstance(each, Window):
                found.append(each.base)
        return found

    @property
    def writes(self) -> list[Base]:
        return [self.out]


@dataclass(eq=False)
class Reduce(Node):
    """out = arg combined over `axes`; out has no such axes. `kind` is add, maximum or minimum."""

    out: Base
    arg: Window
    axes: tuple[int, ...]
    kind: str

    @property
    def space(self) -> Shape:
        """The shape of the loop."""
        return self.arg.shape

    @property
    def label(self) -> str:
        return f"{self.kind} over {self.axes}"

    @property
    def reads(self) -> list[Base]:
        return [self.arg.base]

    @property
    def writes(self) -> list[Base]:
        return [self.out]


@dataclass(eq=False)
class Product(Node):
    """out = a b, of matrices or of stacks of them."""

    out: Base
    a: Window
    b: Window

    label = "matmul"

    @property
    def reads(self) -> list[Base]:
        return [self.a.base, self.b.base]

    @property
    def writes(self) -> list[Base]:
        return [self.out]


@dataclass(eq=False)
class Host(Node):
    """outs = op(*args), by the op's eager kernel."""

    op: Op
    args: Sequence[Window]
    outs: Sequence[Base]

    @property
    def label(self) -> str:
        return self.op.name

    @property
    def reads(self) -> list[Base]:
        return [each.base for each in self.args]

    @property
    def writes(self) -> list[Base]:
        return list(self.outs)
