"""Linear maps along an axis of which each output reads a few inputs: averages, and interpolation between neighbours."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.ops.blocks import double, is_large
from lineal.ops.spatial.windows import Spans, Windows, fixed, on, places, run_of

tapsums: Any = later.module("lineal.codegen.tapsums")

LONG = 32
"""More taps than these are added up in float64."""


class Origin(NamedTuple):
    """What made a map: the name of a function of this file and what it was given; another format may have an op for it."""

    name: str
    given: tuple


class Taps:
    """y[o] = Σ weights[o, k] x[places[o, k]] over the first counts[o] of k. Two are equal if they are one."""

    def __init__(self, size: int, places: np.ndarray, weights: np.ndarray, counts: Any, origin: Origin | None = None):
        self.size = size
        self.origin = origin
        self.places = places
        self.weights = weights
        self.counts = np.broadcast_to(counts, len(places))

    @property
    def count(self) -> int:
        """How many outputs there are."""
        return len(self.places)

    @functools.cached_property
    def share(self) -> Any:
        """The weight that all taps of an output have, as one number if all outputs agree; None if taps differ."""
        if not self.weights.size:
            return 1.0
        used = np.arange(self.weights.shape[1]) < self.counts[:, None]
        first = self.weights[:, :1]
        if (used & (self.weights != first)).any():
            return None
        return float(first[0, 0]) if (first == first[0]).all() else first[:, 0]

    @functools.cached_property
    def steps(self) -> list[tuple[Any, Any, Any]]:
        """For each tap which outputs have it, which inputs they read, and their weights (None where there is a share)."""
        made = []
        for place in range(self.places.shape[1]):
            rows = np.flatnonzero(self.counts > place)
            weights = None if self.share is not None else self.weights[rows, place]
            made.append((run_of(rows), run_of(self.places[rows, place]), weights))
        return made

    @functools.lru_cache(64)  # noqa: B019 (maps are kept for good)
    def weighing(self, storage: np.dtype, behind: int) -> tuple[list[tuple[Any, Any, Any]], Any]:
        """Return the steps with weights of a dtype, which cannot be written, for so many axes behind; and the share."""
        fit = lambda weights: fixed(weights.astype(storage).reshape(-1, *(1,) * behind))
        steps = [(*each, None if weights is None else fit(weights)) for *each, weights in self.steps]
        return steps, fit(self.share) if isinstance(self.share, np.ndarray) else self.share

    @functools.cached_property
    def tables(self) -> tuple[np.ndarray, ...]:
        """The places, the weights, what sums are multiplied by, and the counts, as native code reads them."""
        shared = self.share is not None
        weights = np.ones(self.weights.T.shape) if shared else np.ascontiguousarray(self.weights.T)
        scales = np.full(self.count, self.share if shared else 1.0)
        counts = np.ascontiguousarray(self.counts, np.int64)
        return np.ascontiguousarray(self.places.T, np.int64), weights.astype(np.float64, copy=False), scales, counts

    @functools.cached_property
    def transposed(self) -> Taps:
        """The adjoint map."""
        rows, used = np.nonzero(np.arange(self.places.shape[1]) < self.counts[:, None])
        inputs = self.places[rows, used]
        order = np.argsort(inputs, kind="stable")
        counts = np.bincount(inputs, minlength=self.size)
        taken = np.arange(order.size) - np.repeat(np.cumsum(counts) - counts, counts)
        where = (inputs[order], taken)
        outputs = np.zeros((self.size, int(counts.max(initial=0))), np.int64)
        weights = np.zeros(outputs.shape)
        outputs[where], weights[where] = rows[order], self.weights[rows, used][order]
        found = Taps(self.count, outputs, weights, counts)
        found.__dict__["transposed"] = self
        return found

    def apply(self, xp: Any, x: Any, axis: int) -> Any:
        """Return the map along an axis of an array."""
        y = tapsums.summed(x, axis, *self.tables) if is_large(x) else None
        if y is not None:
            return y
        before = (slice(None),) * axis
        within = double(x.dtype) if self.places.shape[1] > LONG and x.dtype.kind == "f" else x.dtype
        (steps, _), (_, share) = (self.weighing(each, x.ndim - axis - 1) for each in (x.dtype, within))
        y: Any = None
        for rows, read, weights in steps:
            part = x[(*before, on(xp, read))]
            if weights is not None:
                part = part * xp.asarray(weights)
            if y is None and isinstance(rows, slice) and rows == slice(0, self.count, 1):
                # as it is added to zeros: without a sign of its own, and in other memory
                y = part.astype(within, copy=False) + 0
                continue
            if y is None:
                y = xp.zeros((*x.shape[:axis], self.count, *x.shape[axis + 1 :]), within)
            y[(*before, on(xp, rows))] += part
        if y is None:
            y = xp.zeros((*x.shape[:axis], self.count, *x.shape[axis + 1 :]), within)
        if isinstance(share, np.ndarray):
            y *= xp.asarray(share)
        elif share not in (None, 1.0):
            y *= share
        return y.astype(x.dtype, copy=False)


def numbers(windows: Windows | Spans, counted: int) -> np.ndarray:
    """Return how many elements windows have, of padding those within `counted` places of the axis."""
    if isinstance(windows, Spans):
        return windows.firsts()[1]
    starts = np.arange(windows.count) * windows.stride - windows.padding
    return np.minimum(starts + windows.kernel, windows.size + counted) - np.maximum(starts, -counted)


def outer_numbers(windows: Sequence[Windows | Spans], counted: Sequence[int]) -> np.ndarray:
    """Return how many elements windows over several axes have."""
    return functools.reduce(np.multiply.outer, [numbers(*each) for each in zip(windows, counted)])


@functools.lru_cache(512)
def averages(windows: Windows | Spans, counted: int = 0, divisor: int | None = None) -> Taps:
    """Return averages over windows, of what is inside or within `counted` places of padding; or sums by `divisor`."""
    inside = windows.firsts()[1]
    shared = numbers(windows, counted) if divisor is None else np.full(len(inside), divisor)
    table = places(windows)
    weights = np.repeat(1 / shared[:, None], table.shape[1], 1)
    return Taps(windows.size, table, weights, inside, Origin("averages", (windows, counted, divisor)))


def source(size: int, count: int, scale: float | None, align_corners: bool) -> tuple[float, np.ndarray]:
    """Return how far apart outputs are, counted in inputs, and where they lie: corners on corners, or edges on edges."""
    if align_corners:
        step = (size - 1) / (count - 1) if count > 1 else 0.0
        return step, np.arange(count) * step
    step = 1 / scale if scale is not None and scale > 0 else size / count
    return step, (np.arange(count) + 0.5) * step - 0.5


@functools.lru_cache(512)
def nearest(size: int, count: int, scale: float | None, exact: bool, wide: bool = False) -> Taps:
    """Return each output's nearest input: that below it, or, if `exact`, that whose middle is nearest.

    Places are counted in float32, or if `wide` in float64, and rounded to float32 before they are cut off, as in PyTorch.
    """
    kind = np.float64 if wide else np.float32
    step = kind(1 / scale) if scale is not None and scale > 0 else kind(size) / kind(count)
    at = np.arange(count).astype(kind)
    if exact:
        # half a step is added and half an element taken off with one rounding
        at = (np.float64(step) * (at + kind(0.5)) - 0.5).astype(kind) + kind(0.5)
    else:
        at = at * step
    found = np.minimum(np.floor(at.astype(np.float32)).astype(np.int64), size - 1)
    found = np.arange(count) if count == size else np.arange(count) // 2 if count == 2 * size else found
    return Taps(size, found[:, None], np.ones((count, 1)), 1, Origin("nearest", (size, count, scale, exact, wide)))


@functools.lru_cache(512)
def linear(size: int, count: int, scale: float | None, align_corners: bool) -> Taps:
    """Return the two inputs on either side of each output, by how near they are; beyond the edges the edge."""
    at = np.maximum(source(size, count, scale, align_corners)[1], 0)
    at = np.arange(count, dtype=np.float64) if count == size else at
    low = np.minimum(np.floor(at).astype(np.int64), size - 1)
    high = low if count == size else np.minimum(low + 1, size - 1)
    share = np.clip(at - low, 0, 1)
    origin = Origin("linear", (size, count, scale, align_corners))
    return Taps(size, np.stack([low, high], 1), np.stack([1 - share, share], 1), 2, origin)


@functools.lru_cache(512)
def cubic(size: int, count: int, scale: float | None, align_corners: bool) -> Taps:
    """Return the four inputs about each output with the weights of a cubic convolution; beyond the edges the edge."""
    at = source(size, count, scale, align_corners)[1]
    low = np.floor(at)
    offsets = np.arange(-1, 3)
    found = np.clip(low[:, None].astype(np.int64) + offsets, 0, size - 1)
    origin = Origin("cubic", (size, count, scale, align_corners))
    return Taps(size, found, keys(at[:, None] - low[:, None] - offsets, -0.75), 4, origin)


def keys(x: np.ndarray, a: float) -> np.ndarray:
    """Return the kernel of cubic convolution at distance `x`.   Keys (1981), Cubic convolution interpolation, eq. 4 and 15."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def triangle(x: np.ndarray) -> np.ndarray:
    """Return the kernel of linear interpolation at distance `x`."""
    return np.maximum(1 - np.abs(x), 0)


def lanczos(x: np.ndarray) -> np.ndarray:
    """Return sinc(x) sinc(x / 3) within 3.   Duchon (1979), Lanczos filtering in one and two dimensions."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


KERNELS = {"bilinear": (1, triangle), "bicubic": (2, lambda x: keys(x, -0.5)), "lanczos": (3, lanczos)}
"""How far the kernels of resampling against aliasing reach, and the kernels."""


@functools.lru_cache(512)
def antialiased(mode: str, size: int, count: int, scale: float | None, align_corners: bool) -> Taps:
    """Return the inputs about each output weighted by a kernel as wide as outputs are apart; its weights inside add up to 1."""
    reach, kernel = KERNELS[mode]
    step = source(size, count, scale, align_corners)[0]
    wide = max(step, 1.0)
    middle = (np.arange(count) + 0.5) * step
    first = np.maximum((middle - reach * wide + 0.5).astype(np.int64), 0)
    counts = np.minimum((middle + reach * wide + 0.5).astype(np.int64), size) - first
    offsets = np.arange(int(counts.max(initial=0)))
    found = np.minimum(first[:, None] + offsets, size - 1)
    weights = np.where(offsets < counts[:, None], kernel((first[:, None] + offsets - middle[:, None] + 0.5) / wide), 0)
    total = weights.sum(1, keepdims=True)
    return Taps(size, found, weights / np.where(total == 0, 1, total), counts)
