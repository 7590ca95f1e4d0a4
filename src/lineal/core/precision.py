"""Half precision: numbers that are stored narrowly are computed in the wider dtype their record names, and rounded once.

An op says so by `wide = True`, and its `eager` never sees them: `Op.__init_subclass__` puts `rounding_once` around it. That
costs nothing elsewhere. In `Op.run` it would do nothing for the fast paths of `apply`, which call kernels directly, and a look
at every input's dtype there would be paid by float32 and float64 too; kernels that are NumPy's own functions need none, since
NumPy and ml_dtypes round the result of one function once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.config import LARGE_NARROW
from lineal.base.dtypes import NARROW, NARROW_SIZES, STORED_ONLY, computing
from lineal.base.layouts import in_order

programs: Any = later.module("lineal.compiler.single.expressions")

__all__ = ["retyped", "pairwise", "require_computable", "rounded", "rounding_once", "widened"]


def retyped(x: Any, storage: np.dtype) -> Any:
    """Return an array as `astype` gives it; half precisions, which NumPy converts one by one, by a native loop."""
    if x.size < LARGE_NARROW or x.__class__ is not np.ndarray or not (x.dtype in NARROW or storage in NARROW):
        return x.astype(storage)
    made = functools.partial(programs.copied, storage)
    return made(x) if x.flags.c_contiguous else in_order(made, x)


def widened(x: Any) -> Any:
    """Return an array in the dtype that it is computed in: half precisions as float32, anything else as it is."""
    return retyped(x, computing(x.dtype)) if x.dtype in NARROW else x


def rounded(kernel: Callable[..., Any], x: Any, *others: Any) -> Any:
    """Return kernel(x, *others) computed in the dtype in which numbers like x are computed, and rounded to x's dtype."""
    narrow, within = x.dtype, computing(x.dtype)
    y = kernel(retyped(x, within), *[retyped(each, within) if each.dtype == narrow else each for each in others])
    if y.dtype != within:
        return y
    return dtypes.of(narrow).stored(y) if narrow in STORED_ONLY else retyped(y, narrow)


def require_computable(op: Any, *xs: Any) -> None:
    """Refuse tensors of dtypes that are only stored, unless the op takes them; asked once there are such arrays at all."""
    if op.any_dtype:
        return
    for x in xs:
        if x.value.dtype in STORED_ONLY:
            name = op.grad_name.partition("Backward")[0]
            raise NotImplementedError(f"{name}: not implemented for {dtypes.of(x.value.dtype)}; convert it with .to() first")


def rounding_once(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Return the eager kernel of an op, computing narrow numbers in a wider dtype."""

    @functools.wraps(eager)
    def compute(self: Any, xp: Any, x: Any, *others: Any) -> Any:
        if x.itemsize in NARROW_SIZES and x.dtype in NARROW:
            return self.narrow(xp, functools.partial(eager, self, xp), x, *others)
        return eager(self, xp, x, *others)

    return compute


def pairwise(op: Any, xp: Any) -> Callable[[Any, Any], Any]:
    """Return `op.eager` of two arrays, without the packing and unpacking of arguments that any number of them takes."""
    bare = type(op).eager.__wrapped__

    def kernel(a: Any, b: Any) -> Any:
        return op.eager(xp, a, b) if a.itemsize in NARROW_SIZES else bare(op, xp, a, b)

    return kernel
