"""Which kernel computes a problem of linear algebra: one table, read by eager code and by the rules of compiled programs.

How matrices lie in memory decides nothing: a kernel does the same arithmetic in the same order for rows and for columns. (Only
a program's small product is written out if its right factor lies by rows, or is small enough to be copied.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lineal.base.config import LARGE_PRODUCT
from lineal.codegen.kinds import Kind

__all__ = [
    "ACROSS",
    "APIECE",
    "BLAS",
    "BLOCKS",
    "HOST",
    "LAPACK",
    "MKL",
    "PADDED",
    "PRODUCTS",
    "PROGRAMS",
    "STEPS",
    "WITHIN",
    "WRITTEN",
    "Choice",
    "Problem",
    "Product",
    "choose",
    "large_by",
    "multiplied_by",
    "planned",
]

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))

# matrices of more rows or columns go to LAPACK
LARGEST = 32
# but what takes columns one by one also takes long ones, as long as a group of matrices stays in the second cache (measured)
LONGEST, MOST_NUMBERS = 1024, 4096
# and to LAPACK's tridiagonal and bidiagonal methods from here on, which Jacobi's sweeps no longer beat (measured)
LARGEST_JACOBI = 24
# matrices of up to so many rows are done one by one to a thread, in vectors of rows, from so many of them and of numbers on
LARGEST_WITHIN, LEAST_WITHIN, LEAST_NUMBERS = 128, 4, 2048
# and single ones of so few: NumPy's way to LAPACK takes longer than elimination
LARGEST_ALONE = 16
# NumPy does a smaller batch in the time that calling a kernel takes (measured)
LEAST_BATCH = 128
# products are cheap, so only larger batches of still smaller matrices gain, or outer products and narrow factors (measured)
LEAST_PRODUCTS = 512
SQUARE, NARROW_FACTOR, NARROW_LENGTH = {4: 8, 8: 7}, 2, 16
# above this size, NumPy's sums over a matrix's elements are as fast as a kernel's
LARGEST_NORM = 12
# in a program a call costs nothing: a few matrices are padded to a vector of them, up to this size
LARGEST_PADDED = 16
# up to how many rows NumPy's steps of elimination and substitution over a batch beat LAPACK's calls, and from how many
# matrices a row on (measured)
NARROW, WIDE_SUBSTITUTION, WIDE_ELIMINATION = 8, 8, 50
# from how many rows on the programs for large matrices are faster than NumPy's LAPACK, and an estimate of |A⁻¹| from many calls
# faster than LAPACK's one call on a copy (measured)
LEAST_ROWS, LEAST_ESTIMATE = 96, 256
# and up to how many rows and columns LAPACK's whole numbers of 32 bits count the workspaces of eigenvalues and singular values
MOST_ROWS = 1 << 14

# from how many multiplications of whole numbers, or half precisions, on a routine is faster than NumPy's loop, or than float32
# copies and BLAS (measured, 2026-11-30)
LEAST_WHOLE, LEAST_NARROW = 1 << 15, 1 << 18
# up to how many multiplications a program's product is written out, if a copy of its right factor takes no more bytes; and how
# long every side is at least to be done in blocks, BLAS does the others
MOST_WRITTEN, MOST_COPIED, SHORTEST = 1 << 20, 1 << 16, 8
# how LLVM's names of processors begin on which the programs for large matrices are faster than MKL
FASTER_THAN_MKL = ("znver",)

ACROSS = "a kernel across the batch"
WITHIN = "a kernel matrix by matrix, on all threads"
PADDED = "a kernel across the batch, padded to a vector of matrices"
PROGRAMS = "programs for large matrices"
STEPS = "NumPy's steps for the whole batch"
LAPACK = "LAPACK and BLAS, matrix by matrix"
APIECE = "LAPACK and steps of our own, matrix by matrix, in the precision of what is given"
HOST = "eager code's kernel, as a host step"
PRODUCTS = "the program's own products"
WRITTEN = "code of its own"
BLOCKS = "the routine of contractions"
BLAS = "BLAS, or NumPy's loop where it has none"
MKL = "MKL"

FEW = "of few matrices: from Python, calling the kernel takes as long as NumPy takes for all of them"
BUILDS = "NumPy and SciPy, whose routines programs call by address, are built with a LAPACK each"
FUSED = "programs fuse products with what is done to the sums, in loops or tile by tile"
PIVOTS = "programs make it of the pivots in loops, eager code by NumPy"
APIECE = "programs have no kernel matrix by matrix: they take LAPACK or the programs for large matrices"
PARTS = "programs have the kernel for short columns only, and else make what it gives of products and substitutions"


class Problem(NamedTuple):
    """The name of a kernel, and the shapes and dtypes of the matrices it is given, stacks of them as they lie in arrays.

    `lanes`: of a program, how many matrices a vector takes; 0 is eager code.
    """

    op: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype, ...]
    lanes: int = 0


class Choice(NamedTuple):
    """The kernel that computes a problem; of a program's, why its bits may be others than eager code's, "" if they are not.

    Programs for large matrices have the same bits as long as eager code is not told to use MKL.
    """

    kernel: str
    apart: str = ""


class Borders(NamedTuple):
    """Which problems an op has kernels for.

    Across the batch: matrices of up to `largest` rows and columns, from Python `least` of them and more; with `tall`, of long
    columns too; with `square`, of square ones only. With `alike`, programs wait for as many: vectors of other signs would be a
    surprise. With `host`, programs have no other kernel and leave the rest to eager code; with `never`, all. With `pivots`,
    it is made of the pivots of large matrices.

    With `within`, eager code has a kernel matrix by matrix; with `alone`, for a single one too.

    `steps`: from how many matrices a row on NumPy takes steps for the whole batch; `programs`: from how many rows on there are
    programs for large matrices, `apiece`: from how many on LAPACK is given each in its own precision; 0 is never.
    """

    largest: int = LARGEST
    least: int = LEAST_BATCH
    tall: bool = False
    square: bool = False
    alike: bool = False
    host: bool = False
    never: bool = False
    pivots: bool = False
    within: bool = False
    alone: bool = False
    steps: int = 0
    programs: int = 0
    apiece: int = 0


SMALL = Borders()
JACOBI = Borders(largest=LARGEST_JACOBI, alike=True, host=True, within=True, apiece=LEAST_ROWS)
OF_PIVOTS = Borders(pivots=True, programs=LEAST_ROWS)
BY_ROWS = Borders(within=True, alone=True, programs=LEAST_ROWS)
BY_FACTORS = Borders(largest=0, programs=LEAST_ROWS)
BORDERS = {
    "cholesky": BY_ROWS,
    "cholesky_pull": SMALL,
    "cofactors": Borders(host=True),
    "condition": Borders(least=1, never=True),
    "determinant": OF_PIVOTS._replace(within=True, alone=True),
    "determinant_bounded": Borders(never=True, within=True, alone=True),
    "determinant_probed": Borders(within=True),
    "eig": Borders(largest=0, host=True, apiece=LEAST_ROWS),
    "eigh": JACOBI,
    "factor": Borders(square=True, steps=WIDE_ELIMINATION, programs=LEAST_ROWS),
    "frobenius": Borders(largest=LARGEST_NORM, never=True),
    "inverse": BY_ROWS,
    "inverse_factored": BY_FACTORS,
    "inverse_norm1": Borders(never=True, programs=LEAST_ESTIMATE),
    "inverse_pull": SMALL,
    "lstsq": Borders(tall=True, never=True),
    "lstsq_pull": Borders(tall=True, host=True),
    "matmul": Borders(least=LEAST_PRODUCTS),
    "norm1": Borders(never=True),
    "qr": Borders(tall=True, host=True, within=True, alone=True),
    "qr_complete": Borders(host=True, within=True, alone=True),
    "qr_pull": Borders(tall=True),
    "sign_and_logarithm": OF_PIVOTS,
    "solve": BY_ROWS,
    "solve_factored": BY_FACTORS,
    "solve_probed": Borders(within=True, alone=True),
    "solve_pull": SMALL,
    "solve_triangular": Borders(steps=WIDE_SUBSTITUTION, programs=LEAST_ROWS),
    "svd": JACOBI,
}
"""By the names of the kernels; what is solved or inverted by given factors has none across the batch."""


def planned(op: str, *arrays: np.ndarray) -> str:
    """Return the kernel for arrays in eager code."""
    first, borders = arrays[0], BORDERS[op]
    if first.shape[-1] < LEAST_ROWS:
        # most problems are small, and a look at the table costs as much as NumPy's product of two small matrices
        least = LEAST_WITHIN if borders.within else borders.least
        if first.ndim == 2:
            return WITHIN if borders.alone and is_lone(arrays) else LAPACK
        if not borders.steps and math.prod(first.shape[:-2]) < least:
            return LAPACK
    return choose(Problem(op, tuple([each.shape for each in arrays]), tuple([each.dtype for each in arrays]))).kernel


@lru_cache(4096)
def choose(problem: Problem) -> Choice:
    """Return the kernel for a problem, and why a program has another than eager code."""
    if not problem.lanes:
        return Choice(kernel_of(problem))
    kernel, other = kernel_of(problem), kernel_of(problem._replace(lanes=0))
    return Choice(kernel, difference(problem.op, kernel, other))


def difference(op: str, kernel: str, eager: str) -> str:
    """Return why a program with one kernel may have other bits than eager code with another."""
    if kernel == PRODUCTS:
        return FUSED
    if kernel == PROGRAMS and BORDERS[op].pivots:
        return PIVOTS
    if kernel == HOST or kernel == eager != LAPACK:
        return ""
    return BUILDS if kernel == eager else PARTS if eager == ACROSS else APIECE if eager == WITHIN else FEW


def kernel_of(problem: Problem) -> str:
    """Return which kernel computes a problem."""
    borders, first = BORDERS[problem.op], problem.shapes[0]
    square = first[-1] == first[-2]
    if problem.lanes and (borders.never or problem.op == "matmul"):
        return HOST if borders.never else PRODUCTS
    if square or not borders.square:
        found = across_in_program(problem, borders) if problem.lanes else across_from_python(problem, borders)
        if found:
            return found
    if problem.lanes and borders.host:
        return HOST
    if borders.within and not problem.lanes and is_within(problem, borders):
        return WITHIN
    if square and borders.steps and not problem.lanes and narrow(first, borders.steps):
        return STEPS
    if borders.apiece and borders.apiece <= min(first[-2:]) and max(first[-2:]) <= MOST_ROWS and math.prod(first):
        return APIECE
    large = borders.programs and min(first[-2:]) >= borders.programs and math.prod(first) > 0
    return PROGRAMS if large and problem.dtypes[0] in DTYPES else LAPACK


def across_from_python(problem: Problem, borders: Borders) -> str:
    """Return the kernel across the batch if there is one and there are enough matrices, else ""."""
    first, dtype = problem.shapes[0], problem.dtypes[0]
    if len(first) < 3 or dtype not in DTYPES or math.prod(first[:-2]) < borders.least:
        return ""
    for shape, each in zip(problem.shapes, problem.dtypes):
        m, n = shape[-2:]
        if each != dtype or shape[:-2] != first[:-2] or not (0 < m and 0 < n <= borders.largest):
            return ""
        if m > borders.largest and not (borders.tall and m <= LONGEST and m * n <= MOST_NUMBERS):
            return ""
    return "" if problem.op == "matmul" and not gains(problem) else ACROSS


def is_lone(arrays: Sequence[np.ndarray]) -> bool:
    """Return whether these are single matrices of few rows."""
    dtype = arrays[0].dtype
    if dtype.char not in "fdFD":
        return False
    for each in arrays:
        if each.ndim != 2 or each.dtype != dtype or not 0 < each.size or max(each.shape) > LARGEST_ALONE:
            return False
    return True


def is_within(problem: Problem, borders: Borders) -> bool:
    """Return whether matrices are neither so few or small nor so large that the kernel for one to a thread does not pay."""
    first, dtype = problem.shapes[0], problem.dtypes[0]
    if borders.alone and all(len(each) == 2 and 0 < min(each) and max(each) <= LARGEST_ALONE for each in problem.shapes):
        return dtype.char in "fdFD" and all(each == dtype for each in problem.dtypes)
    if dtype.char not in "fdFD" or len(first) < 3 or not 0 < max(first[-2:]) <= LARGEST_WITHIN:
        return False
    if math.prod(first[:-2]) < LEAST_WITHIN or math.prod(first) < LEAST_NUMBERS:
        return False
    alike = all(shape[:-2] == first[:-2] and 0 not in shape for shape in problem.shapes)
    return alike and all(each == dtype for each in problem.dtypes)


def across_in_program(problem: Problem, borders: Borders) -> str:
    """Return the kernel across the batch for matrices that are not empty, "" if LAPACK had better take them one by one."""
    batch, size = math.prod(problem.shapes[0][:-2]), max(side for each in problem.shapes for side in each[-2:])
    if size > borders.largest or (borders.alike and batch < borders.least):
        return ""
    if batch >= problem.lanes:
        return ACROSS
    return PADDED if size <= LARGEST_PADDED else ""


def gains(problem: Problem) -> bool:
    """Return whether the kernel's products are faster than NumPy's: of small factors, narrow ones, with vectors."""
    (m, n), p = problem.shapes[0][-2:], problem.shapes[1][-1]
    largest = max(m, n, p)
    return largest <= SQUARE[problem.dtypes[0].itemsize] or n == 1 or (min(m, p) <= NARROW_FACTOR and largest <= NARROW_LENGTH)


def narrow(shape: Sequence[int], least: int) -> bool:
    """Return whether these are so many matrices of so few rows that NumPy takes each step for the whole batch."""
    count, n = math.prod(shape[:-2]), shape[-1]
    return len(shape) > 2 and 0 < n <= NARROW and shape[-2] > 0 and count > 0 and count >= least * n


class Product(NamedTuple):
    """Products of m × k by k × n numbers, as many as a stack has, of eager code or of a program.

    `by_rows`: the right factors of a program lie by rows. `general`: it is to serve many sizes; `spread`: with threads.
    `laid`: they lie in panels already.
    """

    m: int
    n: int
    k: int
    kind: Kind
    program: bool = False
    by_rows: bool = True
    general: bool = False
    spread: bool = False
    laid: bool = False

    @property
    def work(self) -> int:
        """How many multiplications each takes."""
        return self.m * self.n * self.k

    @property
    def shortest(self) -> int:
        """How long its shortest side is."""
        return min(self.m, self.n, self.k)


def multiplied_by(product: Product) -> str:
    """Return which kernel computes products: BLOCKS, BLAS or, in a program, WRITTEN."""
    if not product.program:
        return BLOCKS if product.work >= least_work(product) else BLAS
    if product.laid or product.kind.is_narrow:
        return BLOCKS
    if is_written(product):
        return WRITTEN
    return BLOCKS if product.shortest >= (2 if product.general else SHORTEST) else BLAS


def least_work(product: Product) -> float:
    """Return from how many multiplications on eager code takes the routine of contractions."""
    if product.kind.name == "float32":
        return LARGE_PRODUCT if product.shortest >= SHORTEST else math.inf
    return LEAST_NARROW if product.kind.is_narrow else LEAST_WHOLE if product.kind.family in "iu" else math.inf


def is_written(product: Product) -> bool:
    """Return whether a program has code of its own for products."""
    if product.general and product.spread and product.shortest >= SHORTEST:
        return False
    copied = product.k * (product.n + 16) * product.kind.itemsize
    return product.work <= MOST_WRITTEN and (product.by_rows or copied <= MOST_COPIED)


def large_by(setting: str, cpu: str) -> str:
    """Return who computes with large matrices, PROGRAMS or (if it is installed) MKL, by what `set_blas` was told.

    On AMD's Zen 4 the programs take 0.5 to 0.9 of the time of MKL 2026.2 (LU, Cholesky and triangular systems of n = 1000 and
    2000, one thread and two); so there "auto" chooses them.
    """
    return PROGRAMS if setting == "own" or (setting == "auto" and cpu.startswith(FASTER_THAN_MKL)) else MKL
