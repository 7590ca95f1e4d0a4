"""Formulas over lists of tensors, in place: one native call for all of them, where nobody hears of each."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.config import LONG_UPDATE
from lineal.core import modes
from lineal.core import op as engine
from lineal.core.apply import memory_of
from lineal.core.op import Memory, next_id
from lineal.core.opening import HOT, PASSING
from lineal.core.sites import site

__all__ = ["done_together", "squares_together"]

native: Any = later.module("lineal.codegen.updates")

ROUNDED_ONCE = ("f4", "f8")
"""Dtypes in which every operation of a formula is rounded, so that NumPy and native code have the same bits."""
PLANS: dict[tuple, Any] = {}
MOST = 1024
waiting: Counter[Any] = Counter()
"""How often a formula was done for short tensors by NumPy, until it is worth compiling."""


def done_together(
    name: str, formula: Callable[..., tuple], lists: Sequence[list[Any]], numbers: Any, count: int, exact: bool = False
) -> bool:
    """Let the tensors of the first `count` lists take the values of formula(m, *tensors, *numbers), row by row.

    `numbers` are the same for all rows, or an array has a row for each. Operations are rounded by themselves, as NumPy rounds
    them, where they are to be `exact`, and of short lists; others may be fused. Return False, having done nothing, where each
    row has to be done by itself: somebody listens, lists are short and new, or tensors overlap, or have several dtypes, or lie
    otherwise than others in their row.
    """
    first = lists[0]
    if not first or modes.recorder.get() is not None or modes.grad_enabled.get() or modes.guard.get() is not None:
        return False
    apart = numbers.__class__ is np.ndarray
    key = formula, id(first[0]), len(first), len(lists), count, apart
    writer, clock = (name, site(2)), next_id()
    for plan in tried(key, lambda: planned(formula, lists, numbers, count, exact)):
        if plan.run(np.array(numbers, plan.storage), writer, clock, lists):
            return True
    return False


def squares_together(tensors: list[Any]) -> np.ndarray | None:
    """Return Σ x² of each of the tensors, in float64; None, where each has to be looked at by itself."""
    if not tensors or modes.recorder.get() is not None or modes.guard.get() is not None:
        return None
    for plan in tried((squares_together, id(tensors[0]), len(tensors)), lambda: planned_squares(tensors)):
        sums = np.empty(plan.numbers[0])
        if plan.run(sums, (), 0, [tensors]):
            return np.add.reduceat(sums, plan.firsts)
    return None


def tried(key: tuple, make: Callable[[], Any]) -> Iterator[Any]:
    """Yield the plan that is kept by a key, and, if that is asked for, a new one, to be kept in its place."""
    plan = PLANS.get(key)
    if plan is not None:
        yield plan
    plan = make()
    if plan is not None:
        if len(PLANS) >= MOST:
            PLANS.clear()
        PLANS[key] = plan
        yield plan


def planned(formula: Callable[..., tuple], lists: Sequence[list[Any]], numbers: Any, count: int, exact: bool) -> Any:
    """Return a plan for lists that there is none for yet; None where there can be none, or it would not pay."""
    arrays = worth(formula, lists[0])
    if arrays is None:
        return None
    for written in lists[:count]:
        for each in written:
            memory_of(each)
    ways = len(lists), np.shape(numbers)[-1], count, numbers.__class__ is np.ndarray
    return native.planned(formula, arrays, lodging(), ways, exact or not is_long(arrays))


def planned_squares(tensors: list[Any]) -> Any:
    """Return a plan for the sums of squares of tensors; None where there can be none, or it would not pay."""
    arrays = worth(squares_together, tensors)
    # a piece for each, without which there would be no sum
    return None if arrays is None or not all(each.size for each in arrays) else native.squaring(arrays, lodging())


def worth(formula: Callable[..., Any], tensors: list[Any]) -> list[np.ndarray] | None:
    """Return the arrays of tensors if they may be worth a plan."""
    arrays = [each.value for each in tensors]
    storage = arrays[0].dtype
    if any(each.__class__ is not np.ndarray or each.dtype is not storage for each in arrays):
        return None
    if not is_long(arrays):
        waiting[formula] += len(arrays)
        if storage.str[1:] not in ROUNDED_ONCE or waiting[formula] < HOT:
            return None
    return arrays


def is_long(arrays: list[np.ndarray]) -> bool:
    return sum([each.size for each in arrays]) >= LONG_UPDATE


@functools.cache
def lodging() -> Any:
    """Return the classes that native code reads."""
    return native.Lodging(engine.final, PASSING, Memory)
