"""How matrices lie in memory, and the two ways to work on them: a kernel across the batch, or a routine in place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.codegen.choice import ACROSS, DTYPES, LARGEST, LARGEST_PADDED, PADDED, PROGRAMS, Choice, Problem, choose
from lineal.compiler.lowering import routines
from lineal.compiler.lowering.rules.contraction import transposed
from lineal.compiler.nodes.buffers import Buffer, BufferView, dense

__all__ = [
    "SMALL",
    "across",
    "by_columns",
    "by_rows",
    "changed",
    "choice",
    "column_strides",
    "count",
    "either",
    "first_like",
    "known",
    "large",
    "lies",
    "lying",
    "negative",
    "padded",
    "result",
    "spaces",
    "specs_of",
    "succeeded",
]

SMALL = f"not empty, at most {LARGEST} rows and columns ({LARGEST_PADDED} of few matrices)"
"""Where there is only a kernel across the batch."""


def known(*xs: BufferView) -> bool:
    """Return whether there are routines for such numbers."""
    return all(x.buffer.dtype in DTYPES and 0 not in x.shape for x in xs)


def choice(name: str, *xs: BufferView) -> Choice:
    """Return which kernel of this name is to compute with matrices."""
    shapes, dtypes = tuple([tuple(x.shape) for x in xs]), tuple([x.buffer.dtype for x in xs])
    return choose(Problem(name, shapes, dtypes, routines.lanes(dtypes[0])))


def large(name: str, *xs: BufferView) -> bool:
    """Return whether the programs for large matrices are to compute with them."""
    return choice(name, *xs).kernel == PROGRAMS


def count(x: BufferView) -> int:
    """Return how many matrices a stack has."""
    return math.prod(x.shape[:-2])


def lies(x: BufferView, strides: tuple[int, ...]) -> bool:
    """Return whether a view is on memory, with these strides where they matter."""
    return x.buffer.source != "literal" and all(size == 1 or a == b for size, a, b in zip(x.shape, x.strides, strides))


def by_rows(low: Any, x: BufferView) -> BufferView:
    """Return a view that lies densely."""
    return x if lies(x, dense(x.shape)) else low.copy(x)


def either(low: Any, x: BufferView) -> tuple[BufferView, bool]:
    """Return matrices that lie densely, and whether they lie transposed."""
    other = transposed(x, True)
    return (other, True) if not lies(x, dense(x.shape)) and lies(other, dense(other.shape)) else (by_rows(low, x), False)


def column_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of matrices that lie by columns."""
    *lead, m, n = shape
    step = dense((*lead, n, m))
    return (*step[:-2], 1, m)


def by_columns(low: Any, x: BufferView) -> BufferView:
    """Return matrices that lie by columns, one after the other."""
    return x if lies(x, column_strides(x.shape)) else transposed(low.copy(transposed(x, True)), True)


def spaces(low: Any, sizes: Sequence[int], dtype: Any) -> list[Buffer]:
    """Return buffers for so many numbers each, for a routine to work in."""
    return [low.made_buffer((size,), dtype) for size in sizes]


def result(low: Any, shape: Any, dtype: Any) -> tuple[Buffer, BufferView]:
    """Return a new buffer and the view on it."""
    buffer = low.made_buffer(tuple(shape), dtype)
    return buffer, BufferView(buffer, buffer.shape, buffer.strides)


def changed(
    low: Any, label: str, x: BufferView, columns: bool, write: Any, args: Any = (), more: Any = (), **known: Any
) -> BufferView:
    """Return a copy of x, by rows or by columns, that a routine changes in place; it makes `more` besides."""
    buffer = low.made_buffer(x.shape, x.buffer.dtype)
    buffer.strides = column_strides(x.shape) if columns else buffer.strides
    block = BufferView(buffer, buffer.shape, buffer.strides)
    first = low.copy(x, inside=block).buffer
    token = low.made_buffer(x.shape, x.buffer.dtype, inside=block)
    low.routine(label, write, args, [token, *more], after=(first,), **known)
    return low.join(block, [first, token])


def across(
    low: Any,
    name: str,
    args: Sequence[BufferView],
    specs: Sequence[tuple],
    given: Callable[..., tuple],
    shared: dict[str, int] = {},  # noqa: B006 - not written
    rows: bool = False,
) -> tuple[list[BufferView], tuple[bool, ...]] | None:
    """Return what a kernel for batches makes, of these shapes and dtypes, and which of its args it reads transposed.

    `given` returns the kernel's parameters from the latter; with `rows`, all args are read by rows. None if there is no kernel
    for these sizes, or too few matrices: a few small ones are padded to a vector, which costs what one costs. `shared` are the
    names and addresses of arrays that the kernel reads after the args, for all matrices.
    """
    lead, dtype = args[0].shape[:-2], args[0].buffer.dtype
    chosen, batch, lanes = choice(name, *args).kernel, math.prod(lead), routines.lanes(dtype)
    if chosen not in (ACROSS, PADDED):
        return None
    if chosen == PADDED:
        laid = [(padded(low, each, lanes), False) for each in args]
    else:
        laid = [(by_rows(low, each), False) if rows else either(low, each) for each in args]
    turns = tuple(turn for _, turn in laid)
    outs = [low.made_buffer((max(batch, lanes), *shape[len(lead) :]), kind) for shape, kind in specs]
    write, symbols = routines.batched(name, dtype, max(batch, lanes), *given(*turns), shared=shared)
    low.routine(name, write, [each for each, _ in laid], outs, symbols=symbols)
    return [BufferView(out, tuple(shape), dense(tuple(shape))) for out, (shape, _) in zip(outs, specs)], turns


def padded(low: Any, x: BufferView, count: int) -> BufferView:
    """Return a stack of so many matrices that begins with those of x."""
    block = low.block((count, *x.shape[-2:]), x.buffer.dtype)
    batch, size = math.prod(x.shape[:-2]), math.prod(x.shape[-2:])
    first = low.copy(x, inside=BufferView(block.buffer, x.shape, dense(x.shape))).buffer
    rest = (count - batch, *x.shape[-2:])
    more = BufferView(x.buffer, rest, (0, *x.strides[-2:]), x.offset)
    return low.join(block, [first, low.copy(more, inside=BufferView(block.buffer, rest, dense(rest), batch * size)).buffer])


def specs_of(ys: Sequence[Any]) -> list[tuple]:
    """Return shapes and dtypes."""
    return [(tuple(each.shape), each.storage) for each in ys]


def first_like(found: tuple[list[BufferView], tuple[bool, ...]] | None, place: int) -> BufferView | None:
    """Return the first thing a kernel made, which lies as it read the arg at `place`."""
    return None if found is None else lying(found[0][0], found[1][place])


def lying(made: BufferView, yes: bool) -> BufferView:
    """Return the view on matrices that a kernel has laid into memory transposed, if `yes`."""
    shape = transposed(made, yes).shape
    return transposed(BufferView(made.buffer, shape, dense(shape)), yes)


def succeeded(low: Any, info: BufferView) -> None:
    """Let the program go on only if nothing has failed."""
    low.check(low.map(info.shape, np.bool_, lambda m, x: x == 0, info, label="succeeded"))


def negative(low: Any, x: BufferView) -> BufferView:
    """Return -x."""
    return low.map(x.shape, x.buffer.dtype, lambda m, x: -x, x, label="neg")
