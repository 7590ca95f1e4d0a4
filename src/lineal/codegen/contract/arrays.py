"""Contractions of arrays: of half precisions and whole numbers, which NumPy has no fast product of, and large ones."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lineal.base.blas import get_bfloat16_products
from lineal.base.platforms import HOST
from lineal.codegen.choice import BLOCKS, SHORTEST, Product, multiplied_by
from lineal.codegen.contract.contraction import contraction
from lineal.codegen.contract.images import table_of
from lineal.codegen.contract.problem import Contract, converted
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import BY_NAME, int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import WORTH_THREADS
from lineal.codegen.target import host
from lineal.codegen.threads import pool

__all__ = ["Seen", "Stack", "contract", "multiplied", "multiply", "seen"]

LEAST_THREADED = 1 << 20
"""From how many multiplications on a routine of the pool's threads is faster than NumPy (measured, 2026-11-30)."""
KNOWN = frozenset(each.name for each in BY_NAME.values() if each.is_narrow or each.family in "iu") | {"float32"}
SINGLE = np.dtype(np.float32)
SINGLE_KIND = kind_of(SINGLE.name)


@lru_cache(256)
def native(problem: Contract) -> Any:
    """Return a routine, which is not to go, and its function."""
    found = contraction(problem, host())
    words, addresses = ctypes.c_int64, ctypes.c_void_p
    sheets = 1 + len(problem.results) + len(problem.args)
    factor, seen = [addresses, words, words], [addresses, addresses, words]
    factors = [seen if problem.image is not None and problem.image.turned is turned else factor for turned in (True, False)]
    function = HOST.launch(found.address, [*factors[0], *factors[1], *[words] * 4, *[addresses, words] * sheets])
    return found, function


class Seen(NamedTuple):
    """A factor that is read from an image: its shape, the image, and the table of `images`."""

    shape: tuple[int, int]
    image: np.ndarray
    table: list[int]


def seen(
    image: np.ndarray,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    places: Sequence[int] | None = None,
) -> Seen:
    """Return what a kernel of these sizes sees of an image (channels, …), the factor of a convolution.

    `padding` is the number of zeros in front of each axis; it and `dilation` may be negative. `places` says at how many places
    the kernel stands, by default as many as there are with as much padding behind.
    """
    sizes, steps = image.shape[1:], [step // image.itemsize for step in image.strides]
    fields = list(zip(kernel, stride, dilation, padding, sizes))
    places = places or [(size + 2 * pad - far * (side - 1) - 1) // step + 1 for side, step, far, pad, size in fields]
    table = table_of(steps[0], places, kernel, stride, dilation, padding, sizes, steps[1:])
    return Seen((image.shape[0] * math.prod(kernel), math.prod(places)), image, table)


class Stack(NamedTuple):
    """Contractions with images that are made in one call: how many images, of how many groups, and how far these are apart.

    For each factor, out and argument `steps` has two numbers of elements: from image to image, from group to group. Where
    columns run on through images, `runs` says how many an image has, and how far images are apart in each out and argument.
    """

    images: int
    groups: int
    steps: tuple[tuple[int, int], ...]
    runs: tuple[int, ...] = ()


def contract(
    problem: Contract,
    a: np.ndarray | Seen,
    b: np.ndarray | Seen,
    outs: Sequence[np.ndarray],
    args: Sequence[np.ndarray] = (),
    stack: Stack | None = None,
) -> None:
    """Put a contraction of two matrices into `outs`, the sums first if they are wanted; rows of outs and args are dense.

    Of a `stack`, the arrays are those of the first contraction. A turned contraction has rows of outs for columns of sums.
    """
    routine, function = native(problem)
    pool().follow()
    (m, k), n = a.shape, b.shape[1]
    stack = stack or Stack(1, 1, ((0, 0),) * (2 + len(outs) + len(args)))
    parts, moves, runs = [], list(stack.steps), list(stack.runs)
    if problem.epilogue is not None and not problem.epilogue.kept:
        part, step = partial(problem, (m, n), k > routine.deepest, outs[0], stack)
        parts.append(part)
        moves.insert(2, step)
        runs[1:1] = stack.runs[1:2]
    factors: list[int] = []
    for each in (a, b):
        if isinstance(each, np.ndarray):
            factors += lying(each)
            continue
        table = np.array([*each.table, stack.images, stack.groups, *itertools.chain(*moves), *runs], np.int64)
        factors += [each.image.ctypes.data, table.ctypes.data, 0]
    rows = [word for x in (*parts, *outs, *args) for word in (x.ctypes.data, x.strides[0] // x.itemsize)]
    function(*factors, m, n, k, 1, *rows)


def partial(
    problem: Contract, shape: tuple[int, int], deep: bool, out: np.ndarray, stack: Stack
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return memory for parts of sums that nobody wants, and its steps: where the result is to be, if it has their dtype."""
    if out.dtype == problem.sum_kind.dtype and not problem.turned:
        return out, stack.steps[2]
    size = shape if deep else (1, 1)
    found = np.empty((stack.images * stack.groups if deep else 1, *size), problem.sum_kind.dtype)
    apart = math.prod(size) if deep else 0
    return found[0], (stack.groups * apart, apart)


def lying(x: np.ndarray) -> tuple[int, ...]:
    """Return the address and the strides of a matrix, in elements."""
    return x.ctypes.data, *(step // x.itemsize for step in x.strides)


def multiplied(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray | None:
    """Return the product of two matrices, or of stacks of them, plus a row; None where NumPy has to do it."""
    if a.dtype == SINGLE and a.ndim == 2:
        return matrices(a, b, bias)
    name, shape = a.dtype.name, (*a.shape[:-1], b.shape[-1])
    if name not in KNOWN or b.dtype != a.dtype or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        return None
    kind, pairs = kind_of(name), get_bfloat16_products() == "native"
    if multiplied_by(Product(shape[-2], shape[-1], a.shape[-1], kind)) != BLOCKS or not all(map(regular, (a, b))):
        return None
    if bias is not None and not (bias.shape == shape[-1:] and bias.dtype == a.dtype and bias.flags.carray):
        return None
    epilogue = converted(kind.computed, kind, bias is not None) if kind.is_narrow or bias is not None else None
    problem = Contract(name, name, by_columns(a), pairs, epilogue)
    args = () if bias is None else (np.broadcast_to(bias, (shape[-2], shape[-1])),)
    out = np.empty(shape, a.dtype)
    for place in np.ndindex(shape[:-2]):
        contract(problem, a[place], b[place], [out[place]], args)
    return out


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Put the product of two matrices into `out`, the rows of which are dense: large ones by the threads of the pool."""
    if a.shape[0] * b.size < LEAST_THREADED:
        np.matmul(a, b, out=out)
    else:
        contract(Contract(a.dtype.name, b.dtype.name, by_columns(a)), a, b, [out])


def matrices(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray | None:
    """Return what `multiplied` gives of two matrices in single precision, by few steps: a product takes 40 µs and more."""
    if b.dtype != a.dtype:
        return None
    found = called(a.shape, a.strides, b.shape, b.strides, bias is not None)
    if found is None:
        return None
    function, table = found
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    if bias is None:
        return out if function([a, b, out], table) else None
    if bias.shape != out.shape[1:] or bias.dtype != a.dtype or not bias.flags.c_contiguous:
        return None
    return out if function([a, b, out, bias], table) else None


Lying = tuple[int, ...]


@lru_cache(1024)
def called(a: Lying, a_steps: Lying, b: Lying, b_steps: Lying, bias: bool) -> tuple[Native, np.ndarray] | None:
    """Return what multiplies two matrices of these shapes and strides, and its table; None where NumPy has to do it."""
    (m, k), n, (row, column) = a, b[-1], a_steps
    steps = [*a_steps, *b_steps]
    if b[0] != k or min(m, n, k) < SHORTEST or any(step % SINGLE.itemsize for step in steps):
        return None
    function = single(row == SINGLE.itemsize != column, bias)
    return function, function.table(WORTH_THREADS, *[step // SINGLE.itemsize for step in steps], m, n, k)


@lru_cache(4)
def single(by_columns: bool, bias: bool) -> Native:
    """Return the function of products in single precision, plus a row: of two matrices, the result, a row, and a table."""
    epilogue = converted(SINGLE_KIND, SINGLE_KIND, True) if bias else None
    routine = native(Contract(SINGLE.name, SINGLE.name, by_columns, epilogue=epilogue))[0]
    e = Emitter()
    with entered(e, "multiplied", 3 + bias) as ((a, b, out, *row), table):
        *steps, m, n, k = (e.load(table, int64, place) for place in range(7))
        # parts of sums lie where the result is to be
        sheets = [*(out, n) * (1 + bias), *(each for address in row for each in (address, e.index(0)))]
        e.call("routine", None, a, *steps[:2], b, *steps[2:], m, n, k, e.index(1), *sheets)
    return Native(e, "multiplied", routine, routine=routine.address)


def regular(x: np.ndarray) -> bool:
    """Return whether an array's numbers lie where they may be read one by one."""
    return x.flags.aligned and all(step % x.itemsize == 0 for step in x.strides)


def by_columns(x: np.ndarray) -> bool:
    """Return whether what is side by side in memory is a column."""
    rows, columns = x.strides[-2:]
    return rows == x.itemsize != columns
