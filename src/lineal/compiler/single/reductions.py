"""Reductions of large arrays, and formulas over their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.base.dtypes import computing
from lineal.codegen.kinds import FLOATS, kind_of
from lineal.codegen.parallel import WORTH_WAKING
from lineal.codegen.rowformulas import row_formula
from lineal.codegen.strides import Form, in_order, ordered
from lineal.compiler.lowering.halves import rounded, widened
from lineal.compiler.lowering.rowformulas import by_rows
from lineal.compiler.lowering.support import NARROW
from lineal.compiler.nodes.buffers import BufferView, Place
from lineal.compiler.single.expressions import common
from lineal.compiler.single.program import planned, run

__all__ = ["along", "along_rows", "folded", "rowwise"]

Axes = tuple[int, ...]
Term = Callable[..., Any]
KINDS = {
    np.add: "add",
    np.multiply: "multiply",
    np.maximum: "maximum",
    np.minimum: "minimum",
    np.logical_and: "minimum",
    np.logical_or: "maximum",
}
KNOWN = FLOATS | NARROW | {"int32", "int64", "uint8", "bool"}
FLOATING = frozenset(map(np.dtype, FLOATS))
"""The dtypes of formulas over rows; the name of one takes as long to find as a short row."""
SHORTEST, LONGEST, FEWEST = 16, 1 << 16, 16
"""How many elements a row has at least and at most, and how many rows there are at least where threads share them."""


@dataclass(frozen=True)
class Folded:
    """Makes term(m, *arrays), by default the first of them, reduced over axes, which stay; a place may come last."""

    kind: str
    axes: Axes
    result: np.dtype
    term: Term | None
    place: int | None

    def __call__(self, low: Any, *xs: BufferView) -> list[BufferView]:
        x, within = xs[0], kind_of(self.result).computed.dtype
        if self.term is not None:
            places = () if self.place is None else (Place(self.place),)
            x = low.map(common(xs), within, self.term, *xs, *places)
        return [rounded(low, low.reduce(x, self.axes, self.kind, within, keepdim=True), self.result)]


def folded(
    ufunc: np.ufunc,
    x: np.ndarray,
    axes: Axes,
    storage: np.dtype | None = None,
    term: Term | None = None,
    beside: Sequence[np.ndarray] = (),
    place: int | None = None,
) -> np.ndarray | None:
    """Return term(m, x, *beside) reduced over `axes`, which stay with size 1, as `storage`; None where NumPy has to do it.

    `beside` are arrays that broadcast to the shape of x. With a `place`, the term is also given where along that axis x stands.
    """
    arrays = (x, *beside)
    forms = tuple([(each.shape, each.strides, each.dtype) for each in arrays])
    found = folding(ufunc, axes, x.dtype if storage is None else storage, term, place, forms)
    return None if found is None else found(*arrays)


@lru_cache(8192)
def folding(
    ufunc: np.ufunc, axes: Axes, result: np.dtype, term: Term | None, place: int | None, forms: tuple[Form, ...]
) -> Callable[..., np.ndarray | None] | None:
    """Return what makes a reduction of arrays of some forms; None where NumPy has to do it."""
    known = axes and ufunc in KINDS and {result.name, *(storage.name for _, _, storage in forms)} <= KNOWN
    plan = planned(Folded(KINDS[ufunc], axes, result, term, place), forms) if known and ordered(forms[0]) else None
    return None if plan is None else plan.only


@dataclass(frozen=True)
class Along:
    """Makes what a formula makes of arrays of one shape, of which rows are `axes`; what is one number of a row keeps them."""

    expression: Term
    axes: Axes

    def __call__(self, low: Any, *xs: BufferView) -> list[BufferView]:
        formula = row_formula(self.expression, tuple([kind_of(each.buffer.dtype).computed for each in xs]))
        y = by_rows(low, formula, "rows", self.axes, *[widened(low, x) for x in xs])[0]
        return [rounded(low, y, xs[0].buffer.dtype)]


def along(expression: Term, arrays: Sequence[np.ndarray], axes: Axes) -> np.ndarray | None:
    """Return what a formula over rows makes of arrays of one shape, of which rows are `axes`; None where NumPy has to."""
    x = arrays[0]
    if not is_floating(x):
        return None
    if any(each.shape != x.shape or each.dtype != x.dtype for each in arrays[1:]):
        return None
    if not all(map(in_order, arrays)):
        return None
    found = run(rows_along(expression, axes), arrays)
    return None if found is None else found[0]


rows_along = lru_cache(1024)(Along)


def is_floating(x: np.ndarray) -> bool:
    """Return whether an array holds numbers that formulas over rows are written for."""
    return x.dtype in FLOATING or x.dtype.name in NARROW


@dataclass(frozen=True)
class Rowwise:
    """Makes the results of a formula of rows, of numbers for each and of what all share; some are `summed` up."""

    expression: Term
    summed: tuple[bool, ...]

    def __call__(self, low: Any, *xs: BufferView) -> list[BufferView]:
        single = tuple([place for place, x in enumerate(xs) if not x.shape or (len(x.shape) == 2 and x.shape[1] == 1)])
        formula = row_formula(self.expression, tuple([kind_of(each.buffer.dtype).computed for each in xs]), single)
        made = by_rows(low, formula, "rows", (1,), *[widened(low, x) for x in xs])
        made = [low.reduce(y, (0,), "add") if summed else y for y, summed in zip(made, self.summed)]
        return [rounded(low, made[0], xs[0].buffer.dtype), *made[1:]]


row_by_row = lru_cache(1024)(Rowwise)


@lru_cache(1024)
def constant(number: float, storage: np.dtype) -> np.ndarray:
    """Return an array of one number."""
    return np.array(number, storage)


def rowwise(
    expression: Term, n: int, given: Sequence[np.ndarray], results: Sequence[tuple[int, ...]], *numbers: float
) -> tuple[np.ndarray, ...] | None:
    """Return results, of these shapes, that a formula makes of arrays and of numbers; None where NumPy has to.

    An array of two dimensions is rows of n, or one number for each; one of one dimension a row that all share. Results of shape
    (n,) are sums over the rows. Of half precisions the first result alone is rounded.
    """
    x = given[0]
    rows = x.size // n if n else 0
    if (
        not is_floating(x)
        or not SHORTEST <= n <= LONGEST
        or (rows < FEWEST and x.size >= WORTH_WAKING)
        or any(y.dtype != x.dtype for y in given)
    ):
        return None
    build = row_by_row(expression, tuple([len(shape) == 1 for shape in results]))
    found = run(build, (*given, *[constant(number, computing(x.dtype)) for number in numbers]))
    return None if found is None else tuple([y.reshape(shape) for y, shape in zip(found, results)])


@dataclass(frozen=True)
class AlongRows:
    """Makes the results of a formula of rows, which are `axes` of the first arrays; of the others a row has one number each."""

    expression: Term
    axes: Axes
    rows: int

    def __call__(self, low: Any, *xs: BufferView) -> list[BufferView]:
        kinds = tuple([kind_of(each.buffer.dtype).computed for each in xs])
        formula = row_formula(self.expression, kinds, tuple(range(self.rows, len(xs))))
        y, *others = by_rows(low, formula, "rows", self.axes, *[widened(low, x) for x in xs])
        return [rounded(low, y, xs[0].buffer.dtype), *others]


def along_rows(
    expression: Term, axes: Axes, rows: Sequence[np.ndarray], beside: Sequence[np.ndarray], *numbers: float
) -> list[np.ndarray] | None:
    """Return what a formula makes of rows, of arrays with one number for each, and of numbers; None where NumPy has to.

    Of half precisions the first result alone is rounded.
    """
    x = rows[0]
    if not is_floating(x) or any(each.dtype != x.dtype for each in (*rows, *beside)) or not all(map(in_order, rows)):
        return None
    one = (1,) * x.ndim
    return run(
        AlongRows(expression, axes, len(rows)), (*rows, *beside, *[np.full(one, each, computing(x.dtype)) for each in numbers])
    )
