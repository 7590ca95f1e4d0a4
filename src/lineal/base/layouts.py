"""Layouts: which strides a result has, by the strides of what it is made of. The one place for it; the rules are PyTorch's.

An op names its rule as `layout`; the rule lays what the kernel gave, for which it copies only if strides differ that matter.
Strides are counted in elements. An order is a permutation of the axes, slowest first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.dtypes import NARROW

transposes: Any = later.module("lineal.codegen.transposes")

Ints = tuple[int, ...]
Operand = tuple[Ints, Ints]
"""The shape and strides of an array."""
LAST = (0, 2, 3, 1)
"""The order of axes of channels-last images."""

# Strides


def dense_steps(shape: Ints) -> Ints:
    """Return the strides, in elements, of a C-contiguous array; PyTorch counts an empty axis as one of size 1."""
    steps = [1] * len(shape)
    for place in range(len(shape) - 2, -1, -1):
        steps[place] = steps[place + 1] * max(shape[place + 1], 1)
    return tuple(steps)


def steps(value: np.ndarray) -> Ints:
    """Return the strides of `value` in elements."""
    if value.size == 0:
        return dense_steps(value.shape)
    width = value.itemsize
    return tuple([step // width for step in value.strides])


def back(order: Sequence[int]) -> Ints:
    """Return the inverse of a permutation."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))


@functools.lru_cache(4096)
def steps_in(shape: Ints, order: Ints) -> Ints:
    """Return the strides of an array without gaps whose axes follow each other in memory in `order`."""
    dense = dense_steps(tuple([shape[axis] for axis in order]))
    return tuple([dense[place] for place in back(order)])


def last_steps(shape: Ints) -> Ints:
    """Return the strides of images in a channels-last format, lines being images of one row."""
    return steps_in(shape, (0, *range(2, len(shape)), 1))


def order_of_steps(strides: Ints) -> Ints:
    """Return the axes by their strides, the longest first; of equal ones the first axis first."""
    return tuple(sorted(range(len(strides)), key=lambda axis: -strides[axis]))


def follows(shape: Ints, strides: Ints, order: Sequence[int]) -> bool:
    """Return whether elements lie without gaps in an order of axes; the strides of axes of size 1 have no say."""
    reach = 1
    for axis in reversed(order):
        if shape[axis] != 1:
            if strides[axis] != reach:
                return False
            reach *= shape[axis]
    return True


def is_packed(shape: Ints, strides: Ints) -> bool:
    """Return whether elements fill a block of memory without gaps or overlaps, in whatever order of axes."""
    axes = sorted((step, size) for step, size in zip(strides, shape) if size != 1)
    return not axes or (axes[0][0] == 1 and all(low * size == high for (low, size), (high, _) in pairwise(axes)))


def is_last(shape: Ints, strides: Ints) -> bool:
    """Return whether strides, in any unit, suggest a channels-last format.

    The channels' stride is the shortest, the last place's next, the batch's the longest; axes of size 1 take part. Where this
    leaves it open, all but channels and batch being of size 1 and their strides those of C order, it is no channels-last.
    """
    if len(shape) not in (4, 5) or strides[1] > strides[-1] or 0 in shape or not strides[1]:
        return False
    least = 0
    for axis in (1, *range(len(shape) - 1, 1, -1), 0):
        if strides[axis] < least or (axis == 0 and least == strides[1]):
            return False
        least = strides[axis] * shape[axis]
    return True


# The rule of element-by-element results


@functools.lru_cache(4096)
def iterated(shape: Ints, operands: tuple[Operand, ...]) -> Ints:
    """Return the strides of what is made element by element of operands that broadcast to `shape`.

    Operands of one layout without gaps give theirs. Otherwise axes are sorted by the strides of the first operand, where
    these do not decide, being equal or of an axis that is repeated, of the next.
    """
    dims = range(len(shape))
    if all(each == shape for each, _ in operands):
        for order in (tuple(dims), LAST) if len(shape) == 4 else (tuple(dims),):
            if all(follows(shape, strides, order) for _, strides in operands):
                return steps_in(shape, order)
        if len({strides for _, strides in operands}) == 1 and is_packed(*operands[0]):
            return operands[0][1]
    lines = [stretched(shape, *each) for each in operands]
    fastest = list(reversed(dims))
    for place in range(1, len(shape)):
        at = place
        for before in range(place - 1, -1, -1):
            turn = comparison(shape, lines, fastest[before], fastest[at])
            if turn > 0:
                fastest[before], fastest[at] = fastest[at], fastest[before]
                at = before
            elif turn < 0:
                break
    return steps_in(shape, tuple(reversed(fastest)))


def stretched(shape: Ints, given: Ints, strides: Ints) -> Ints:
    """Return the strides of an operand that is repeated to `shape`."""
    lead = len(shape) - len(given)
    kept = [0 if size == 1 != wanted else step for size, wanted, step in zip(given, shape[lead:], strides)]
    return (0,) * lead + tuple(kept)


def comparison(shape: Ints, lines: Sequence[Ints], a: int, b: int) -> int:
    """Return 1 if axis `a` is to be slower than `b`, -1 if faster, 0 if no operand decides."""
    for strides in lines:
        if strides[a] and strides[b]:
            if strides[a] != strides[b]:
                return 1 if strides[a] > strides[b] else -1
            if shape[a] > shape[b]:
                return 1
    return 0


def operands_of(arrays: Sequence[np.ndarray]) -> tuple[Operand, ...]:
    """Return the shapes and strides of arrays."""
    return tuple([(each.shape, steps(each)) for each in arrays])


def in_order(kernel: Callable[..., Any], *arrays: np.ndarray) -> Any:
    """Return what an elementwise kernel makes of arrays, laid by the rule: it is given axes in the order of the result's."""
    shape = np.broadcast(*arrays).shape
    wanted = iterated(shape, operands_of(arrays))
    order = order_of_steps(wanted)
    if order == tuple(range(len(shape))):
        return laid(kernel(*arrays), wanted)
    turned = [
        each.reshape((1,) * (len(shape) - each.ndim) + each.shape).transpose(order) if each.ndim else each for each in arrays
    ]
    return laid(kernel(*turned).transpose(back(order)), wanted)


# Laying


def new(xp: Any, shape: Ints, storage: np.dtype, strides: Ints) -> Any:
    """Return an empty array with these strides, which leave no gaps; those of axes of size 1 may be others beside NumPy."""
    if xp is np:
        width = storage.itemsize
        return np.ndarray(shape, storage, None, 0, tuple([step * width for step in strides]))
    order = order_of_steps(strides)
    return xp.empty([shape[axis] for axis in order], storage).transpose(back(order))


WORDS = {1: np.dtype(np.uint8), 2: np.dtype(np.uint16)}
"""Whole numbers as wide as half precisions and float8."""
LARGE_COPY = 1 << 15
"""From how many elements on copies into another order of axes are native."""


def fill(y: np.ndarray, x: np.ndarray) -> None:
    """Copy x, which broadcasts to y's shape, to y."""
    large = y.size >= LARGE_COPY and y.__class__ is np.ndarray is x.__class__
    if not large or (x.flags.c_contiguous and y.flags.c_contiguous) or not transposes.copied(y, x):
        if y.dtype in NARROW and x.dtype == y.dtype and not (x.flags.c_contiguous and y.flags.c_contiguous):
            # NumPy copies numbers of dtypes that are not its own one by one
            y, x = y.view(WORDS[y.itemsize]), x.view(WORDS[y.itemsize])
        np.copyto(y, x)


def uncommon_steps(value: np.ndarray) -> Ints | None:
    """Return the strides of a copy that keeps the layout of an array, None if that is C order."""
    kept = preserved(value.shape, steps(value))
    return None if kept == dense_steps(value.shape) else kept


def laid(value: np.ndarray, strides: Ints) -> np.ndarray:
    """Return an array with these strides, which leave no gaps: itself, itself in other words, or a copy."""
    found = steps(value)
    if found == strides or not value.size:
        return value
    if all(size == 1 or step == wanted for size, step, wanted in zip(value.shape, found, strides)):
        plain = value.transpose(order_of_steps(strides))
        return np.ndarray(value.shape, value.dtype, plain, 0, tuple([step * value.itemsize for step in strides]))
    y = new(np, value.shape, value.dtype, strides)
    fill(y, value)
    return y


def dense(op: Any, y: np.ndarray, x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Lay y in C order."""
    return y if x.flags.c_contiguous and y.flags.c_contiguous else laid(y, dense_steps(y.shape))


def alike(op: Any, y: np.ndarray, x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Lay y, of x's shape, as x lies, or, where that leaves gaps, in the order of its axes."""
    if y.flags.c_contiguous and (x.strides == y.strides or (x.ndim < 3 and x.flags.c_contiguous)):
        return y
    return laid(y, preserved(x.shape, steps(x)))


def elementwise(op: Any, y: np.ndarray, *xs: np.ndarray) -> np.ndarray:
    """Lay y as what is made of the xs element by element."""
    return laid(y, iterated(y.shape, operands_of(xs)))


def preserved(shape: Ints, strides: Ints) -> Ints:
    """Return the strides of a copy that keeps the layout of an array: the same ones if they leave no gaps."""
    return strides if is_packed(shape, strides) else iterated(shape, ((shape, strides),))


def suggested(op: Any, y: np.ndarray, x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Lay y channels last if x is, else in C order."""
    return channels(y, is_last(x.shape, x.strides))


def suggested_of_either(op: Any, y: np.ndarray, x: np.ndarray, w: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Lay y channels last if x or w is, else in C order. Lines count as images of one row if they are C-contiguous."""
    return channels(y, any(is_last(*(row(each) if each.flags.c_contiguous else (each.shape, each.strides))) for each in (x, w)))


def suggested_unless_dense(op: Any, y: np.ndarray, x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Lay y channels last if x is and does not lie in C order too, else in C order."""
    return channels(y, not x.flags.c_contiguous and is_last(x.shape, x.strides))


def suggested_of_all(op: Any, y: np.ndarray, *xs: np.ndarray) -> np.ndarray:
    """Lay y channels last if all xs are, else in C order."""
    return channels(y, y.ndim > 2 and all(is_last(x.shape, x.strides) for x in xs))


def suggested_in_rows(op: Any, y: np.ndarray, x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Lay y channels last if x is, lines counting as images of one row, else in C order."""
    return channels(y, is_last(*row(x)))


def row(x: np.ndarray) -> Operand:
    """Return the shape and strides of an array, lines (N, C, L) as images of one row."""
    shape, strides = x.shape, x.strides
    if len(shape) != 3:
        return shape, strides
    return (*shape[:2], 1, shape[2]), (*strides[:2], strides[2] * shape[2], strides[2])


def channels(y: np.ndarray, last: bool) -> np.ndarray:
    """Lay y channels last, lines as images of one row, or in C order."""
    if not last or y.ndim < 3:
        return y if y.flags.c_contiguous and y.ndim < 4 else laid(y, dense_steps(y.shape))
    return laid(y, last_steps(y.shape))


def arranging(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Return the eager kernel of an op whose class names a rule: what it gives, laid by the rule."""

    @functools.wraps(eager)
    def compute(self: Any, xp: Any, *xs: Any) -> Any:
        y = eager(self, xp, *xs)
        # by every rule, what is made of one array in C order, and no image, lies in C order
        if xp is not np or (
            len(xs) == 1 and y.__class__ is np.ndarray and y.ndim < 3 and y.flags.c_contiguous and xs[0].flags.c_contiguous
        ):
            return y
        return tuple([self.layout(each, *xs) for each in y]) if y.__class__ is tuple else self.layout(y, *xs)

    compute.arranged = True  # type: ignore[attr-defined]
    return compute
