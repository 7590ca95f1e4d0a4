"""The front of reductions: doors cached by what users write, half precision, the adjoint of a sum."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from lineal.base import dtypes, later
from lineal.base.config import LARGE_FORMULA
from lineal.base.dtypes import NARROW, NARROW_SIZES, STORED_ONLY, computing
from lineal.base.layouts import dense
from lineal.base.signatures import Tensor
from lineal.base.spec import Axes, axes, axis
from lineal.core import Op, modes
from lineal.core.door import unary_door
from lineal.core.precision import rounded
from lineal.ops.blocks import TALL, blocked, is_large
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import cast
from lineal.ops.front import store
from lineal.ops.structural.reshape import reshape

programs: Any = later.module("lineal.compiler.single.reductions")

EXACT = 256
"""Up to here all half precisions have each whole number."""


class Reduction(Op):
    """An op whose `eager` looks to large arrays itself, where the door's shortest kernel does not."""

    layout = dense

    def native(self, x: np.ndarray) -> Any:
        return self.eager(np, x)


def doors(
    name: str, make: Callable[..., Any], whole: Callable[[Any], Any] | None = None
) -> Callable[..., Callable[[Any], Any]]:
    """Return `door(dim, ndim, keepdim, ...)`, which gives the cached door of `make(axes, keepdim, ...)`.

    `whole` is the kernel where the op says that it is `plain`: without its detours, small tensors take half the time.
    """

    @functools.lru_cache(4096)
    def cached(dim: Any, ndim: int, keepdim: bool, *rest: Any) -> Callable[[Any], Any]:
        op = make(axes(name, dim, ndim), bool(keepdim), *rest)
        kernel = whole if whole is not None and op.plain(ndim) else functools.partial(op.eager, np)
        return unary_door(op, kernel, spec=True)

    def door(dim: Any, ndim: int, keepdim: bool, *rest: Any) -> Callable[[Any], Any]:
        return cached(dim if dim.__class__ in _HASHABLE else hashable(dim), ndim, keepdim, *rest)

    return door


_HASHABLE = frozenset((int, tuple, type(None)))


def hashable(dim: Any) -> Any:
    """Return dimensions given as a list, a Size or a tensor of one element as a tuple or an int."""
    if hasattr(dim, "__index__"):
        return dim.__index__()
    return tuple(dim) if isinstance(dim, Iterable) else dim


def along(
    name: str, make: Callable[..., Op], shortly: Callable[[Any, np.ndarray], Any] | None = None
) -> Callable[..., Callable[[Any], Any]]:
    """Return `door(dim, ndim, ...)`, which gives the cached door of `make(axis, ...)`, an op that keeps the shape.

    `shortly` is the kernel of arrays that have dimensions, where it needs no rule of layout.
    """

    @functools.lru_cache(4096)
    def cached(dim: Any, ndim: int, *rest: Any) -> Callable[[Any], Any]:
        op = make(axis(name, dim, ndim), *rest)
        kernel = functools.partial(op.eager, np) if shortly is None or not ndim else functools.partial(shortly, op)
        return unary_door(op, kernel, spec=True)

    return cached


def spread(g: Tensor, shape: tuple[int, ...], axes: Axes, keepdim: bool) -> Any:
    """Return `g`, the shape `shape` reduced over `axes`, repeated along them: the adjoint of a sum."""
    return expand(unreduced(g, shape, axes, keepdim), shape)


def unreduced(g: Tensor, shape: tuple[int, ...], axes: Axes, keepdim: bool) -> Any:
    """Return `g`, the shape `shape` reduced over `axes`, with the reduced axes as axes of size 1."""
    if not keepdim and len(axes) < len(shape):
        g = reshape(g, tuple([1 if place in axes else size for place, size in enumerate(shape)]))
    return g


def count(shape: tuple[int, ...], axes: Axes) -> int:
    """Return how many elements of an array of `shape` are reduced to one over `axes`."""
    n = 1
    for place in axes:
        n *= shape[place]
    return n


def shared(g: Tensor, n: int) -> Any:
    """Return g / n; of half precisions in float32, and rounded once: what n is in g's dtype may be another number, or none."""
    storage = g.value.dtype
    if storage not in NARROW or n <= EXACT:
        return g / n
    return cast(cast(g, dtypes.of(computing(storage))) / n, dtypes.of(storage))


def is_one_op(x: Tensor, *others: Tensor | None) -> bool:
    """Return whether what is a composite for small tensors, and in a trace, is one op of these: large, real, of one dtype."""
    storage = x.value.dtype
    alike = all(each is None or each.value.dtype == storage for each in others)
    real = storage.kind == "f" or (storage in NARROW and storage not in STORED_ONLY)
    return alike and real and is_large(x.value) and modes.recorder.get() is None


def reduced(ufunc: Any, x: np.ndarray, axes: Axes, keepdim: bool, storage: np.dtype | None = None) -> Any:
    """Return x reduced with a ufunc over `axes`, in the dtype `storage` (by default x's own); half precisions in float32."""
    wanted = x.dtype if storage is None else storage
    if x.size >= TALL and (y := blocked(ufunc, x, axes, wanted)) is not None:
        return y if keepdim else y.squeeze(axes)
    within = computing(wanted) if wanted in NARROW else wanted
    if len(axes) == x.ndim:
        y = ufunc.reduce(x, axis=None, dtype=within)
        if keepdim:
            y = y.reshape((1,) * x.ndim)
    else:
        y = ufunc.reduce(x, axis=axes if len(axes) != 1 else axes[0], dtype=within, keepdims=keepdim)
    return y if within is wanted else y.astype(wanted)


def folded(
    ufunc: Any,
    x: np.ndarray,
    axes: Axes,
    storage: np.dtype,
    term: Callable[..., Any] | None = None,
    *beside: np.ndarray,
    place: int | None = None,
) -> Any:
    """Return term(m, x, *beside), by default x, reduced over `axes`, which stay with size 1, by a native loop.

    With a `place`, the term is also given where along that axis x stands. None where NumPy has to do it: where x is not large,
    or unusual.
    """
    return programs.folded(ufunc, x, axes, storage, term, beside, place) if is_large(x) else None


class Along:
    """The module `m` of formulas over rows, for arrays: the functions of `xp`, and reductions over axes, which stay."""

    def __init__(self, xp: Any, axes: Axes):
        self.xp, self.axes = xp, axes
        self.axis = axes[0] if len(axes) == 1 else axes

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = getattr(self.xp, name)
        setattr(self, name, found)
        return found

    def row_max(self, x: Any) -> Any:
        """Return the largest numbers, 0 where there are none."""
        if 0 < x.size < LARGE_FORMULA:
            return self.xp.maximum.reduce(x, axis=self.axis, keepdims=True)
        if x.size:
            return reduced(self.xp.maximum, x, self.axes, True)
        return self.xp.zeros([1 if place in self.axes else size for place, size in enumerate(x.shape)], x.dtype)

    def row_sum(self, x: Any) -> Any:
        """Return the sums."""
        return reduced(self.xp.add, x, self.axes, True)


along_axes = functools.lru_cache(1024)(Along)


def rowwise(xp: Any, formula: Callable[..., Any], axes: Axes, x: np.ndarray, *others: np.ndarray) -> Any:
    """Return what a formula over rows makes of arrays of one shape, of which rows are `axes`; large ones by native loops."""
    made = programs.along(formula, (x, *others), axes) if x.ndim and is_large(x) else None
    if made is not None:
        return made
    if x.dtype in NARROW:
        return rounded(functools.partial(rowwise, xp, formula, axes), x, *others)
    if not x.ndim:
        return formula(along_axes(xp, (0,)), *[each.reshape(1) for each in (x, *others)]).reshape(())
    return formula(along_axes(xp, axes), x, *others)


class RowOp(Op):
    """y = formula(m, x, …) of arrays of one shape, of which rows are `axes`."""

    axes: ClassVar[Any]

    @staticmethod
    @abstractmethod
    def formula(m, x, *others):
        """Return y, by a formula over rows (`codegen/rowformulas.py`), which compiled programs read too."""

    def eager(self, xp, x, *others):
        if 0 < x.ndim and x.size < LARGE_FORMULA and x.itemsize not in NARROW_SIZES:
            return self.formula(along_axes(xp, self.axes), x, *others)
        return rowwise(xp, self.formula, self.axes, x, *others)


def both(found: tuple, out: Sequence[Any] | None, name: str) -> tuple:
    """Return the results of an op of several outputs, written into the tensors of `out` if given."""
    return found if out is None else tuple(store(y, each, name) for y, each in zip(found, out))
