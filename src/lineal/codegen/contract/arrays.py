"""Contractions of arrays, of kinds of number that NumPy has no fast product of: half precisions and whole numbers."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.base.blas import get_bfloat16_products
from lineal.base.platforms import HOST
from lineal.codegen.contract.contraction import contraction
from lineal.codegen.contract.problem import Contract, Epilogue
from lineal.codegen.formulas import formula_of
from lineal.codegen.kinds import BY_NAME, Kind, kind_of
from lineal.codegen.target import host
from lineal.codegen.threads import pool

__all__ = ["contract", "multiplied"]

KNOWN = frozenset(each.name for each in BY_NAME.values() if each.is_narrow or each.family in "iu")
LEAST = 1 << 16
"""From how many multiplications on a routine is faster than NumPy (measured)."""


@lru_cache(256)
def native(problem: Contract) -> Any:
    """Return a routine as a function, and from how many k on it needs memory for parts of sums."""
    found = contraction(problem, host())
    words, addresses = ctypes.c_int64, ctypes.c_void_p
    sheets = 1 + problem.parted + len(problem.epilogue.args if problem.epilogue else ())
    factor = [addresses, words, words]
    function = HOST.launch(found.address, [*factor, *factor, *[words] * 4, *[addresses, words] * sheets])
    return function, found.deepest


def contract(problem: Contract, a: np.ndarray, b: np.ndarray, out: np.ndarray, args: Sequence[np.ndarray] = ()) -> None:
    """Put a contraction of two matrices into `out`; the epilogue reads `args`, whose rows, like those of out, are dense."""
    function, deepest = native(problem)
    pool().follow()
    (m, k), n = a.shape, b.shape[1]
    sheets = [out]
    if problem.parted:
        sheets.append(np.empty((m, n) if k > deepest else (1, 1), problem.sum_kind.dtype))
    factors = [word for x in (a, b) for word in (x.ctypes.data, *(step // x.itemsize for step in x.strides))]
    rows = [word for x in (*sheets, *args) for word in (x.ctypes.data, x.strides[0] // x.itemsize)]
    function(*factors, m, n, k, 1, *rows)


def multiplied(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray | None:
    """Return the product of two matrices, or of stacks of them, plus a row; None where NumPy has to do it."""
    name, shape = a.dtype.name, (*a.shape[:-1], b.shape[-1])
    if name not in KNOWN or b.dtype != a.dtype or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        return None
    if math.prod(shape[-2:]) * a.shape[-1] < LEAST or not all(map(regular, (a, b))):
        return None
    if bias is not None and not (bias.shape == shape[-1:] and bias.dtype == a.dtype and bias.flags.carray):
        return None
    problem = problem_of(kind_of(name), by_columns(a), get_bfloat16_products() == "native", bias is not None)
    args = () if bias is None else (np.broadcast_to(bias, (1, *bias.shape)),)
    out = np.empty(shape, a.dtype)
    for place in np.ndindex(shape[:-2]):
        contract(problem, a[place], b[place], out[place], [each[:, :] for each in args])
    return out


def regular(x: np.ndarray) -> bool:
    """Return whether an array's numbers lie where they may be read one by one."""
    return x.flags.aligned and all(step % x.itemsize == 0 for step in x.strides)


def by_columns(x: np.ndarray) -> bool:
    """Return whether what is side by side in memory is a column."""
    rows, columns = x.strides[-2:]
    return rows == x.itemsize != columns


@lru_cache(64)
def problem_of(kind: Kind, turned: bool, native: bool, biased: bool) -> Contract:
    """Return the contract of two factors of a kind, whose results are of that kind too, plus a row if `biased`."""
    name = kind.name
    epilogue = Epilogue(formula_of(lambda m, y, b: y + b, (kind.computed, kind)), ((name, True),)) if biased else None
    return Contract(name, name, name, turned, native and name == "bfloat16", epilogue)
