"""Padding and cropping, adjoint to each other; padding by constants, reflection, repetition of the edge, wrapping around."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from lineal.base import dtypes
from lineal.base.layouts import suggested
from lineal.base.signatures import Number, Tensor
from lineal.base.spec import Ranges, Shape, Widths
from lineal.core import AbstractTensor, Op, apply, modes, renamed
from lineal.core.calling import public
from lineal.ops.conversion import converted, dtype_of
from lineal.ops.structural.embedding import embed
from lineal.ops.structural.expanding import expand
from lineal.ops.structural.flipping import flip
from lineal.ops.structural.joining import cat
from lineal.ops.structural.reshape import clone, contiguous, laid_like
from lineal.ops.structural.slicing import _slice

__all__ = ["constant_pad_nd"]


class Crop(Op):
    """y = x within `ranges` (start, stop), one for each axis; x̄ = ȳ there, zero elsewhere."""

    ranges: Ranges
    grad_name = "SliceBackward0"
    aliasing = "view"

    @functools.cached_property
    def where(self) -> tuple:
        return (*[slice(start, stop) for start, stop in self.ranges], ...)

    def eager(self, xp, x):
        return x[self.where]

    def vjp(self, needs, g, y, x):
        return (embed(g, self, x.shape),)


class ConstantPad(Op):
    """y = x with `widths` (before, after) of the number `fill` around it, one pair for each axis; x̄ = the inner part of ȳ."""

    layout = suggested
    widths: Widths
    fill: Any
    grad_name = "ConstantPadNdBackward0"
    any_dtype = True

    def eager(self, xp, x):
        shape = [low + size + high for size, (low, high) in zip(x.shape, self.widths)]
        y = xp.full(shape, dtypes.of(x.dtype).number(self.fill), x.dtype)
        y[tuple([slice(low, low + size) for size, (low, _) in zip(x.shape, self.widths)])] = x
        return y

    def vjp(self, needs, g, y, x):
        return (crop(g, tuple([(low, low + size) for size, (low, _) in zip(x.shape, self.widths)])),)


def continued(mode: str, low: int, size: int, high: int) -> list[tuple[slice, slice]]:
    """Return which places of an axis, padded by `low` and `high`, show what others of it hold."""
    before, after, last = slice(0, low), slice(low + size, None), low + size - 1
    if mode == "reflect":
        stop = last - 1 - high
        seen = slice(2 * low, low, -1), slice(last - 1, stop if stop >= 0 else None, -1)
    elif mode == "replicate":
        seen = slice(low, low + 1), slice(last, last + 1)
    else:
        seen = slice(size, size + low), slice(low, low + high)
    return [(there, here) for width, there, here in ((low, before, seen[0]), (high, after, seen[1])) if width]


@functools.lru_cache(1024)
def shown(mode: str, widths: Widths, shape: Shape) -> list[tuple[tuple, tuple]]:
    """Return which parts of an array of `shape`, padded, show which others, in the order in which they are made."""
    return [
        ((*_ALL[:axis], there), (*_ALL[:axis], here))
        for axis in range(len(shape) - 1, -1, -1)
        for there, here in continued(mode, widths[axis][0], shape[axis], widths[axis][1])
    ]


class EdgePad(Op):
    """y = x with its edges continued over `widths` (before, after) around it, axis by axis, the last one first."""

    mode: str
    widths: Widths
    layout = suggested
    any_dtype = True
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    @property
    def grad_name(self) -> str:
        return NODES[self.mode].format(2) if self.mode in NODES else "CopySlices"

    def inner(self, shape: tuple[int, ...]) -> tuple:
        """Return where in y the array x stands."""
        return tuple([slice(low, low + size) for size, (low, _) in zip(shape, self.widths)])

    def eager(self, xp, x):
        y = xp.empty([low + size + high for size, (low, high) in zip(x.shape, self.widths)], x.dtype)
        y[self.inner(x.shape)] = x
        for there, here in shown(self.mode, self.widths, x.shape):
            y[there] = y[here]
        return y

    def vjp(self, needs, g, y, x):
        return (apply(EdgeFold(self, x.shape), g),)


class EdgeFold(Op):
    """y = the inner part of x, what was shown elsewhere added up: the adjoint of `pad`, of arrays of `shape`."""

    pad: EdgePad
    shape: Shape
    wide = True
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, x):
        x = xp.array(x)
        for there, here in reversed(shown(self.pad.mode, self.pad.widths, self.shape)):
            axis, edge = len(here) - 1, x[there]
            x[here] += edge.sum(axis=axis, keepdims=True) if self.pad.mode == "replicate" else edge
        return xp.ascontiguousarray(x[self.pad.inner(self.shape)])

    def vjp(self, needs, g, y, x):
        return (apply(self.pad, g),)


_ALL = (slice(None),) * 8
_crop = functools.lru_cache(1024)(Crop)
_edge_pad = functools.lru_cache(1024)(EdgePad)


def crop(input: AbstractTensor, ranges: Ranges) -> Any:
    """Return the view of input within `ranges` (start, stop), one for each dimension."""
    return apply(_crop(ranges), input)


@public
def constant_pad_nd(input: Tensor, pad: Sequence[int], value: Number | Tensor = 0) -> Tensor:
    """Return input with the number `value` around it: so many (before, after) the last dimension, then the one before it, …

    Negative numbers cut off.
    """
    shape = input.value.shape
    widths = widths_of("constant_pad_nd", shape, pad)
    for place, ((low, high), size) in enumerate(zip(widths, shape)):
        if low + size + high < 0 or min(low, high) < -size:
            raise RuntimeError(
                f"constant_pad_nd: The input size {size}, plus negative padding {low} and {high}, resulted in a negative "
                f"output size, which is invalid. Check dimension {place} of your input."
            )
    if any(low < 0 or high < 0 for low, high in widths):
        input = crop(input, tuple([kept(size, low, high) for size, (low, high) in zip(shape, widths)]))
        widths = tuple([(max(low, 0), max(high, 0)) for low, high in widths])
    if not any(low or high for low, high in widths):
        return clone(input)
    number: Any = value.item() if isinstance(value, AbstractTensor) else value
    target = dtype_of(input)
    if target is dtypes.uint8 and number < 0:
        # PyTorch, which has it as a float here, does not wrap around
        number = float(number)
    return apply(ConstantPad(widths, converted("pad", number, target)), input)


def kept(size: int, low: int, high: int) -> tuple[int, int]:
    """Return what negative widths leave of an axis; a cut deeper than the axis leaves nothing."""
    start = min(max(-low, 0), size)
    return start, max(start, size - max(-high, 0))


def widths_of(name: str, shape: tuple[int, ...], pad: Sequence[int]) -> Widths:
    """Return (before, after) for each axis from PyTorch's flat list, which begins with the last one."""
    if len(pad) % 2:
        raise RuntimeError(f"{name}: Padding length must be divisible by 2, got {len(pad)}")
    if len(pad) > 2 * len(shape):
        raise RuntimeError(
            f"{name}: Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(pad)} and input of dimension {len(shape)}"
        )
    given = [(int(pad[place]), int(pad[place + 1])) for place in range(0, len(pad), 2)]
    return ((0, 0),) * (len(shape) - len(given)) + tuple(reversed(given))


def check_edges(mode: str, shape: tuple[int, ...], dim: int, low: int, high: int) -> None:
    """Refuse widths that a dimension is too short for."""
    size = shape[dim]
    if mode == "reflect" and max(low, high) >= size:
        raise RuntimeError(
            f"pad: Padding size should be less than the corresponding input dimension, but got: padding ({low}, {high}) at "
            f"dimension {dim} of input {list(shape)}"
        )
    if mode == "circular" and max(low, high) > size:
        raise RuntimeError(
            f"pad: Padding value causes wrapping around more than once, got ({low}, {high}) for size {size} at dimension {dim}"
        )


def reflected(x: AbstractTensor, dim: int, low: int, high: int) -> list:
    """Return what stands before and after `x` when it is mirrored at its first and last element."""
    size = x.value.shape[dim]
    check_edges("reflect", x.value.shape, dim, low, high)
    return [flip(part(x, dim, 1, low + 1), dim), flip(part(x, dim, size - 1 - high, size - 1), dim)]


def replicated(x: AbstractTensor, dim: int, low: int, high: int) -> list:
    """Return what stands before and after `x` when its first and last elements are repeated."""
    shape = x.value.shape
    first, last = part(x, dim, 0, 1), part(x, dim, shape[dim] - 1, shape[dim])
    wide = [(*shape[:dim], width, *shape[dim + 1 :]) for width in (low, high)]
    return [expand(first, wide[0]), expand(last, wide[1])]


def wrapped(x: AbstractTensor, dim: int, low: int, high: int) -> list:
    """Return what stands before and after `x` when it goes on around its ends."""
    size = x.value.shape[dim]
    check_edges("circular", x.value.shape, dim, low, high)
    return [part(x, dim, size - low, size), part(x, dim, 0, high)]


def part(x: AbstractTensor, dim: int, start: int, stop: int) -> Any:
    """Return the view of `x` from start to stop along `dim`."""
    return apply(_slice(dim, start, stop, 1), x)


EDGES: dict[str, Callable[..., list]] = {"reflect": reflected, "replicate": replicated, "circular": wrapped}
NODES = {"reflect": "ReflectionPad{}DBackward0", "replicate": "ReplicationPad{}DBackward0"}


@public
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: Number | Tensor | None = None) -> Tensor:
    """Return input padded by so many (before, after) the last dimension, then the one before it, …

    `mode` is "constant" (of `value`, 0 by default), "reflect", "replicate" or "circular". Negative numbers cut off.
    """
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in EDGES:
        raise NotImplementedError(f"pad: Unrecognised padding mode {mode}")
    ndim = input.value.ndim
    widths = widths_of("pad", input.value.shape, pad)
    if len(pad) not in (2, 4, 6) or ndim not in (len(pad) // 2 + 1, len(pad) // 2 + 2):
        raise NotImplementedError(
            f"pad: Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now; got {len(pad)} widths for "
            f"{ndim} dimensions"
        )
    if mode != "circular" and 0 in input.value.shape[ndim - len(pad) // 2 - 1 :]:
        raise RuntimeError(f"pad: Expected no empty dimension but the batch, got shape {list(input.value.shape)}")
    for dim, (low, high) in enumerate(widths):
        size = input.value.shape[dim]
        if size + low + high < (0 if mode == "circular" else 1) and (low or high):
            raise RuntimeError(f"pad: input (size: {size}) is too small for padding ({low}, {high}) at dimension {dim}")
    listens = modes.recorder.get() is not None
    y = input if listens or min(map(min, widths)) < 0 else padded(input, mode, widths)
    for dim in range(ndim - 1, -1, -1) if y is input else ():
        y = edged(y, dim, *widths[dim], mode)
    y = clone(y) if y is input or y.origin is not None else y
    y = contiguous(y) if mode == "circular" or ndim == 3 else laid_like(y, input)
    return renamed(y, NODES[mode].format(len(pad) // 2)) if mode in NODES else y


def padded(x: Tensor, mode: str, widths: Widths) -> Any:
    """Return x with its edges continued, as one op; x itself if nothing is to be added."""
    for dim, (low, high) in enumerate(widths):
        if low or high:
            check_edges(mode, x.value.shape, dim, low, high)
    return apply(_edge_pad(mode, widths), x) if any(map(any, widths)) else x


def edged(y: Any, dim: int, low: int, high: int, mode: str) -> Any:
    """Return y with its edges continued before and after it along a dimension, or cut off where the widths are negative."""
    if mode == "circular" and min(low, high) < 0:
        # what is cut off is not there to be wrapped around
        y = part(y, dim, max(-low, 0), y.value.shape[dim] - max(-high, 0))
        low, high = max(low, 0), max(high, 0)
    if low > 0 or high > 0:
        before, after = EDGES[mode](y, dim, max(low, 0), max(high, 0))
        y = cat([each for each in (before, y, after) if each.value.shape[dim]] or [y], dim)
    if low < 0 or high < 0:
        y = part(y, dim, max(-low, 0), y.value.shape[dim] - max(-high, 0))
    return y
