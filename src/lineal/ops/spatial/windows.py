"""Windows along an axis: where they begin, what of them lies inside the axis, how many there are."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Ints = tuple[int, ...]


class Windows(NamedTuple):
    """`count` windows over an axis: of `kernel` elements `dilation` apart, every `stride`, the first at -`padding`."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    count: int

    @property
    def reach(self) -> int:
        """How long the padded axis has to be, so that all windows lie inside."""
        return max(self.padding + self.size, (self.count - 1) * self.stride + (self.kernel - 1) * self.dilation + 1)

    def firsts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first place of each window that is inside, and how many are."""
        starts = np.arange(self.count) * self.stride - self.padding
        skipped = -(np.minimum(starts, 0) // self.dilation)
        inside = (self.size - 1 - starts) // self.dilation + 1
        return starts + skipped * self.dilation, np.minimum(inside, self.kernel) - skipped


class Spans(NamedTuple):
    """Windows of several sizes over an axis of `size`: from each of `starts` to the one of `stops`."""

    size: int
    starts: Ints
    stops: Ints
    dilation: int = 1

    @property
    def count(self) -> int:
        """How many windows there are."""
        return len(self.starts)

    def firsts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first place of each window, and how many it has."""
        starts = np.array(self.starts, np.int64)
        return starts, np.array(self.stops, np.int64) - starts


@functools.lru_cache(512)
def places(windows: Windows | Spans) -> np.ndarray:
    """Return the places of each window's elements (count, most elements); where there are fewer, the last one stands again."""
    first, inside = windows.firsts()
    most = int(inside.max(initial=1))
    return first[:, None] + np.minimum(np.arange(most), inside[:, None] - 1) * windows.dilation


def evenly(size: int, count: int) -> Windows | Spans:
    """Return `count` windows that cover an axis: window i from ⌊i n / count⌋ to ⌈(i + 1) n / count⌉."""
    if count and size % count == 0:
        return Windows(size, size // count, size // count, 0, 1, count)
    starts = tuple([place * size // count for place in range(count)])
    return Spans(size, starts, tuple([-(-(place + 1) * size // count) for place in range(count)]))


def fixed(table: np.ndarray) -> np.ndarray:
    """Return an array that nobody else has, which cannot be written from here on."""
    table.flags.writeable = False
    return table


def run_of(index: np.ndarray) -> Any:
    """Return the slice that reads the places of `index`, if they are evenly apart and ascending, else the index for good."""
    steps = np.diff(index)
    if not index.size or (index.size > 1 and (steps[0] <= 0 or (steps != steps[0]).any())):
        return fixed(index.copy())
    return slice(int(index[0]), int(index[-1]) + 1, int(steps[0]) if index.size > 1 else 1)


def on(xp: Any, places: Any) -> Any:
    """Return places as they are if they are a slice, else as an array of the module."""
    return places if isinstance(places, slice) else xp.asarray(places)


def several(name: str, argument: str, given: Any, count: int) -> Ints:
    """Return an int or a sequence of ints as `count` ints; a sequence of one stands for all axes."""
    if isinstance(given, Sequence):
        if len(given) not in (1, count):
            raise RuntimeError(f"{name}: {argument} must either be a single int, or a tuple of {count} ints, got {given}")
        numbers = tuple([operator.index(each) for each in given])
        return numbers * count if len(numbers) == 1 else numbers
    return (operator.index(given),) * count


def pooled(name: str, shape: Ints, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, n: int) -> tuple:
    """Return the windows of pooling over the last `n` axes of a shape; RuntimeError says what is wrong with the numbers."""
    given = kernel, stride, padding, dilation
    # of numbers that are equal, some are refused
    known = all(each is None or each.__class__ is int for each in given)
    return (pooled_evenly if known else windows_of)(name, tuple(shape), *given, bool(ceil_mode), n)


def windows_of(name: str, shape: Ints, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, n: int) -> tuple:
    """Return what `pooled` does.

    There are ⌊(size + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1 of them, with `ceil_mode` ⌈…⌉ + 1; one that would
    begin in the padding at the end is left out.
    """
    kernels, dilations = several(name, "kernel_size", kernel, n), several(name, "dilation", dilation, n)
    strides = kernels if stride is None or stride == () or stride == [] else several(name, "stride", stride, n)
    paddings = several(name, "padding", padding, n)
    check_numbers(name, kernels, strides, paddings, dilations)
    each_axis = zip(shape[len(shape) - n :], kernels, strides, paddings, dilations)
    made = [Windows(*numbers, count_of(*numbers, ceil_mode)) for numbers in each_axis]
    if any(windows.count < 1 for windows in made):
        raise RuntimeError(
            f"{name}: Given input size {list(shape)}, calculated output size: {[each.count for each in made]}. "
            "Output size is too small"
        )
    return tuple(made)


pooled_evenly = functools.lru_cache(1024)(windows_of)
"""The windows for numbers that are the same along all axes."""


def count_of(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return how many windows there are."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1 + (stride - 1 if ceil_mode else 0)
    count = room // stride + 1
    return count - (ceil_mode and (count - 1) * stride >= size + padding)


def check_numbers(name: str, kernels: Ints, strides: Ints, paddings: Ints, dilations: Ints) -> None:
    """Refuse what PyTorch refuses of the numbers of pooling."""
    if min(kernels) <= 0:
        raise RuntimeError(f"{name}: kernel size should be greater than zero, but got {list(kernels)}")
    if min(strides) <= 0:
        raise RuntimeError(f"{name}: stride should be greater than zero, but got {list(strides)}")
    if min(dilations) <= 0:
        raise RuntimeError(f"{name}: dilation should be greater than zero, but got {list(dilations)}")
    if min(paddings) < 0:
        raise RuntimeError(f"{name}: pad must be non-negative, but got {list(paddings)}")
    if any(padding > kernel // 2 for kernel, padding in zip(kernels, paddings)):
        raise RuntimeError(
            f"{name}: pad should be at most half of kernel size, but got pad={list(paddings)} and kernel_size={list(kernels)}"
        )


def check_spatial(name: str, shape: Ints, n: int) -> None:
    """Refuse an input that is neither (C, …) nor (N, C, …) with `n` more axes, or is empty elsewhere than in its batch."""
    if len(shape) not in (n + 1, n + 2) or 0 in shape[len(shape) - n - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got: {list(shape)}"
        )
