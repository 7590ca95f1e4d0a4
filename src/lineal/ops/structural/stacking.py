"""Stack and unbind, adjoint to each other, along a new dimension; and the joins that are named by direction."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, overload

from lineal.base.layouts import channels, is_last, laid, last_steps
from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, axis
from lineal.core import Op, apply, lift, module_of
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.front import store
from lineal.ops.structural.axes import unsqueeze
from lineal.ops.structural.embedding import embed
from lineal.ops.structural.joining import cat, promoted, tensors_of
from lineal.ops.structural.reshape import reshape
from lineal.ops.structural.slicing import _select

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "column_stack",
    "dstack",
    "hstack",
    "row_stack",
    "stack",
    "unbind",
    "vstack",
]


class Stack(Op):
    """y = the xs one behind another along a new axis `dim`; each x̄ = its part of ȳ."""

    dim: Axis
    any_dtype = True

    def layout(self, y, *xs):
        if self.dim or not all(is_last(x.shape, x.strides) for x in xs):
            return channels(y, False)
        # what they are one after the other, seen as so many of them
        _, count, *rest = y.shape
        first, *steps = last_steps((len(xs) * count, *rest))
        return laid(y, (count * first, first if count > 1 else steps[0] * rest[0], *steps))

    def eager(self, xp, *xs):
        where = (*(slice(None),) * self.dim, None)
        return xp.concatenate([x[where] for x in xs], self.dim)

    def vjp(self, needs, g, y, *xs):
        if sum(needs) == len(xs):
            return unbind(g, self.dim)
        return tuple(apply(_select(self.dim, place), g) if needed else None for place, needed in enumerate(needs))

    def check(self, *xs: Tensor) -> None:
        first = xs[0].value.shape
        for place, x in enumerate(xs):
            if x.value.shape != first:
                raise RuntimeError(
                    f"stack: stack expects each tensor to be equal size, but got {list(first)} at entry 0 "
                    f"and {list(x.value.shape)} at entry {place}"
                )


class Unbind(Op):
    """ys = x at the positions 0, 1, … of axis `dim`, without that axis; x̄ = the ȳs stacked."""

    dim: Axis
    aliasing = "view"

    def eager(self, xp, x):
        before = (slice(None),) * self.dim
        return tuple([x[(*before, place, ...)] for place in range(x.shape[self.dim])])

    def vjp(self, needs, g, y, x):
        given = [place for place, each in enumerate(g) if each is not None]
        if len(given) == 1:
            return (embed(g[given[0]], self.part(given[0]), x.shape),)
        nothing = lift(module_of(g[given[0]]).zeros((*x.shape[: self.dim], *x.shape[self.dim + 1 :]), x.storage))
        parts = [nothing if each is None else each for each in g] + [nothing] * (x.shape[self.dim] - len(g))
        return (apply(_stack(self.dim), *parts),)

    def part(self, place: int) -> Op:
        return _select(self.dim, place)


_stack = settled(Stack, 256)
_unbind = functools.lru_cache(256)(Unbind)


@public
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors, all of one shape, joined along a new dimension `dim`."""
    xs = promoted(tensors_of("stack", tensors))
    y = apply(_stack(axis("stack", dim, xs[0].value.ndim + 1)), *xs)
    return y if out is None else store(y, out, "stack")


@public
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the views of input at each index of dimension `dim`."""
    if not input.value.ndim:
        raise IndexError("unbind: Dimension specified as 0 but tensor has no dimensions")
    return apply(_unbind(axis("unbind", dim, input.value.ndim)), input)


def spread(function: Any, tensors: tuple) -> Any:
    """Apply `function` to one tensor, or to each of several (or of one list of them)."""
    if len(tensors) == 1:
        given = tensors[0]
        return tuple([function(x) for x in given]) if isinstance(given, (list, tuple)) else function(given)
    return tuple([function(x) for x in tensors])


def row(x: Tensor) -> Any:
    """Return `x` with at least one dimension."""
    return x if x.value.ndim else reshape(x, (1,))


def matrix(x: Tensor) -> Any:
    """Return `x` with at least two dimensions; a vector becomes a row."""
    return x if x.value.ndim > 1 else unsqueeze(row(x), 0)


def slab(x: Tensor) -> Any:
    """Return `x` with at least three dimensions; a matrix gets a last one."""
    return x if x.value.ndim > 2 else unsqueeze(matrix(x), -1)


@overload
def atleast_1d(tensor: Tensor, /) -> Tensor: ...
@overload
def atleast_1d(*tensors: Any) -> tuple[Tensor, ...]: ...
@public
def atleast_1d(*tensors: Any) -> Any:
    """Return each tensor with at least one dimension."""
    return spread(row, tensors)


@overload
def atleast_2d(tensor: Tensor, /) -> Tensor: ...
@overload
def atleast_2d(*tensors: Any) -> tuple[Tensor, ...]: ...
@public
def atleast_2d(*tensors: Any) -> Any:
    """Return each tensor with at least two dimensions; a vector becomes a row."""
    return spread(matrix, tensors)


@overload
def atleast_3d(tensor: Tensor, /) -> Tensor: ...
@overload
def atleast_3d(*tensors: Any) -> tuple[Tensor, ...]: ...
@public
def atleast_3d(*tensors: Any) -> Any:
    """Return each tensor with at least three dimensions; a matrix gets a last one."""
    return spread(slab, tensors)


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Return the tensors side by side: vectors along dimension 0, others along dimension 1."""
    xs = [row(x) for x in tensors_of("hstack", tensors)]
    return cat(xs, 0 if xs[0].value.ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Return the tensors one below another; vectors are rows."""
    return cat([matrix(x) for x in tensors_of("vstack", tensors)], 0, out=out)


def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Return the tensors one below another; vectors are rows."""
    return vstack(tensors, out=out)


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Return the tensors joined along dimension 2."""
    return cat([slab(x) for x in tensors_of("dstack", tensors)], 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Return the tensors side by side; numbers and vectors are columns."""
    xs = [reshape(x, (x.value.size, 1)) if x.value.ndim < 2 else x for x in tensors_of("column_stack", tensors)]
    return cat(xs, 1, out=out)
