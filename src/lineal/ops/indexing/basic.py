"""Basic indexing: ints, slices, None and Ellipsis look into the memory; the adjoint embeds into zeros."""

from __future__ import annotations

import functools
from typing import Any

from lineal.base.spec import Items, Shape
from lineal.core import AbstractTensor, Op, apply, modes

__all__: list[str] = []


class Slice(Op):
    """y = x[items], over the same memory; x̄ = ȳ embedded into zeros."""

    items: Items
    aliasing = "view"
    key = "SliceItems"

    @functools.cached_property
    def index(self) -> tuple:
        """The index as NumPy takes it; the ellipsis makes NumPy return an array where all axes are picked from."""
        return (*[slice(*each) if each.__class__ is tuple else each for each in self.items], Ellipsis)

    @functools.cached_property
    def grad_name(self) -> str:
        """PyTorch's name for the last step that such an index takes there."""
        if not self.items:
            return "AliasBackward0"
        last = self.items[-1]
        return "UnsqueezeBackward0" if last is None else "SliceBackward0" if last.__class__ is tuple else "SelectBackward0"

    def eager(self, xp, x):
        return x[self.index]

    def vjp(self, needs, g, y, x):
        return (apply(_embed(self.items, x.shape), g),)


class Embed(Op):
    """y = zeros of `shape` with y[items] = x; x̄ = ȳ[items]."""

    items: Items
    shape: Shape
    key = "EmbedItems"
    grad_name = "EmbedBackward0"
    any_dtype = True

    def eager(self, xp, x):
        y = xp.zeros(self.shape, x.dtype)
        y[slice_op(self.items).index] = x
        return y

    def vjp(self, needs, g, y, x):
        return (apply(slice_op(self.items), g),)


slice_op = functools.lru_cache(8192)(Slice)
_embed = functools.lru_cache(8192)(Embed)


def select_item(name: str, place: int, dim: int, size: int) -> int:
    """Return `place` counted from the front of dimension `dim`; IndexError if it is outside."""
    if -size <= place < size:
        return place + size if place < 0 else place
    raise IndexError(f"{name}: index {place} is out of bounds for dimension {dim} with size {size}")


def slice_item(name: str, piece: slice, size: int) -> tuple[int, int, int]:
    """Return a slice as (start, stop, step) within a dimension of `size`; ValueError unless the step is positive."""
    if piece.step is not None and int(piece.step) <= 0:
        raise ValueError(f"{name}: step must be greater than zero, got {piece.step}")
    start, stop = piece.start, piece.stop
    if (stop.__class__ is int and stop > size) or (start.__class__ is int and start < -size):
        listener = modes.recorder.get()
        if listener is not None:
            listener.clips(piece, size)
    return piece.indices(size)


def narrow_to(x: AbstractTensor, shape: tuple[int, ...]) -> Any:
    """Return the leading part of `x` that has `shape`; `x` itself if that is all of it."""
    if x.value.shape == shape:
        return x
    return apply(slice_op(tuple((0, size, 1) for size in shape)), x)
