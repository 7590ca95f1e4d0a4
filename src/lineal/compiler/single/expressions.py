"""Expressions of large arrays, element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.codegen.kinds import FLOATS
from lineal.codegen.strides import in_order
from lineal.compiler.lowering.support import NARROW, WHOLE, same
from lineal.compiler.nodes.buffers import BufferView
from lineal.compiler.single.program import run

__all__ = ["common", "copied", "mapped"]

Scalar = Callable[..., Any]
KNOWN = FLOATS | NARROW | {"bool"}
INTEGERS = frozenset("int8 int16 int32 int64 uint8".split())
"""The dtypes of expressions; whole numbers only of ops for which NumPy has no rules of its own."""


def common(views: Sequence[BufferView]) -> tuple[int, ...]:
    """Return the shape to which views broadcast."""
    found: list[int] = [1] * max(len(each.shape) for each in views)
    for each in views:
        for place, size in enumerate(each.shape, len(found) - len(each.shape)):
            if size != 1:
                found[place] = size
    return tuple(found)


@dataclass(frozen=True)
class Mapped:
    """Makes scalar(m, *arrays)."""

    scalar: Scalar
    result: np.dtype

    def __call__(self, low: Any, *xs: BufferView) -> list[BufferView]:
        return [low.map(common(xs), self.result, self.scalar, *xs)]


def mapped(scalar: Scalar, arrays: Sequence[np.ndarray], result: np.dtype, label: str = "") -> np.ndarray | None:
    """Return an expression's value, of the op `label` if it is one's, for arrays that broadcast; None where NumPy has to."""
    build = mapping(scalar, result, tuple([each.dtype for each in arrays]), label in WHOLE)
    found = run(build, arrays) if build is not None and all(map(in_order, arrays)) else None
    return None if found is None else found[0]


def copied(storage: np.dtype, x: np.ndarray) -> np.ndarray:
    """Return a copy of an array in another dtype."""
    y = mapped(same, (x,), storage)
    return x.astype(storage) if y is None else y


@lru_cache(4096)
def mapping(scalar: Scalar, result: np.dtype, dtypes: tuple[np.dtype, ...], whole: bool = False) -> Mapped | None:
    """Return what makes an expression of arrays of some dtypes; None where NumPy has to do it."""
    names = {each.name for each in dtypes}
    known = KNOWN | INTEGERS if whole else KNOWN
    return Mapped(scalar, result) if result.name in known and names <= known and names != {"bool"} else None
