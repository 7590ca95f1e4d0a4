"""BLAS and LAPACK for emitted code: the addresses SciPy publishes, and calls that pass everything by reference.

SciPy's `cython_blas` and `cython_lapack` hold one capsule a routine; a routine takes pointers only, like Fortran, without
hidden string lengths, and 32-bit integers. Emitted code knows `dgemm` as the symbol `lineal_dgemm`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from lineal.base import later
from lineal.base.threads import openblas
from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int32
from lineal.codegen.values import Value

cython_blas: Any = later.module("scipy.linalg.cython_blas")
cython_lapack: Any = later.module("scipy.linalg.cython_lapack")

PREFIX = "lineal_"
# symbols of the same prefix that are the pool's; to look for them among BLAS's would load SciPy
POOL = frozenset(("lineal_fork", "lineal_pool", "lineal_share", "lineal_try_fork"))
LETTER = {"float32": "s", "float64": "d"}

Number = int | float | Value


@cache
def address(routine: str) -> int:
    """Return the address of a BLAS or LAPACK routine; KeyError if SciPy has none of that name."""
    capsule = cython_blas.__pyx_capi__.get(routine) or cython_lapack.__pyx_capi__.get(routine)
    if capsule is None:
        raise KeyError(f"blas: expected a BLAS or LAPACK routine, got {routine!r}")
    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer_of(capsule, name_of(capsule))


def symbols(routines: Iterable[str]) -> dict[str, int]:
    """Return what to bind for code that calls these routines."""
    found = {PREFIX + routine: address(routine) for routine in routines}
    stop = limiter()
    return found if stop is None else {**found, LIMIT: stop}


def used(e: Emitter) -> Iterator[str]:
    """Return the routines that the module of `e` calls."""
    names = (name[len(PREFIX) :] for name in e.declared if name.startswith(PREFIX) and name not in POOL)
    return (name for name in names if known(name))


def known(routine: str) -> bool:
    return routine in cython_blas.__pyx_capi__ or routine in cython_lapack.__pyx_capi__


LIMIT = "openblas_set_num_threads_local"
"""OpenBLAS's function for the number of threads it uses from now on; it returns the number before."""


@cache
def limiter() -> int | None:
    """Return the address of `LIMIT` in SciPy's OpenBLAS, or None if SciPy uses another BLAS."""
    function = openblas("scipy", LIMIT)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value


def limit(e: Emitter, count: int | Value) -> Value | None:
    """Write: let BLAS use `count` threads; return the number before, or None if this BLAS cannot be told."""
    if limiter() is None:
        return None
    return e.call(LIMIT, int32, count if isinstance(count, Value) else e.const(count, int32))


def by_reference(e: Emitter, given: Number | str, kind: Kind) -> Value:
    """Return the address of an argument: a letter, a number known now, or a value; a pointer stays what it is."""
    if isinstance(given, str):
        return e.constant(ord(given), kinds.int8)
    if not isinstance(given, Value):
        return e.constant(given, kind)
    return given if given.kind.family == "p" else e.slot(e.cast(given, kind))


def call(e: Emitter, routine: str, *arguments: Value | str | int | tuple[Number, Kind]) -> None:
    """Call a routine. Pointers pass as they are, letters and whole numbers (int32) by reference, others as (number, kind)."""
    references = []
    for given in arguments:
        number, kind = given if isinstance(given, tuple) else (given, int32)
        references.append(by_reference(e, number, kind))
    e.call(PREFIX + routine, None, *references)


def gemm(
    e: Emitter,
    kind: Kind,
    a: Value,
    b: Value,
    c: Value,
    m: int | Value,
    n: int | Value,
    k: int | Value,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float | Value = 1.0,
    beta: float | Value = 0.0,
    strides: tuple[int | Value | None, int | Value | None, int | Value | None] = (None, None, None),
) -> None:
    """Write c = alpha · op(a) op(b) + beta · c for row-major op(a) (m, k), op(b) (k, n) and c (m, n), float32 or float64.

    `strides` are the lengths of the rows of a, b and c in elements, where they are not dense. What is row-major here is the
    transpose in BLAS's eyes, so it is asked for cᵀ = op(b)ᵀ op(a)ᵀ.
    """
    rows_a = strides[0] if strides[0] is not None else m if transpose_a else k
    rows_b = strides[1] if strides[1] is not None else k if transpose_b else n
    rows_c = strides[2] if strides[2] is not None else n
    letters = ("T" if transpose_b else "N", "T" if transpose_a else "N")
    routine = LETTER[kind.name] + "gemm"
    call(e, routine, *letters, n, m, k, (alpha, kind), b, rows_b, a, rows_a, (beta, kind), c, rows_c)
