"""Determinants from the pivots of elimination."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__: list[str] = []


def product_of_pivots(LU: np.ndarray, pivots: Any) -> np.ndarray:
    """Return det A from A's factors."""
    d = np.diagonal(LU, axis1=-2, axis2=-1)
    odd = (pivots != np.arange(1, d.shape[-1] + 1)).sum(-1) % 2
    sign = np.where(odd, -1, 1).astype(LU.dtype)
    y, limits = sign * d.prod(-1), np.finfo(LU.dtype)
    size = np.abs(y)
    inside = (size >= limits.tiny / limits.eps) & (size < np.inf)
    return np.asarray(y) if inside.all() else scaled_product(sign, d)


TOGETHER = 32
"""How many numbers of size 1/2 to √2 are multiplied before the power of two is taken out again: in the range of float32."""


def scaled_product(y: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return y Π d, the exponents apart, so that only the product itself can leave the range."""
    factors, total = np.concatenate((y[..., None], d), -1), np.zeros(y.shape, np.int32)
    while factors.shape[-1] > 1:
        factors, exponents = normalised(factors)
        total = total + exponents.sum(-1, dtype=np.int32)
        batch, ones = factors.shape[:-1], np.ones((*factors.shape[:-1], -factors.shape[-1] % TOGETHER), factors.dtype)
        factors = np.concatenate((factors, ones), -1).reshape(*batch, -1, TOGETHER).prod(-1)
    return times_power(factors[..., 0], total)


def normalised(x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of size 1/2 to 1 and the powers of two that were taken out."""
    exponent = np.frexp(np.maximum(np.abs(x.real), np.abs(x.imag)))[1]
    return times_power(x, -exponent), exponent


def times_power(x: Any, exponent: np.ndarray) -> np.ndarray:
    """Return x · 2^exponent, rounded once."""
    if x.dtype.kind == "c":
        y: Any = np.empty(x.shape, x.dtype)
        y.real, y.imag = np.ldexp(x.real, exponent), np.ldexp(x.imag, exponent)
        return y
    return np.asarray(np.ldexp(x, exponent))
