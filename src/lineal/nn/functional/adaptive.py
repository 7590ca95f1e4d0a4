"""The sizes that pooling is asked for, instead of a window's."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any


def output_sizes(name: str, shape: tuple[int, ...], output_size: Any, n: int) -> tuple[int, ...]:
    """Return how many windows there are in each of the last `n` dimensions of a shape; None keeps a dimension's size."""
    if n > 1 and len(shape) <= n and isinstance(output_size, Sequence):
        raise ValueError(f"{name}: Input dimension should be at least {n + 1}, got {list(shape)}")
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got {list(shape)}")
    if 0 in shape[len(shape) - n - (n > 1) :]:
        raise RuntimeError(
            f"{name}: Expected input to have non-zero size for non-batch dimensions, but input has sizes {list(shape)}"
        )
    given = list(output_size) if isinstance(output_size, Sequence) else [output_size] * n
    if len(given) != n:
        raise RuntimeError(f"{name}: output_size must be {n} numbers, got {output_size}")
    sizes = [size if each is None else operator.index(each) for each, size in zip(given, shape[len(shape) - n :])]
    if min(sizes) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0 but received {sizes}")
    return tuple(sizes)
