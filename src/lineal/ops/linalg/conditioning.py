"""How many digits the factors leave, and who is told: estimates of condition, and the warning that names what was met."""

from __future__ import annotations

import functools
import math
import sys
import warnings
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.base.errors import IllConditionedWarning, LinAlgError
from lineal.base.platforms import FOREIGN, HOST, moved
from lineal.core.modes import Setting, quiet, recorder
from lineal.core.sites import describe, site
from lineal.ops.linalg import kernels
from lineal.ops.linalg.kernels import frobenius
from lineal.ops.linalg.matrices import real_dtype

__all__ = ["set_conditioning"]

scipy: Any = later.module("scipy")


FEW = 10
"""A result is reported from a reciprocal condition number of ε times this on: less than one digit is left."""


class Advice(NamedTuple):
    """What to try with a matrix of few digits, and with a result out of range, and how few digits, as a multiple of ε."""

    instead: str = "linalg.lstsq or linalg.pinv (the shortest solution)"
    rescue: str = "scale A or B by a power of 2"
    few: int = FEW


DOUBT = {"d": 1000, "f": 100}
"""Results of reciprocal condition numbers below ε times this are refined before anybody sees them.

In single precision, where more would mean every matrix of some size, fewer than two digits are left there.
"""

SHORT = 24
"""Up to how many numbers Python looks at faster than NumPy (measured)."""

mode: ContextVar[str] = ContextVar("conditioning", default="warn")


class set_conditioning(Setting):  # noqa: N801
    """Say what ill-conditioned input leads to: "warn", "error" or "off"; from here on, or within the block of a `with`.

    "warn" gives one IllConditionedWarning per line of the caller's code, "error" raises LinAlgError, and "off" saves the
    estimates of condition, O(n²) beside factors of O(n³).
    """

    def __init__(self, to: str):
        if to not in ("warn", "error", "off"):
            raise ValueError(f'set_conditioning: expected "warn", "error" or "off", got {to!r}')
        to = sys.intern(to)  # programs compare settings by identity
        super().__init__((mode, to))
        self.outer = mode.get()
        mode.set(to)

    def __enter__(self):
        self.before.append([(mode, self.outer)])
        mode.set(self.values[0][1])

    def __call__(self, function: Any) -> Any:
        mode.set(self.outer)
        return super().__call__(function)


def watched() -> bool:
    """Return whether anybody wants to know how well conditioned a matrix is."""
    listener = recorder.get()
    if listener is not None:
        listener.heeds(mode)
    return mode.get() != "off"


class Range(NamedTuple):
    """What a dtype can tell apart and hold."""

    eps: float
    tiny: float
    least: float
    """Below it, numbers ε times smaller have no full precision any more."""


@functools.lru_cache(8)
def range_of(dtype: np.dtype) -> Range:
    """Return the limits of a dtype, as Python's numbers."""
    limits = np.finfo(dtype)
    return Range(float(limits.eps), float(limits.tiny), float(limits.tiny) / float(limits.eps))


@functools.lru_cache(128)
def lapack(name: str, dtype: np.dtype) -> Any:
    """Return LAPACK's routine `name` for a dtype."""
    return scipy.linalg.lapack.get_lapack_funcs(name, dtype=dtype)


def hosted(*arrays: Any) -> tuple:
    """Return arrays, those of other devices copied: conditions are judged by the host."""
    return arrays if not FOREIGN else tuple([None if each is None else moved(each, HOST) for each in arrays])


def norm1(A: np.ndarray) -> np.ndarray:
    """Return the largest column sums of absolute values."""
    if FOREIGN:
        A = moved(A, HOST)
    if A.ndim == 2 and A.size:
        flipped = A.flags.c_contiguous  # LAPACK reads columns: the 1-norm of A is the ∞-norm of what it sees
        return np.asarray(lapack("lange", A.dtype)("I", A.T) if flipped else lapack("lange", A.dtype)("1", A))
    return kernels.norm1(A)


def rcond_of_lu(LU: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Return estimates of 1 / (|A|₁ |A⁻¹|₁) from LU factors and the norms |A|₁.   Hager (1984), as LAPACK's gecon."""
    inverse = kernels.inverse_norm1(LU)
    if inverse is not None:
        with quiet():
            return rcond_of_norms(norms, inverse)
    return _each(lapack("gecon", LU.dtype), LU, norms)


def rcond_of_norms(norms: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Return reciprocal condition numbers; 0 where |A⁻¹| is infinite, or NaN, as a pivot of 0 makes it, though A is finite."""
    found = 1 / (norms * inverse)
    return np.where(np.isnan(found) & np.isfinite(norms), 0, found)


def rcond_of_cholesky(L: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Return estimates of 1 / (|A|₁ |A⁻¹|₁) from lower Cholesky factors and the norms |A|₁."""
    routine = lapack("pocon", L.dtype)
    # LAPACK reads columns: a row-major L is Lᵀ, the upper factor of the conjugate of A
    return _each(lambda matrix, norm: routine(matrix.T, norm, uplo="U"), L, norms)


def _each(routine: Any, factors: np.ndarray, norms: np.ndarray) -> np.ndarray:
    if FOREIGN:
        factors = moved(factors, HOST)
    if not factors.shape[-1]:
        return np.ones(norms.shape)
    if factors.ndim == 2:
        return np.asarray(routine(factors, norms)[0] if math.isfinite(norms) else math.nan)
    every = zip(factors.reshape(-1, *factors.shape[-2:]), norms.ravel().tolist())
    found = [routine(each, norm)[0] if math.isfinite(norm) else math.nan for each, norm in every]
    return np.array(found, real_dtype(factors)).reshape(norms.shape)


def surely_sound(L: np.ndarray) -> np.ndarray:
    """Return, per lower Cholesky factor, whether bounds show that there is nothing to report of A = L Lᴴ.

    |A|₁ ≤ |L|₁ |L|∞, and so for the inverses. False where nothing is known without looking at each matrix.
    """
    inverse = kernels.triangular_inverse(L)
    if inverse is None:
        return np.zeros(L.shape[:-2], bool)
    norms, sizes = (kernels.norm1(T) * kernels.norm1(T.mT) for T in (L, inverse))
    return sound(L, 1 / (norms * sizes), None, None, norms)


def judge_cholesky(name: str, L: np.ndarray, X: np.ndarray, B: np.ndarray) -> None:
    """Report A = L Lᴴ and X = A⁻¹ B as `judge` does, looking only at factors that may be bad."""
    L, X, B = hosted(L, X, B)
    T = np.tril(L)
    good = surely_sound(T)
    if T.ndim == 2 or not good.any():
        norms = norm_of_product(T)
        judge(name, T, rcond_of_cholesky(T, norms), X, B, norms)
        return
    rcond, norms = np.ones((2, *good.shape), real_dtype(T))
    norms[~good] = norm_of_product(T[~good])
    rcond[~good] = rcond_of_cholesky(T[~good], norms[~good])
    judge(name, T, rcond, X, B, norms)


def judge_inverse(name: str, L: np.ndarray, X: np.ndarray, B: np.ndarray) -> None:
    """Report A = L Lᴴ and X = A⁻¹ as `judge` does."""
    L, X, B = hosted(L, X, B)
    T = np.tril(L)
    norms = norm_of_product(T)
    judge(name, T, rcond_of_norms(norms, norm1(X)), X, B, norms)


def norm_of_product(L: np.ndarray) -> np.ndarray:
    """Return the sum of the column of L Lᴴ that has the largest diagonal element: |L Lᴴ|₁ within a factor n, in O(n²)."""
    if not L.size:
        return np.zeros(L.shape[:-2], real_dtype(L))
    squares = np.einsum("...ij,...ij->...i", L, L.conj()).real
    if L.ndim == 2:
        return np.abs(L @ L[squares.argmax()].conj()).sum()
    row = np.take_along_axis(L, squares.argmax(-1)[..., None, None], -2)
    return np.abs(np.matmul(L, np.swapaxes(row, -1, -2).conj())).sum((-1, -2))


@functools.lru_cache(64)
def probes(n: int, dtype: np.dtype, count: int = 2) -> np.ndarray:
    """Return k orthonormal right-hand sides V, the same every time, whose solutions measure |A⁻¹|.

    √n/√k |A⁻¹ V| falls short of |A⁻¹|_F by a factor w for few matrices, of the order of w⁻ᵏ.   Kenney and Laub (1994),
    SIAM J. Sci. Comput. 15.
    """
    V = np.random.default_rng(n).normal(size=(n, min(n, count)))
    return np.linalg.qr(V)[0].astype(dtype) if n else V.astype(dtype)


def rcond_of_probes(norms: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return estimates of the reciprocal condition number from W = A⁻¹ V, V the probes."""
    n, k = W.shape[-2:]
    if not n:
        return np.ones(norms.shape)
    return 1 / (norms * frobenius(W) * math.sqrt(n / k))


def judge(
    name: str,
    A: np.ndarray,
    rcond: Any,
    X: np.ndarray | None = None,
    B: np.ndarray | None = None,
    norms: np.ndarray | None = None,
    ways: Advice = Advice(),  # noqa: B008 - a constant
) -> None:
    """Report matrices with less than a digit left, and solutions that over- or underflowed or met NaN.

    `rcond` and `norms`, |A|₁, are one per matrix; X and B are the solutions and right-hand sides; `ways` what to try.
    """
    if not A.shape[-1]:
        return
    A, X, B = hosted(A, X, B)
    norms = norm1(A) if norms is None else norms
    good = sound(A, rcond, X, B, norms, ways.few)
    if not np.all(good):
        with quiet():
            report(name, A, B, np.broadcast_to(rcond, A.shape[:-2]), ~np.asarray(good, bool), ways)


def sound(A: np.ndarray, rcond: Any, X: np.ndarray | None, B: np.ndarray | None, norms: Any, few: int = FEW) -> Any:
    """Return, per matrix, whether there is nothing to report."""
    limits = range_of(A.dtype)
    # comparisons with NaN are false, so what is not surely good is looked at again
    if A.ndim == 2:
        r, norm = float(rcond), float(norms)
        good: Any = few * limits.eps <= r and limits.least <= norm * r and norm < math.inf
    else:
        with quiet():
            good = (rcond >= few * limits.eps) & (norms * rcond >= limits.least) & (norms < math.inf)
    if X is not None and X.size:
        good = good & contained(X, B, limits)
    return good


@functools.lru_cache(8)
def doubt(dtype: np.dtype) -> float:
    """Return the reciprocal condition number below which so few digits are left that results are refined."""
    return DOUBT[dtype.char.lower()] * range_of(dtype).eps


def doubtful(rcond: Any, dtype: np.dtype) -> bool:
    """Return whether a matrix leaves so few digits that the solution is to be refined."""
    return rcond < doubt(dtype) if rcond.__class__ is float else bool(np.any(np.asarray(rcond) < doubt(dtype)))


def contained(X: np.ndarray, B: np.ndarray | None, limits: Range) -> Any:
    """Return, per matrix, whether every solution lies in the range of full precision, or is 0 as its right-hand side is."""
    if X.size <= SHORT:
        # NumPy's reductions take longer to begin
        if all(limits.tiny <= abs(x) < math.inf for x in X.ravel().tolist()):
            return True
    sizes = np.abs(X)
    if limits.tiny <= sizes.min() and sizes.max() < math.inf:
        return True
    top = sizes.max(-2)
    fits = (top >= limits.tiny) & (top < math.inf)
    if B is not None:
        fits |= (top == 0) & ~np.any(B, axis=-2)
    return fits.all(-1)


def report(name: str, A: np.ndarray, B: np.ndarray | None, rcond: np.ndarray, bad: np.ndarray, ways: Advice) -> None:
    """Say what is wrong with the first bad matrix, and which others are bad."""
    places = np.argwhere(bad)
    place = tuple(int(each) for each in places[0])
    which = "A" if not place else f"batch {'entry' if len(places) == 1 else 'entries'} {listed(places)}"
    right = None if B is None else B[place]
    tell(name, f"{name}: {which}: {finding(A[place], right, float(rcond[place]), ways)}")


def listed(places: np.ndarray) -> str:
    """Return the first few places of a batch in words."""
    few = [str(int(each[0])) if len(each) == 1 else str(tuple(int(part) for part in each)) for each in places[:4]]
    return ", ".join(few) + (f" and {len(places) - 4} more" if len(places) > 4 else "")


def finding(A: np.ndarray, B: np.ndarray | None, rcond: float, ways: Advice) -> str:
    """Return what is wrong with one matrix or right-hand side, and what to try."""
    limits = np.finfo(A.dtype)
    for label, x in (("A", A), ("B", B)):
        if x is not None and not np.isfinite(x).all():
            row, column = (int(each) for each in np.argwhere(~np.isfinite(x))[0])
            return f"{label} has {x[row, column]} at ({row}, {column}); the result is not to be trusted"
    norm, least = float(norm1(A)), limits.tiny / limits.eps
    if not rcond >= ways.few * limits.eps and not 0 < norm < least:
        left = digits(rcond, float(limits.eps))
        whole = digits(1.0, float(limits.eps))
        return (
            f"ill-conditioned, rcond = {rcond:.1e}: about {left:.0f} of {whole:.0f} digits are left; "
            f"try {', '.join((*advice(A), ways.instead))}"
        )
    if norm * rcond < least or norm < least:
        return "so small that elimination leaves the range of normal numbers and loses digits; multiply A and B by a power of 2"
    return f"the result leaves the range of {A.dtype} ({limits.tiny:.0e} to {limits.max:.0e}); {ways.rescue}"


def digits(rcond: float, eps: float) -> float:
    """Return how many decimal digits are right in a result with this reciprocal condition number."""
    return max(0.0, math.log10(rcond / eps)) if rcond > 0 else 0.0


def advice(A: np.ndarray) -> list[str]:
    """Return what may help with an ill-conditioned matrix, the likeliest first."""
    ways = []
    rows, columns = np.abs(A).max(-1), np.abs(A).max(-2)
    if min(rows.min(), columns.min()) * 1e3 < max(rows.max(), columns.max()):
        ways.append("equilibration (scale rows and columns to one size)")
    if A.dtype.char in "fF":
        ways.append("float64")
    if A.shape[0] == A.shape[1] and np.array_equal(A, A.conj().T):
        ways.append("a jitter (A + εI)")
    return ways


class Seen:
    """The lines that were warned at, for one set of Python's warning filters: who changes the filters hears again."""

    filters: Any = None
    keys: set = set()
    count = 0
    """How often there was something to say, said or not."""


def tell(name: str, text: str) -> None:
    """Warn, once per line of the user's code, or raise LinAlgError, as `set_conditioning` says."""
    if mode.get() == "error":
        raise LinAlgError(text)
    Seen.count += 1
    place = site()
    if Seen.filters is not warnings.filters:
        Seen.filters, Seen.keys = warnings.filters, set()
    if (place, name) in Seen.keys:
        return
    filename, line = describe(place).split(": ")[0].rsplit(":", 1)
    warnings.warn_explicit(text, IllConditionedWarning, filename, int(line))
    Seen.keys.add((place, name))
