"""Aggregates of unknowns, and what the near-nullspace is in them: the tentative prolongation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lineal import ops
from lineal.base import dtypes, later
from lineal.base.limits import finfo
from lineal.sparse.compressed import CompressedTensor, numbers
from lineal.sparse.compression import sparse_csr_tensor
from lineal.sparse.conversion import lines_of
from lineal.tensors import Tensor, from_numpy

__all__ = ["Tentative", "aggregated", "tentative"]

aggregation: Any = later.module("lineal.codegen.sparse.aggregation")
scipy_sparse: Any = later.module("scipy.sparse")


class Tentative(NamedTuple):
    """A prolongation that gives the near-nullspace exactly, before it is smoothed, and what is known of the coarse unknowns."""

    prolongation: CompressedTensor
    nodes: Tensor
    """The node of each coarse unknown: its aggregate."""
    smooth: Tensor
    """The near-nullspace there, a column each."""


def aggregated(A: CompressedTensor, nodes: Tensor, strength: float) -> tuple[Tensor, int]:
    """Return the aggregate of each unknown, and how many there are; those of one node stay together.

    Nodes are neighbours if ‖Aᵢⱼ‖ ≥ strength · √(‖Aᵢᵢ‖ ‖Aⱼⱼ‖), Aᵢⱼ being the block between them, in Frobenius' norm.
    """
    places, count = numbers(nodes), int(nodes.max()) + 1
    squares = (A.entries.abs() ** 2).numpy()
    rows, columns = places[numbers(lines_of(A.pattern))], places[numbers(A.pattern.indices)]
    norms = np.sqrt(scipy_sparse.csr_array((squares, (rows, columns)), (count, count)))
    own = norms.diagonal()
    lines = np.repeat(np.arange(count), np.diff(norms.indptr))
    strong = (norms.data >= strength * np.sqrt(own[lines] * own[norms.indices])) & (lines != norms.indices)
    pointers = np.concatenate([[0], np.cumsum(np.bincount(lines[strong], minlength=count))])
    found, total = aggregation.aggregated(pointers, norms.indices[strong].astype(np.int64))
    return from_numpy(found[places]), total


def tentative(smooth: Tensor, places: Tensor, count: int) -> Tentative:
    """Return the prolongation whose columns are the near-nullspace (n × k), orthonormal in each of the aggregates.

    Gram and Schmidt's method, done twice, for all aggregates at once. What depends on the columns before in an aggregate, as it
    must where that has fewer unknowns than k, makes no coarse unknown.
    """
    n, k = smooth.shape
    totals = lambda x: ops.zeros(count, dtype=x.dtype).index_add(0, places, x)
    lengths = lambda x: totals(x.abs().square()).sqrt()
    columns: list[Tensor] = []
    R, kept = ops.zeros((count, k, k), dtype=smooth.dtype), ops.zeros((count, k), dtype=dtypes.bool_)
    for c in range(k):
        q = smooth[:, c]
        before = lengths(q)
        for _ in range(2):
            for p, other in enumerate(columns):
                h = totals(other.conj() * q)
                q = q - other * h[places]
                R[:, p, c] += h
        length = lengths(q)
        kept[:, c] = length > finfo(smooth.dtype).eps ** 0.5 * before
        length = ops.where(kept[:, c], length, 0)
        R[:, c, c] = length.to(smooth.dtype)
        columns.append(ops.where(kept[places, c], q / ops.where(kept[:, c], length, 1)[places], 0))
    number = ops.where(kept, kept.reshape(-1).cumsum(0).reshape(count, k) - 1, -1)
    there = number[places]
    pointers = ops.cat([ops.zeros(1, dtype=number.dtype), (there >= 0).sum(1).cumsum(0)])
    entries = ops.stack(columns, 1)[there >= 0]
    shape = n, int(kept.sum())
    prolongation = sparse_csr_tensor(pointers, there[there >= 0], entries, shape, check_invariants=False)
    return Tentative(prolongation, kept.nonzero()[:, 0], R[kept])
