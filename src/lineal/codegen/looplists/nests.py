"""Loops around NumPy's loops: over which axes operands are gone through, and in which steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["DEPTH", "Nest", "nested"]

DEPTH = 3
"""How many loops there may be around an inner one."""


class Nest(NamedTuple):
    """The sizes of the outer loops, the length of the inner one, and the steps of all operands in each, in bytes."""

    sizes: tuple[int, ...]
    length: int
    outer: tuple[tuple[int, ...], ...]
    inner: tuple[int, ...]
    core: tuple[int, ...] = ()
    """The sizes of further axes that the inner loop knows; its steps along them follow the others."""


def nested(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> Nest | None:
    """Return the nest of operands of one shape with these strides, as NumPy's iterator makes it; None if it is too deep.

    The axis along which memory moves least is the innermost; axes along which all operands move on as along one are one.
    """
    axes = [(size, tuple([each[place] for each in strides])) for place, size in enumerate(shape) if size != 1]
    # from the last operand on: of a reduction that is the one which is read, and the result stays or goes along
    axes.sort(key=lambda axis: [abs(step) for step in reversed(axis[1])], reverse=True)
    merged: list[tuple[int, tuple[int, ...]]] = []
    for size, steps in axes:
        if merged and all(before == step * size for before, step in zip(merged[-1][1], steps)):
            merged[-1] = (merged[-1][0] * size, steps)
        else:
            merged.append((size, steps))
    if len(merged) > DEPTH + 1:
        return None
    still = (0,) * len(strides)
    *around, (length, inner) = merged or [(1, still)]
    around = [(1, still)] * (DEPTH - len(around)) + around
    return Nest(tuple([size for size, _ in around]), length, tuple([steps for _, steps in around]), inner)
