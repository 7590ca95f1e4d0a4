"""Matrices from SciPy and for SciPy, over the same memory. PyTorch has nothing of the kind: the names are lineal's."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import later
from lineal.sparse.answering import EVERY, answers
from lineal.sparse.compressed import CompressedTensor, Pattern, compressed, numbers, require_matrix
from lineal.sparse.compression import ROWS, check_places
from lineal.sparse.coordinates import SparseTensor, made
from lineal.sparse.patterned import Patterned
from lineal.tensors import Tensor, from_numpy, sparse_bsr, sparse_csc, sparse_csr

__all__ = ["from_scipy", "to_scipy"]

scipy_sparse: Any = later.module("scipy.sparse")

LAYOUTS = {"csr": sparse_csr, "csc": sparse_csc, "bsr": sparse_bsr}


def from_scipy(A: Any) -> Patterned:
    """Return the sparse tensor of a sparse array or matrix of SciPy's, in its format: csr, csc, bsr or coo.

    Numbers and places are SciPy's own memory, and are looked at as `sparse_compressed_tensor` does; coo has its coordinates
    copied. Other formats come as coo, copied. TypeError if `A` is not SciPy's.
    """
    if not scipy_sparse.issparse(A):
        raise TypeError(f"from_scipy: expected a sparse array or matrix of SciPy, got {type(A).__name__}")
    if A.format not in LAYOUTS:
        A = A.tocoo()
        coordinates = from_numpy(np.stack([each.astype(np.int64) for each in A.coords]))
        return made(coordinates, from_numpy(A.data), A.shape)
    y = compressed(LAYOUTS[A.format], Pattern(from_numpy(A.indptr), from_numpy(A.indices), {}), from_numpy(A.data), A.shape)
    check_places(ROWS, y, strict=False)
    return y


@answers("to_scipy", of=EVERY)
def to_scipy(x: Tensor) -> Any:
    """Return the sparse array of SciPy's that has the numbers of a sparse matrix, in its format, over the same memory.

    BSC, which SciPy does not have, comes as csc. RuntimeError if the tensor requires grad, as `numpy()`; TypeError if it is not
    sparse.
    """
    if not isinstance(x, Patterned):
        raise TypeError("to_scipy: expected a sparse tensor; use to_sparse() first")
    require_matrix("to_scipy", x)
    entries = x.entries.numpy()
    if isinstance(x, SparseTensor):
        return scipy_sparse.coo_array((entries, tuple(x.coordinates.numpy())), shape=tuple(x.shape))
    return compressed_array(x, entries)  # type: ignore[arg-type]


def compressed_array(x: CompressedTensor, entries: np.ndarray) -> Any:
    """Return SciPy's array of a compressed matrix."""
    parts = (entries, *(numbers(each) for each in reversed(x.pattern[:2])))
    if x.has_blocks and not x.by_rows:
        turned = (entries.transpose(0, 2, 1), *parts[1:])
        return scipy_sparse.bsr_array(turned, shape=tuple(reversed(x.shape))).T.tocsc()
    kinds = {sparse_csr: scipy_sparse.csr_array, sparse_csc: scipy_sparse.csc_array, sparse_bsr: scipy_sparse.bsr_array}
    return kinds[x.layout](parts, shape=tuple(x.shape))
