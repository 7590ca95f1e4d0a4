"""New shapes for the same numbers in the same order."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base.spec import infer_shape, sizes
from lineal.core import AbstractTensor, Op, apply

__all__ = ["reshape"]


class View(Op):
    """y = x with another shape over the same memory; x̄ = ȳ with x's shape."""

    shape: tuple[int, ...]
    name = "View"
    aliasing = "view"

    def eager(self, xp, x):
        return xp.reshape(x, self.shape)

    def vjp(self, needs, g, y, x):
        return (reshape(g, x.shape),)


class Clone(Op):
    """y = a copy of x, C-contiguous."""

    name = "Clone"

    def eager(self, xp, x):
        return xp.array(x, order="C")

    def vjp(self, needs, g, y, x):
        return (g,)


_view = functools.lru_cache(4096)(View)


def viewable(value: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Return whether `value` can take `shape` without being copied."""
    if value.flags.c_contiguous:
        return True
    try:
        np.reshape(value, shape, copy=False)
    except ValueError:
        return False
    return True


def reshape(input: AbstractTensor, *shape: Any) -> Any:  # noqa: A002
    """Return input with another shape: a view where the memory allows it, otherwise a copy. One size may be -1."""
    target = infer_shape("reshape", sizes("reshape", shape), input.value.size)
    if not viewable(input.value, target):
        input = apply(Clone(), input)  # noqa: A001
    return apply(_view(target), input)
