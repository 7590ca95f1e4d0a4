"""Additive Schwarz: A restricted to overlapping sets of unknowns, solved there, and what comes put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.core import modes
from lineal.solvers.operators.base import LinearOperator
from lineal.solvers.preconditioners.drops import eliminated
from lineal.solvers.preconditioners.places import canonical
from lineal.sparse.compressed import CompressedTensor
from lineal.sparse.exchange import from_scipy, to_scipy
from lineal.tensors import Tensor, from_numpy

__all__ = ["additive_schwarz"]

graphs: Any = later.module("scipy.sparse.csgraph")


class Overlapping(LinearOperator):
    """Σ Eᵢ Bᵢ Rᵢ: Bᵢ (the parts) acts on the unknowns `reads` of set i, and adds to those of `writes` what stands at `kept`."""

    def __init__(self, parts: Sequence[LinearOperator], reads: Sequence[Tensor], kept: Sequence[Tensor], n: int, into: bool):
        self.parts, self.reads, self.kept, self.into = tuple(parts), tuple(reads), tuple(kept), into
        self.shape, self.dtype = (n, n), parts[0].dtype

    def product(self, x: Tensor) -> Tensor:
        y = ops.zeros_like(x)
        for part, reads, kept in zip(self.parts, self.reads, self.kept):
            given = x.index_select(0, reads)
            weights = kept.reshape(-1, *[1] * (x.ndim - 1))
            y = y.index_add(0, reads, weights * part.product(given) if self.into else part.product(weights * given))
        return y

    def adjoint(self) -> LinearOperator:
        return Overlapping([each.adjoint() for each in self.parts], self.reads, self.kept, self.shape[0], not self.into)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Overlapping(parts, self.reads, self.kept, self.shape[0], self.into)


def additive_schwarz(
    A: Any,
    domains: int | Sequence[Tensor] = 8,
    *,
    overlap: int = 1,
    restricted: bool = False,
    local: Callable[[Tensor], LinearOperator] | None = None,
) -> LinearOperator:
    """Return Σ Rᵢᵀ Aᵢ⁻¹ Rᵢ, Aᵢ = Rᵢ A Rᵢᵀ the part of a sparse A (n × n) between the unknowns of set i.

    `domains` are sets of unknowns (1-D, whole numbers) that have each of the n exactly once, or how many sets to make, of
    unknowns near each other by the reverse Cuthill-McKee order. Each takes its neighbours in, `overlap` times. With
    `restricted`, what is solved counts only on the set as it was given (Cai and Sarkis, SIAM J. Sci. Comput. 21, 1999):
    fewer steps, but not Hermitian, so for GMRES and BiCGStab; without, the sum is Hermitian positive definite where A is.
    `local` makes Bᵢ ≈ Aᵢ⁻¹ of Aᵢ, as `ilu` does; by default SuperLU's factors. LinAlgError if an Aᵢ has none.
    """
    if overlap < 0:
        raise ValueError(f"additive_schwarz: expected an overlap of at least 0, got {overlap}")
    with modes.no_grad():
        matrix = canonical("additive_schwarz", A)
        n, array = matrix.shape[0], to_scipy(matrix)
        graph = abs(array) + abs(array).T
        solved, reads, kept = [], [], []
        for own in sets(matrix, graph, domains):
            wide = own
            for _ in range(overlap):
                wide = np.union1d(wide, graph[wide].indices)
            solved.append((local or eliminated)(from_scipy(array[wide][:, wide])))
            reads.append(from_numpy(wide.astype(np.int64)))
            inside = np.isin(wide, own) if restricted else np.ones(len(wide), bool)
            kept.append(from_numpy(inside).to(matrix.dtype))
        return Overlapping(solved, reads, kept, n, True)


def sets(matrix: CompressedTensor, graph: Any, domains: int | Sequence[Tensor]) -> list[np.ndarray]:
    """Return the sets of unknowns, not empty; ValueError if they do not have each one exactly once."""
    n = matrix.shape[0]
    if isinstance(domains, int):
        if domains < 1:
            raise ValueError(f"additive_schwarz: expected at least 1 domain, got {domains}")
        order = graphs.reverse_cuthill_mckee(graph.tocsr(), symmetric_mode=True)
        return [np.sort(each) for each in np.array_split(order, min(domains, max(n, 1)))]
    found = [np.unique(each.numpy()) for each in domains]
    counts = np.bincount(np.concatenate(found), minlength=n)
    if len(counts) != n or (counts != 1).any() or not all(len(each) for each in found):
        odd = np.flatnonzero(counts != 1)
        said = f"unknown {odd[0]} is in {counts[odd[0]]}" if len(odd) else "one of them is empty"
        raise ValueError(f"additive_schwarz: expected domains that have each of {n} unknowns exactly once, but {said}")
    return found
