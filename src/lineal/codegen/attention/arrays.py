"""Attention of NumPy's arrays by the routines, of any strides and leading axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from lineal.base.spec import Shape
from lineal.codegen.attention.backward import PARAMETERS as BACKWARD
from lineal.codegen.attention.forward import PARAMETERS as FORWARD
from lineal.codegen.attention.problem import NARROW, Form, Steps, chunks_of, table_of, worth
from lineal.codegen.attention.routines import adjoint_routine, routine
from lineal.codegen.kinds import FLOATS
from lineal.codegen.native import adapted
from lineal.codegen.parallel import WORTH_THREADS
from lineal.codegen.target import host

__all__ = ["attended", "pulled_back"]


FLOATING = frozenset(map(np.dtype, FLOATS))
NOTHING = np.empty(0, np.uint8)
"""What stands for an array that there is not."""


class Posed(Protocol):
    """What an op says of an attention."""

    @property
    def scale(self) -> float:
        """What products of queries and keys are multiplied by."""
        ...

    @property
    def causal(self) -> bool:
        """Whether query i sees keys 0 … i alone."""
        ...

    @property
    def dropped(self) -> float:
        """With which probability weights are dropped."""
        ...

    @property
    def safe(self) -> bool:
        """Whether a query that sees nothing gets zeros."""
        ...


class Called:
    """A routine of a form, and the tables of its last calls, which are made once."""

    def __init__(self, form: Form, back: bool):
        found = adjoint_routine(form, host()) if back else routine(form, host())
        self.function = adapted(found, len(BACKWARD if back else FORWARD) - 1)
        self.table = lru_cache(256)(self.tabled)

    def tabled(
        self, lead: Shape, sizes: tuple[int, int, int, int], numbers: tuple[float, float], *lying: tuple[Any, int]
    ) -> np.ndarray:
        """Return the table of a call: `numbers` are the scale and what is dropped, `lying` strides and item sizes."""
        steps = [steps_of(*each, len(lead)) for each in lying]
        return self.function.table(WORTH_THREADS, *table_of(lead, sizes, numbers[0], True, steps, numbers[1]))


native = lru_cache(64)(Called)


def known(causal: bool, q: np.ndarray, k: np.ndarray, v: np.ndarray, program: bool = False) -> bool:
    """Return whether a routine is to make an attention of these arrays, in a program or not."""
    sizes = (q.shape[-2], k.shape[-2], q.shape[-1], v.shape[-1])
    return q.dtype in FLOATING and worth(causal, math.prod(q.shape[:-2]), sizes, program)


def regular(x: np.ndarray) -> np.ndarray:
    """Return an array, or a copy of it if its numbers do not lie where they may be read one by one."""
    return x if x.flags.aligned and all(step % x.itemsize == 0 for step in x.strides) else np.ascontiguousarray(x)


def by_rows(mask: np.ndarray) -> np.ndarray:
    """Return a mask whose rows are dense: itself, or a copy, in which axes that repeat numbers still do."""
    if mask.strides[-1] == mask.itemsize and mask.flags.aligned:
        return mask
    once = mask[tuple([slice(0, 1) if not step else slice(None) for step in mask.strides[:-1]])]
    return np.broadcast_to(np.ascontiguousarray(once), mask.shape)


def steps_of(strides: tuple[int, ...] | None, itemsize: int, lead: int) -> Steps:
    """Return the steps of an array of matrices."""
    if strides is None:
        return Steps((0,) * lead)
    *outer, row, column = (step // itemsize for step in strides)
    return Steps(outer, row, column)


def called(form: Form, back: bool, op: Posed, arrays: Sequence[Any], rest: Sequence[np.ndarray | None]) -> None:
    """Call a routine with q, k, v, a cotangent or None, a mask or None, and what else it is given, a generator's state last."""
    q, k, v, _, mask = arrays
    sizes = (q.shape[-2], k.shape[-2], q.shape[-1], v.shape[-1])
    lying = [(None, 1) if each is None else (each.strides, each.itemsize) for each in arrays]
    found = native(form, back)
    table = found.table(q.shape[:-2], sizes, (op.scale, op.dropped), *lying)
    found.function([NOTHING if each is None else each for each in (q, k, v, mask, *rest)], table)


@lru_cache(64)
def form_of(storage: np.dtype, causal: bool, mask: np.dtype | None, *others: bool) -> Form:
    """Return the form of an attention of arrays and a mask of these dtypes, whose names take long to find."""
    return Form(storage.name, causal, "" if mask is None else mask.name, *others)


def prepared(op: Posed, mask: Sequence[np.ndarray], *arrays: np.ndarray) -> tuple[Form, list[np.ndarray], Any]:
    """Return the form of an attention of arrays that can be read, these, and a mask that can be."""
    beside = by_rows(mask[0]) if mask else None
    wide = max(arrays[0].shape[-1], arrays[2].shape[-1]) > NARROW
    form = form_of(arrays[0].dtype, op.causal, None if beside is None else beside.dtype, op.safe, wide, op.dropped > 0)
    return form, [regular(each) for each in arrays], beside


def attended(
    op: Posed, q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Sequence[np.ndarray], state: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return softmax(scale Q Kᵀ + M) V, and log Σ exp of the scores of each query; what is dropped is drawn from a state.

    All have the same leading sizes; None if others do it.
    """
    if not known(op.causal, q, k, v):
        return None
    form, (q, k, v), beside = prepared(op, mask, q, k, v)
    y, total = np.empty((*q.shape[:-1], v.shape[-1]), q.dtype), np.empty(q.shape[:-1], q.dtype)
    called(form, False, op, (q, k, v, None, beside), (y, total, state))
    return y, total


def pulled_back(
    op: Posed,
    g: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    y: np.ndarray,
    total: np.ndarray,
    mask: Sequence[np.ndarray],
    state: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the cotangents of Q, K and V from that of an attention, and what it gave; None if others do it."""
    if not known(op.causal, q, k, v):
        return None
    form, (q, k, v, g), beside = prepared(op, mask, q, k, v, g)
    y, total = np.ascontiguousarray(y), np.ascontiguousarray(total)
    found = tuple([np.empty(each.shape, each.dtype) for each in (q, k, v)])
    chunks = chunks_of(math.prod(q.shape[:-2]), k.shape[-2])
    parts = np.empty((chunks - 1, q.size), q.dtype)
    called(form, True, op, (q, k, v, g, beside), (y, total, g, *found, parts, state))
    return found  # type: ignore[return-value]
