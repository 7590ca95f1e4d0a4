"""How an array lies in memory."""

from __future__ import annotations

import numpy as np

__all__ = ["Form", "form_of", "in_order", "ordered"]

Form = tuple[tuple[int, ...], tuple[int, ...], np.dtype]
"""An array's shape, strides in bytes and dtype."""


def form_of(x: np.ndarray) -> Form:
    """Return what a loop over x depends on."""
    return x.shape, x.strides, x.dtype


def in_order(x: np.ndarray) -> bool:
    """Return whether the axes of x lie in memory in the order of its shape, as those of a new array do."""
    return x.flags.c_contiguous or ordered(form_of(x))


def ordered(form: Form) -> bool:
    """Return whether arrays of a form are `in_order`."""
    shape, strides, _ = form
    moving = [step for size, step in zip(shape, strides) if size > 1 and step]
    return 0 in shape or (all(step > 0 for step in moving) and moving == sorted(moving, reverse=True))
