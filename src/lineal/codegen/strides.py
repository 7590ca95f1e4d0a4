"""How large arrays lie in memory: the axes of several arrays of one shape, merged to as few loops as walk them all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Steps = tuple[int, ...]
Form = tuple[tuple[int, ...], tuple[int, ...], np.dtype]
"""An array's shape, strides in bytes and dtype."""
Loop = tuple[int, Steps]
"""How many turns a loop has, and by how many elements each turn moves on in each array."""


def form_of(x: np.ndarray) -> Form:
    """Return what a loop over x depends on."""
    return x.shape, x.strides, x.dtype


def steps_of(form: Form, shape: tuple[int, ...]) -> Steps | None:
    """Return by how many elements each axis of an array, broadcast to `shape`, moves on; None if not by whole ones."""
    own_shape, strides, storage = form
    if any(step % storage.itemsize for step in strides):
        return None
    own = (0 if size == 1 else step // storage.itemsize for size, step in zip(own_shape, strides))
    return (*(0 for _ in range(len(shape) - len(own_shape))), *own)


def in_order(steps: Steps) -> bool:
    """Return whether the axes lie in memory in the order of the shape, as those of a new array do."""
    moving = [step for step in steps if step]
    return all(step > 0 for step in moving) and moving == sorted(moving, reverse=True)


def merged(shape: Sequence[int], steps: Sequence[Steps]) -> list[Loop]:
    """Return the loops over axes of `shape`, in order, for arrays of these steps; axes that continue one another are one."""
    loops: list[Loop] = []
    for size, *moves in zip(shape, *steps):
        if size == 1:
            continue
        if loops and all(before == size * move for before, move in zip(loops[-1][1], moves)):
            loops[-1] = (loops[-1][0] * size, tuple(moves))
        else:
            loops.append((size, tuple(moves)))
    return loops
