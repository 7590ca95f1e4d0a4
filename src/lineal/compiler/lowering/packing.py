"""Packing: what a forward program saves for the backward one lies in one block of memory, not in hundreds of arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from lineal.base.spec import Shape
from lineal.compiler.lowering.support import supported
from lineal.core import Op
from lineal.tracing import Equation, Var

__all__ = ["Pack", "Unpack", "packed"]

FEWEST = 8
"""From how many arrays on it is worth it."""
ALIGNMENT = 64


class Pack(Op):
    """y = the bytes of all xs, each at its offset."""

    offsets: tuple[int, ...]
    size: int
    differentiable = False
    no_vjp = "bytes: programs go back through what they save"
    no_batch = "never met: only programs hold it"
    host_only = "memory of a native program"

    def eager(self, xp, *xs):
        y = np.empty(self.size, np.uint8)
        for x, offset in zip(xs, self.offsets):
            np.ndarray(x.shape, x.dtype, y, offset)[...] = x
        return y

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


class Unpack(Op):
    """y = the array of a shape and dtype that lies at an offset of the bytes x."""

    offset: int
    shape: Shape
    storage: np.dtype
    differentiable = False
    no_vjp = "bytes: programs go back through what they save"
    no_batch = "never met: only programs hold it"
    host_only = "memory of a native program"

    def eager(self, xp, x):
        return np.ndarray(self.shape, self.storage, x, self.offset).copy()

    def vjp(self, needs, g, y, x):
        return (None,)


def packed(saved: Sequence[Var], new: Any) -> tuple[list[Var], list[Equation], list[Equation]]:
    """Return what is saved instead, what makes it of `saved`, and what makes these of it; `new(array)` makes variables."""
    many = [var for var in saved if supported(var.spec.storage)]
    if len(many) < FEWEST:
        return list(saved), [], []
    sizes = [-(-math.prod(var.spec.shape) * var.spec.storage.itemsize // ALIGNMENT) * ALIGNMENT for var in many]
    *offsets, size = accumulate(sizes, initial=0)
    block = new(np.empty(size, np.uint8))
    parts = zip(many, offsets)
    unpacked = [Equation(Unpack(at, tuple(var.spec.shape), var.spec.storage), (block,), (var,), False) for var, at in parts]
    made = Equation(Pack(tuple(offsets), size), tuple(many), (block,), False)
    return [*(var for var in saved if var not in set(many)), block], [made], unpacked
