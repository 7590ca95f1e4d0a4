"""Expressions of large arrays, element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.codegen.kinds import FLOATS
from lineal.codegen.strides import Form, form_of, ordered
from lineal.compiler.lowering.support import NARROW, WHOLE, same
from lineal.compiler.nodes.buffers import BufferView
from lineal.compiler.single.program import Plan, planned

__all__ = ["common", "copied", "mapped", "mapping", "written"]

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
    found = mapping(scalar, result, label, tuple([(each.shape, each.strides, each.dtype) for each in arrays]))
    return None if found is None else found(*arrays)


def written(scalar: Scalar, label: str, y: np.ndarray, *others: np.ndarray) -> bool:
    """Let y be scalar(m, y, *others), in y's dtype; return False where NumPy has to do it."""
    plan = planning(scalar, "same", label, tuple([form_of(each) for each in (y, *others)]))
    return plan is not None and plan.into(y, y, *others)


def copied(storage: np.dtype, x: np.ndarray) -> np.ndarray:
    """Return a copy of an array in another dtype."""
    y = mapped(same, (x,), storage)
    return x.astype(storage) if y is None else y


@lru_cache(8192)
def mapping(
    scalar: Scalar, result: np.dtype | str, label: str, forms: tuple[Form, ...]
) -> Callable[..., np.ndarray | None] | None:
    """Return what computes an expression of arrays of some forms; None where NumPy has to do it."""
    plan = planning(scalar, result, label, forms)
    return None if plan is None else plan.only


def planning(scalar: Scalar, result: np.dtype | str, label: str, forms: tuple[Form, ...]) -> Plan | None:
    """Return the plan of an expression of arrays of some forms; None where NumPy has to do it.

    `result` is its dtype, or what a row says of it: "same", as that of what is computed with, "real", its parts', or "bool".
    """
    storages = [storage for _, _, storage in forms]
    if isinstance(result, str):
        # a condition has no say in the dtype of what it selects
        alike = next((each for each in storages if each.kind != "b"), storages[0])
        wanted = {"same": alike, "real": alike, "bool": np.dtype(bool)}.get(result, np.dtype(object))
    else:
        wanted = result
    names = {each.name for each in storages}
    known = KNOWN | INTEGERS if label in WHOLE else KNOWN
    if wanted.name not in known or not names <= known or names == {"bool"} or not all(map(ordered, forms)):
        return None
    return planned(Mapped(scalar, wanted), forms)
