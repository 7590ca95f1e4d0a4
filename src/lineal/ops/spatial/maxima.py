"""The largest element of each window, and where it is."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.layouts import dense, suggested_in_rows
from lineal.core import AbstractTensor, Op, apply
from lineal.core.opening import settle
from lineal.core.precision import widened
from lineal.ops.indexing.gathering import _gather_sum
from lineal.ops.spatial.windows import Spans, Windows, fixed, on, places, run_of
from lineal.ops.structural.reshape import reshape

native: Any = later.module("lineal.codegen.windows")


class WindowMax(Op):
    """y, index = the largest x in each window of the last axes and its place in these axes, flattened; x̄ = ȳ added up there.

    The first of equal elements is taken; a NaN is larger than any number, the last one than others. Padding is no element.
    """

    windows: tuple[Windows | Spans, ...]
    label: str
    width, keeps, outputs_read = 2, "y", (1,)

    def layout(self, y, x):
        in_order = self.label.startswith("Fractional") or (self.label.startswith("Adaptive") and len(self.windows) == 3)
        return (dense if in_order else suggested_in_rows)(self, y, x)

    @property
    def grad_name(self) -> str:
        return self.label

    def eager(self, xp, x):
        found = found_natively(x, self.windows) if xp is np else None
        if found is not None:
            return found
        tables, at = [places(each) for each in self.windows], xp.asarray(flat_places(self.windows))
        parts = windowed(xp, widened(x), tables)
        top, index = next(parts), at[0]
        for number, part in enumerate(parts, 1):
            better = part > top
            if part.dtype.kind == "f":
                better |= part != part
            top, index = xp.where(better, part, top), xp.where(better, at[number], index)
        if len(at) == 1:
            top, index = xp.array(top), index + xp.zeros(top.shape, np.int64)
        return top.astype(x.dtype, copy=False), index

    def vjp(self, needs, g, y, x):
        lead, n = x.shape[: x.ndim - len(self.windows)], x.ndim - len(self.windows)
        flat = [reshape(each, (*lead, math.prod(each.value.shape[n:]))) for each in (g[0], y[1].detach())]
        total = apply(_gather_sum(n, (*lead, math.prod(x.shape[n:]))), *flat)
        return (reshape(total, x.shape),)


def found_natively(x: Any, windows: tuple[Windows | Spans, ...]) -> tuple[Any, Any] | None:
    """Return the largest elements and their places; None where NumPy is to find them."""
    if all(isinstance(each, Windows) for each in windows) and native.fills(windows[-1].count, x.dtype):
        return native.largest(x, windows)
    lead = x.shape[: x.ndim - len(windows)]
    found = native.largest_of(x.reshape(*lead, -1) if x.size else x, elements_of(windows))
    return found and tuple([each.reshape(*lead, *(each.count for each in windows)) for each in found])


@functools.lru_cache(64)
def elements_of(windows: tuple[Windows | Spans, ...]) -> np.ndarray:
    """Return the places of each window's elements in the flattened axes, (elements, windows)."""
    flat = np.zeros((1, 1), np.int32)
    for each in windows:
        along = places(each).T.astype(np.int32)
        flat = (flat[:, None, :, None] * np.int32(each.size) + along[None, :, None, :]).reshape(
            len(flat) * len(along), flat.shape[1] * along.shape[1]
        )
    return flat


@functools.lru_cache(64)
def flat_places(windows: tuple[Windows | Spans, ...]) -> np.ndarray:
    """Return the places of each window's elements in the flattened axes, (elements, windows of each axis): a constant."""
    flat = elements_of(windows).astype(np.int64)
    return fixed(flat.reshape(-1, *(each.count for each in windows)))


def windowed(xp: Any, x: Any, tables: list[np.ndarray]) -> Iterator[Any]:
    """Yield, for each element of the windows in row-major order, that element of all windows."""
    if not tables:
        yield x
        return
    before = (slice(None),) * (x.ndim - len(tables))
    for column in tables[0].T:
        yield from windowed(xp, x[(*before, on(xp, run_of(column)))], tables[1:])


@functools.lru_cache(1024)
def window_max_op(windows: tuple[Windows | Spans, ...], label: str) -> WindowMax:
    """Return the op; RuntimeError if a window has no elements, which dilation may do to one that begins in the padding."""
    for each in windows:
        if (each.firsts()[1] <= 0).any():
            raise RuntimeError(f"max_pool: a window has no element inside of the input: {each}")
    op = WindowMax(windows, label)
    settle(op, op.eager)
    return op


def window_max(x: AbstractTensor, windows: tuple, label: str) -> Any:
    """Return the largest elements of the windows over the last axes, and where they are; the node has the name `label`."""
    return apply(window_max_op(windows, label), x)
