"""The ops of compressed matrices: products, and products sampled at the entries, each of which differentiates the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import later
from lineal.core import Op, apply
from lineal.sparse.compressed import Pattern

__all__ = ["Product", "SampledProduct", "VectorProduct"]

rows: Any = later.module("lineal.codegen.sparse.products")
columns: Any = later.module("lineal.codegen.sparse.turned")
samples: Any = later.module("lineal.codegen.sparse.sampled")

NATIVE = "its kernels are native code for NumPy's arrays"
EAGER = "sparse tensors are eager: their patterns are read in Python"


def interleaved(x: Any) -> Any:
    """Return a complex matrix as a real one, whose columns are real and imaginary parts by turns."""
    return x.view(x.real.dtype)


class Product(Op):
    """Y = A X, or Aᵀ X if `turned`, of entries a at a pattern and a matrix X; ā = Ȳ Xᴴ at the entries, X̄ = Aᴴ Ȳ."""

    pattern: Pattern
    along: int
    turned: bool
    key = "SparseProduct"
    grad_name = "MmBackward0"
    keeps = ("1", "0")
    wide = True
    host_only = NATIVE
    no_batch = no_lowering = EAGER

    def eager(self, xp, entries, x):
        x = np.ascontiguousarray(x)
        if x.dtype.kind != "c":
            return self.product(np.ascontiguousarray(entries), x)
        parts = interleaved(x)
        real, imaginary = (self.product(np.ascontiguousarray(each), parts) for each in (entries.real, entries.imag))
        return real.view(x.dtype) + 1j * imaginary.view(x.dtype)

    def product(self, entries: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return the product of real numbers."""
        pointers, indices = (np.ascontiguousarray(each.value) for each in self.pattern[:2])
        if not self.turned:
            return rows.row_product(entries, pointers, indices, x)
        if "pieces" not in self.pattern.known:
            self.pattern.known["pieces"] = columns.pieces_of(pointers, indices, self.along)
        return columns.turned_product(entries, pointers, indices, x, self.along, self.pattern.known["pieces"])

    def vjp(self, needs, g, y, entries, x):
        lines, others = (x.conj(), g) if self.turned and needs[0] else (g, x.conj() if needs[0] else x)
        return (
            apply(SampledProduct(self.pattern, self.along), lines, others) if needs[0] else None,
            apply(Product(self.pattern, self.along, not self.turned), entries.conj(), g) if needs[1] else None,
        )


class VectorProduct(Product):
    """y = A x, or Aᵀ x if `turned`, of entries a at a pattern and a vector x; the derivatives are `Product`'s."""

    key = "SparseVectorProduct"
    grad_name = "MvBackward0"

    def eager(self, xp, entries, x):
        return super().eager(xp, entries, x.reshape(-1, 1)).reshape(-1)

    def vjp(self, needs, g, y, entries, x):
        column = x.reshape(-1, 1) if needs[0] else x
        found, turned = super().vjp(needs, g.reshape(-1, 1), y, entries, column)
        return found, None if turned is None else turned.reshape(-1)


class SampledProduct(Op):
    """y[k] = Σⱼ a[line of k, j] b[index of k, j] at the entries of a pattern; ā = Ȳ b*, b̄ = Ȳᵀ a*, Ȳ with the entries ȳ."""

    pattern: Pattern
    along: int
    grad_name = "SparseSampledAddmmBackward0"
    keeps = ("1", "0")
    wide = True
    host_only = NATIVE
    no_batch = no_lowering = EAGER

    def eager(self, xp, a, b):
        a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
        pointers, indices = (np.ascontiguousarray(each.value) for each in self.pattern[:2])
        if a.dtype.kind != "c":
            return samples.sampled_product(a, b, pointers, indices)
        y = np.empty(indices.size, a.dtype)
        y.real = samples.sampled_product(interleaved(a), interleaved(b.conj()), pointers, indices)
        y.imag = samples.sampled_product(interleaved(a), interleaved(1j * b.conj()), pointers, indices)
        return y

    def vjp(self, needs, g, y, a, b):
        return (
            apply(Product(self.pattern, self.along, False), g, b.conj()) if needs[0] else None,
            apply(Product(self.pattern, self.along, True), g, a.conj()) if needs[1] else None,
        )
