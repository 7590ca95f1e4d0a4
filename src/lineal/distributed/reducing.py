"""What becomes of the numbers of all ranks: reductions of arrays, always in the order of the ranks.

So every rank gets the same bits, in every run. Numbers of half precision are summed up in float32 and rounded once.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes, later
from lineal.base.config import LARGE_NARROW
from lineal.core.precision import retyped
from lineal.tensors import Tensor

__all__ = ["ReduceOp", "reduce_op"]

programs: Any = later.module("lineal.compiler.single.expressions")


class ReduceOp(enum.IntEnum):
    """What becomes of the numbers of all ranks."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = range(9)


# PyTorch has operations, and objects made of one that may carry a factor
ReduceOp.RedOpType = ReduceOp  # type: ignore[attr-defined]
reduce_op = ReduceOp

BITWISE = (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)
WITH_COMPLEX = (ReduceOp.SUM, ReduceOp.AVG, ReduceOp.PREMUL_SUM)
FUNCTIONS: dict[ReduceOp, Callable[..., np.ndarray]] = {
    ReduceOp.SUM: np.add,
    ReduceOp.AVG: np.add,
    ReduceOp.PRODUCT: np.multiply,
    ReduceOp.MIN: np.minimum,
    ReduceOp.MAX: np.maximum,
    ReduceOp.BAND: np.bitwise_and,
    ReduceOp.BOR: np.bitwise_or,
    ReduceOp.BXOR: np.bitwise_xor,
    ReduceOp.PREMUL_SUM: np.add,
}
SCALARS: dict[ReduceOp, Callable[..., Any]] = {
    ReduceOp.SUM: lambda m, a, b: a + b,
    ReduceOp.AVG: lambda m, a, b: a + b,
    ReduceOp.PREMUL_SUM: lambda m, a, b: a + b,
    ReduceOp.PRODUCT: lambda m, a, b: a * b,
    ReduceOp.MIN: lambda m, a, b: m.minimum(a, b),
    ReduceOp.MAX: lambda m, a, b: m.maximum(a, b),
}
"""What code does with two narrow numbers, in float32."""
FLOAT32 = np.dtype(np.float32)
WIDE = 4
"""Floating numbers of fewer bytes are widened before they meet."""


class Reduction(NamedTuple):
    """A reduction; `factor` is what each rank's numbers are multiplied by before a PREMUL_SUM."""

    op: ReduceOp
    factor: float | None = None

    def __call__(self, parts: Sequence[np.ndarray], out: np.ndarray) -> None:
        """Reduce arrays of one shape and dtype, the first with the second and so on, into `out`, which may be one of them."""
        function, narrow = FUNCTIONS[self.op], is_narrow(out.dtype)
        if len(parts) == 1:
            out[...] = parts[0]
            return
        if narrow and out.size >= LARGE_NARROW and self.op in SCALARS:
            found = programs.mapped(formula(self.op, len(parts)), parts, out.dtype)
            if found is not None:
                out[...] = found
                return
        if narrow:
            parts = [retyped(part, FLOAT32) for part in parts]
        # what is still to be read may lie where the result goes
        direct = not narrow and len(parts) == 2
        result = function(parts[0], parts[1], out=out) if direct else function(parts[0], parts[1])
        for part in parts[2:]:
            function(result, part, out=result)
        if self.op is ReduceOp.AVG:
            np.divide(result, len(parts), out=result)
        if result is not out:
            out[...] = retyped(result, out.dtype)


REDUCTIONS = {op: Reduction(op) for op in ReduceOp if op is not ReduceOp.PREMUL_SUM}


@lru_cache(64)
def is_narrow(dtype: np.dtype) -> bool:
    """Return whether numbers of a dtype are to be summed up in float32."""
    return dtypes.of(dtype).is_floating_point and dtype.itemsize < WIDE


@lru_cache(64)
def formula(op: ReduceOp, count: int) -> Callable[..., Any]:
    """Return what becomes of the numbers of so many ranks, as code writes it: the first with the second and so on."""

    def reduced(m: Any, first: Any, *others: Any) -> Any:
        y = functools.reduce(functools.partial(SCALARS[op], m), others, first)
        return y / count if op is ReduceOp.AVG else y

    return reduced


def _make_nccl_premul_sum(factor: float) -> Reduction:
    """Return the reduction that multiplies each rank's numbers by a factor, then sums them up."""
    return Reduction(ReduceOp.PREMUL_SUM, float(factor))


def known_reduction(name: str, x: Tensor, op: Any) -> Reduction:
    """Return a reduction; the error for one that is none, or is not defined for the dtype."""
    if isinstance(op, Reduction):
        return op
    found = REDUCTIONS.get(op)
    if found is None:
        raise TypeError(f"{name}: expected op to be one of ReduceOp's but PREMUL_SUM, which needs a factor, got {op!r}")
    known, dtype = found.op, x.dtype
    if known is ReduceOp.SUM:
        return found
    if dtype.is_complex and known not in WITH_COMPLEX:
        raise ValueError(f"{name}: ReduceOp.{known.name} is not defined for complex numbers, got {dtype}")
    if dtype.is_floating_point and known in BITWISE:
        raise RuntimeError(f"{name}: Cannot use ReduceOp.{known.name} with non-integral dtype {dtype}")
    if known is ReduceOp.AVG and not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name}: ReduceOp.AVG: result type Float can't be cast to the desired output type {dtype}")
    return found
