"""Systems whose matrix is given by its first column and row: Toeplitz and circulant ones."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, Op, apply
from lineal.ops.broadcasting import expand
from lineal.ops.linalg.matrices import place_of, require_field, require_one_dtype
from lineal.ops.structural.joining import cat

__all__ = ["solve_circulant", "solve_toeplitz"]

scipy: Any = later.module("scipy")


class Correlate(Op):
    """yₖ = Σⱼ aⱼ₊ₖ conj(bⱼ) along the last dimension, 0 ≤ k < n, indices modulo n if `circular`;

    ā = Convolve(ȳ, b), b̄ = Correlate(a, ȳ).   The correlation theorem: Oppenheim and Schafer, Discrete-Time Signal Processing.
    """

    circular: bool
    keeps = ("1", "0")
    no_lowering = "host step: Fourier transforms"

    def eager(self, xp, a, b):
        return transformed(xp, a, b, self.circular, lambda p, q: p * q.conj())

    def vjp(self, needs, g, y, a, b):
        by_a = apply(_convolve(self.circular), g, b) if needs[0] else None
        return by_a, apply(self, a, g) if needs[1] else None


class Convolve(Op):
    """yₘ = Σₖ aₖ bₘ₋ₖ along the last dimension, 0 ≤ m < n, indices modulo n if `circular`;

    ā = Correlate(ȳ, b), b̄ = Correlate(ȳ, a).
    """

    circular: bool
    keeps = ("1", "0")
    no_lowering = "host step: Fourier transforms"

    def eager(self, xp, a, b):
        return transformed(xp, a, b, self.circular, lambda p, q: p * q)

    def vjp(self, needs, g, y, a, b):
        correlate = _correlate(self.circular)
        return apply(correlate, g, b) if needs[0] else None, apply(correlate, g, a) if needs[1] else None


_correlate = functools.lru_cache(2)(Correlate)
_convolve = functools.lru_cache(2)(Convolve)


def transformed(xp: Any, a: np.ndarray, b: np.ndarray, circular: bool, combine: Any) -> np.ndarray:
    """Return the first n numbers of what `combine` makes of the Fourier transforms, padded with zeros unless circular."""
    n = a.shape[-1]
    if a.size == 0:
        return xp.zeros(np.broadcast_shapes(a.shape, b.shape), a.dtype)
    size = n if circular else scipy.fft.next_fast_len(2 * n - 1)
    y = xp.fft.ifft(combine(xp.fft.fft(a, size), xp.fft.fft(b, size)))[..., :n]
    return (y if a.dtype.kind == "c" else y.real).astype(a.dtype)


class SolveToeplitz(Op):
    """T X = B with Tᵢⱼ = cᵢ₋ⱼ below and on the diagonal and rⱼ₋ᵢ above, right-hand sides as rows (…, k, n);

    B̄ = T⁻ᴴ X̄, and the sums along the diagonals of T̄ = -B̄ Xᴴ: c̄ₖ = -Σⱼ B̄ⱼ₊ₖ conj(Xⱼ), r̄ₖ = -Σᵢ B̄ᵢ conj(Xᵢ₊ₖ) for k > 0.
    Solved by Levinson's recursion: Golub and Van Loan (2013), Matrix Computations, section 4.7.
    """

    grad_name = "LinalgSolveToeplitzBackward0"
    keeps = ("0 1 y", "0 1 y", "0 1")
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "SciPy"

    def eager(self, xp, c, r, B):
        X = np.empty(B.shape, B.dtype)
        for place in np.ndindex(B.shape[:-2]) if B.size else ():
            try:
                X[place] = levinson(c[place], r[place], B[place].T).T
            except np.linalg.LinAlgError:
                where = place_of(int(np.ravel_multi_index(place, B.shape[:-2])) if place else 0, B.shape[:-2])
                raise LinAlgError(f"linalg.solve_toeplitz: {where}the matrix is singular") from None
        return X

    def vjp(self, needs, g, y, c, r, B):
        back = apply(SolveToeplitz(), with_first(r, c).conj(), c.conj(), g)
        by_c = -apply(_correlate(False), back, y).sum(-2) if needs[0] else None
        by_r = -apply(_correlate(False), y, back).sum(-2).conj() if needs[1] else None
        return by_c, None if by_r is None else with_first(by_r, by_r * 0), back


def with_first(x: Any, other: Any) -> Any:
    """Return vectors whose first element is that of `other`, the rest that of `x`."""
    return cat((other[..., :1], x[..., 1:]), -1)


def levinson(c: np.ndarray, r: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Solve one Toeplitz system; where the recursion meets a singular leading minor, by elimination."""
    try:
        return scipy.linalg.solve_toeplitz((c, r), B, check_finite=False)
    except np.linalg.LinAlgError:
        return np.linalg.solve(scipy.linalg.toeplitz(c, r), B)


class SolveCirculant(Op):
    """C X = B with Cᵢⱼ = c₍ᵢ₋ⱼ mod n₎, right-hand sides as rows (…, k, n): X = F⁻¹(F B / F c) with the Fourier transform F;

    B̄ = C⁻ᴴ X̄, c̄ₖ = -Σⱼ B̄₍ⱼ₊ₖ mod n₎ conj(Xⱼ).   Davis (1979), Circulant Matrices, section 3.2.
    """

    adjoint: bool
    grad_name = "LinalgSolveCirculantBackward0"
    keeps = ("0 y", "0")
    no_lowering = "host step: Fourier transforms"

    def eager(self, xp, c, B):
        if B.size == 0:
            return xp.zeros(B.shape, B.dtype)
        symbol = xp.fft.fft(c)
        small = xp.abs(symbol) <= np.finfo(symbol.real.dtype).eps * xp.abs(symbol).max(-1, keepdims=True)
        if small.any():
            flat = int(xp.argwhere(small.any(-1).ravel())[0, 0])
            raise LinAlgError(f"linalg.solve_circulant: {place_of(flat, c.shape[:-1])}the matrix is singular")
        symbol = symbol.conj() if self.adjoint else symbol
        X = xp.fft.ifft(xp.fft.fft(B) / symbol[..., None, :])
        return (X if B.dtype.kind == "c" else X.real).astype(B.dtype)

    def vjp(self, needs, g, y, c, B):
        back = apply(_circulant(not self.adjoint), c, g)
        if not needs[0]:
            return None, back
        pair = (y, back) if self.adjoint else (back, y)
        return -apply(_correlate(True), *pair).sum(-2), back


_circulant = functools.lru_cache(2)(SolveCirculant)


def rows_of(name: str, n: int, b: Any) -> tuple[Any, bool]:
    """Return right-hand sides (n,) or (…, n, k) as rows (…, k, n), and whether it was one vector."""
    vector = b.value.ndim == 1
    rows = b[None] if vector else b.mT
    if rows.value.shape[-1] != n:
        raise RuntimeError(f"{name}: expected b with {n} rows, got shape {list(b.value.shape)}")
    return rows, vector


def require_vectors(name: str, *xs: Any) -> None:
    """Refuse what are not batches of vectors of one floating or complex dtype."""
    for x in xs:
        if not isinstance(x, AbstractTensor):
            raise TypeError(f"{name}: expected a tensor, got {type(x).__name__}")
        require_field(name, x)
        require_one_dtype(name, xs[0], x)
        if x.value.ndim == 0:
            raise RuntimeError(f"{name}: expected vectors, got a tensor of no dimensions")


def solve_toeplitz(c_or_cr: Any, b: Tensor) -> Tensor:
    """Return x with T x = b for the Toeplitz matrix of first column c and first row r, in O(n²) and without forming it.

    `c_or_cr` is c (…, n), which makes T Hermitian, or (c, r); r's first element is not read. b is (n,) or (…, n, k).
    LinAlgError names the batch entry of a singular T.

    >>> import lineal as torch
    >>> torch.linalg.solve_toeplitz(torch.tensor([2.0, 1.0]), torch.tensor([3.0, 3.0]))
    tensor([1., 1.])
    """
    name = "linalg.solve_toeplitz"
    c, r = c_or_cr if isinstance(c_or_cr, (tuple, list)) else (c_or_cr, None)
    require_vectors(name, c, b)
    r = c.conj() if r is None else r
    require_vectors(name, c, r)
    n = c.value.shape[-1]
    if r.value.shape[-1] != n:
        raise RuntimeError(f"{name}: expected c and r of one length, got {n} and {r.value.shape[-1]}")
    rows, vector = rows_of(name, n, b)
    batch = broadcast_shapes(name, c.value.shape[:-1], r.value.shape[:-1], rows.value.shape[:-2])
    rows = expand(rows, (*batch, *rows.value.shape[-2:]))
    X = apply(SolveToeplitz(), expand(c, (*batch, n)), expand(r, (*batch, n)), rows)
    return X[..., 0, :] if vector else X.mT


def solve_circulant(c: Tensor, b: Tensor) -> Tensor:
    """Return x with C x = b for the circulant matrix of first column c, in O(n log n).

    c is (…, n), b (n,) or (…, n, k). LinAlgError names the batch entry of a singular C.

    >>> import lineal as torch
    >>> torch.linalg.solve_circulant(torch.tensor([2.0, 1.0, 1.0]), torch.tensor([4.0, 4.0, 4.0]))
    tensor([1., 1., 1.])
    """
    name = "linalg.solve_circulant"
    require_vectors(name, c, b)
    n = c.value.shape[-1]
    rows, vector = rows_of(name, n, b)
    batch = broadcast_shapes(name, c.value.shape[:-1], rows.value.shape[:-2])
    X = apply(_circulant(False), expand(c, (*batch, n)), expand(rows, (*batch, *rows.value.shape[-2:])))
    return X[..., 0, :] if vector else X.mT
