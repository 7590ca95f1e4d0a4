"""Derivatives by finite differences, against which the rules are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.core import gradients, lift, no_grad

__all__ = ["analytical", "numerical", "real_pairs"]


def real_pairs(value: np.ndarray) -> np.ndarray:
    """Return the numbers of an array as one real vector; a complex number counts as two."""
    flat = np.ascontiguousarray(value).reshape(-1)
    if flat.dtype.kind == "c":
        return flat.astype(np.complex128).view(np.float64)
    return flat.astype(np.float64)


def moved(x: np.ndarray, place: int, step: float) -> Any:
    """Return a tensor like `x` with its real number `place` moved by `step`, in the same order of memory."""
    y = np.array(x, order="K")
    which, part = divmod(place, 2) if y.dtype.kind == "c" else (place, 0)
    index = np.unravel_index(which, y.shape)
    y[index] += step * 1j if part else step
    return lift(y)


def numerical(func: Callable[..., Sequence[Any]], args: Sequence[Any], place: int, eps: float) -> list[np.ndarray]:
    """Return the Jacobian of each output by argument `place`, by central differences: one column per real number."""
    x = args[place].value
    columns: list[list[np.ndarray]] = []
    with no_grad():
        for each in range(x.size * (2 if x.dtype.kind == "c" else 1)):
            sides = []
            for step in (eps, -eps):
                changed = [moved(x, each, step) if at == place else plain(arg) for at, arg in enumerate(args)]
                sides.append([real_pairs(y.value) for y in func(*changed)])
            columns.append([(right - left) / (2 * eps) for right, left in zip(*sides)])
    return [np.stack(each, axis=1) for each in zip(*columns)] if columns else []


def plain(arg: Any) -> Any:
    """Return a tensor's copy as a constant in the same order of memory; other things as they are."""
    return lift(np.array(arg.value, order="K")) if hasattr(arg, "value") and hasattr(arg, "node") else arg


def analytical(ys: Sequence[Any], xs: Sequence[Any]) -> list[list[np.ndarray]]:
    """Return the Jacobian of each output by each of `xs`, a real row per real number of the output, by going back."""
    found = []
    for y in ys:
        rows: list[list[np.ndarray]] = [[] for _ in xs]
        for unit in units(y.value):
            gs = gradients([y], xs, [lift(unit)], True, False, True) if y.node is not None else [None] * len(xs)
            for row, g, x in zip(rows, gs, xs):
                row.append(real_pairs(np.zeros_like(x.value) if g is None else g.value))
        found.append([np.stack(row) if row else np.zeros((0, real_pairs(x.value).size)) for row, x in zip(rows, xs)])
    return found


def units(y: np.ndarray) -> Any:
    """Yield the unit cotangents of an array: 1, and i if it is complex, at each place."""
    for place in range(y.size):
        for one in (1, 1j) if y.dtype.kind == "c" else (1,):
            unit = np.zeros(y.size, y.dtype)
            unit[place] = one
            yield unit.reshape(y.shape)
