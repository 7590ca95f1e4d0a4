"""Who computes: around every border eager code and programs have one kernel, with the same bits, or the table says why not."""

import itertools

import numpy as np
import pytest

import lineal
from lineal.base.config import LARGE_PRODUCT
from lineal.codegen.choice import (
    ACROSS,
    BLAS,
    BLOCKS,
    BORDERS,
    HOST,
    LAPACK,
    LARGEST,
    LARGEST_JACOBI,
    LARGEST_PADDED,
    LARGEST_WITHIN,
    LEAST_BATCH,
    LEAST_NARROW,
    LEAST_ROWS,
    LEAST_WHOLE,
    LEAST_WITHIN,
    MKL,
    MOST_WRITTEN,
    PADDED,
    PROGRAMS,
    SHORTEST,
    WITHIN,
    WRITTEN,
    Problem,
    Product,
    choose,
    large_by,
    multiplied_by,
    planned,
)
from lineal.codegen.kinds import kind_of
from lineal.core import apply, lift
from lineal.ops.linalg.cholesky import Cholesky
from lineal.ops.linalg.eigh import Eigh
from lineal.ops.linalg.lu import LUFactor
from lineal.ops.linalg.systems import Inverse, Solve
from lineal.ops.linalg.triangular import SolveTriangular

LANES = 8
SIZES = sorted({1} | {side + more for side in (LARGEST_PADDED, LARGEST_JACOBI, LARGEST, LEAST_ROWS) for more in (-1, 0, 1)})
BATCHES = ((), (1,), (LANES - 1,), (LANES,), (LEAST_BATCH - 1,), (LEAST_BATCH,), (0,))
DTYPES = [np.dtype(name) for name in ("float32", "float64")]


def problems(lanes=0):
    """Yield problems of square matrices around every border."""
    for op, n, batch, dtype in itertools.product(BORDERS, SIZES, BATCHES, DTYPES):
        yield Problem(op, ((*batch, n, n),) * 4, (dtype,) * 4, lanes)


def test_a_program_has_eager_codes_kernel_or_says_why_not():
    for problem in problems(LANES):
        if 0 not in problem.shapes[0]:
            found, eager = choose(problem), choose(problem._replace(lanes=0))
            shared = (ACROSS,) if BORDERS[problem.op].pivots else (ACROSS, PROGRAMS)
            same = found.kernel == HOST or found.kernel == eager.kernel in shared
            assert same == (not found.apart) and not eager.apart, problem


def test_borders():
    float64 = DTYPES[1]
    kernel = lambda op, shape, lanes=0: choose(Problem(op, (shape,), (float64,), lanes)).kernel
    assert kernel("inverse", (LEAST_BATCH, LARGEST, LARGEST)) == ACROSS
    assert kernel("inverse", (LEAST_BATCH - 1, 3, 3)) == kernel("inverse", (LEAST_WITHIN - 1, 33, 33)) == LAPACK
    assert (
        kernel("inverse", (LEAST_WITHIN, 33, 33)) == kernel("inverse", (LEAST_WITHIN, LARGEST_WITHIN, LARGEST_WITHIN)) == WITHIN
    )
    assert kernel("inverse", (LEAST_ROWS, LEAST_ROWS)) == kernel("inverse", (2, LEAST_ROWS, LEAST_ROWS)) == PROGRAMS
    assert kernel("inverse", (16, 16), LANES) == PADDED and kernel("inverse", (17, 17), LANES) == LAPACK
    assert kernel("inverse", (LANES, LARGEST, LARGEST), LANES) == ACROSS
    assert kernel("eigh", (LEAST_BATCH - 1, 3, 3), LANES) == HOST and kernel("eigh", (LEAST_BATCH, 3, 3), LANES) == ACROSS
    assert kernel("qr", (LEAST_BATCH, 200, 4)) == ACROSS and kernel("qr", (LEAST_BATCH, 200, 4), LANES) == HOST


def test_borders_of_products():
    kernel = lambda m, n, k, name, **known: multiplied_by(Product(m, n, k, kind_of(name), **known))
    assert kernel(1, LEAST_WHOLE, 1, "int64") == kernel(1, LEAST_NARROW, 1, "bfloat16") == BLOCKS
    assert {kernel(1, LEAST_WHOLE - 1, 1, "int8"), kernel(1, LEAST_WHOLE, 1, "float16"), kernel(999, 999, 999, "float64")} == {
        BLAS
    }
    assert kernel(SHORTEST, SHORTEST, LARGE_PRODUCT // SHORTEST**2, "float32") == BLOCKS
    assert kernel(SHORTEST, SHORTEST, 1000, "float32") == kernel(SHORTEST - 1, LARGE_PRODUCT, SHORTEST, "float32") == BLAS
    program = lambda *sizes, **known: kernel(*sizes, "float64", program=True, **known)
    assert program(MOST_WRITTEN, 1, 1) == program(64, 64, 64) == WRITTEN
    assert program(SHORTEST, SHORTEST, MOST_WRITTEN) == program(SHORTEST, SHORTEST, 1000, by_rows=False) == BLOCKS
    assert program(SHORTEST - 1, MOST_WRITTEN, SHORTEST) == program(1, 1000, 1000, by_rows=False) == BLAS
    assert program(SHORTEST, SHORTEST, SHORTEST, general=True, spread=True) == BLOCKS
    assert large_by("own", "skylake") == large_by("auto", "znver4") == PROGRAMS
    assert large_by("auto", "skylake") == large_by("mkl", "znver4") == MKL


def test_arrays_of_other_kinds_or_batches_are_left_to_lapack():
    A, B = np.zeros((LEAST_BATCH, 3, 3)), np.zeros((LEAST_BATCH, 3, 1))
    assert planned("solve", A, B) == ACROSS
    others = [B.astype(np.float32), B[:1], B[:, :, :0], B.reshape(2, -1, 3, 1)]
    assert {planned("solve", A, each) for each in others} == {LAPACK}
    assert planned("inverse", A.astype(complex)) == planned("eigh", A[0]) == planned("inverse", A[:0]) == LAPACK
    assert planned("inverse", A[0]) == planned("solve", A[0], B[0]) == WITHIN


OPS = {
    "solve": (Solve(), lambda A, b: (A, b)),
    "inverse": (Inverse(), lambda A, b: (A,)),
    "cholesky": (Cholesky(False), lambda A, b: (A @ A.mT,)),
    "factor": (LUFactor(), lambda A, b: (A,)),
    "solve_triangular": (SolveTriangular(True, False), lambda A, b: (np.triu(A), b)),
    "eigh": (Eigh("L"), lambda A, b: (A + A.mT,)),
}


@pytest.mark.parametrize("shape", [(LEAST_BATCH, 4, 4), (LEAST_ROWS, LEAST_ROWS)], ids=["across", "programs"])
@pytest.mark.parametrize("op", OPS)
def test_one_kernel_has_the_same_bits(op, shape):
    given, arrays_of = OPS[op]
    random = np.random.default_rng(3)
    arrays = arrays_of(random.standard_normal(shape) + 5 * np.eye(shape[-1]), random.standard_normal((*shape[:-1], 2)))
    found = choose(Problem(op, tuple(x.shape for x in arrays), tuple(x.dtype for x in arrays), LANES))
    assert not found.apart
    run = lineal.compile(lambda *xs: apply(given, *xs))
    for _ in range(3):
        found = run(*[lift(x.copy()) for x in arrays])
    expected = apply(given, *[lift(x.copy()) for x in arrays])
    for y, z in zip(*[each if isinstance(each, tuple) else (each,) for each in (found, expected)]):
        np.testing.assert_array_equal(y.value, z.value)
