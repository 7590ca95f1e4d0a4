"""Sparse tensors by coordinates and compressed, as in `torch.sparse`. Modules for families of functions fill `answering`."""

from typing import Any as _Any

from lineal.sparse import compressed_entries as _compressed_entries
from lineal.sparse import compressed_products as _compressed_products
from lineal.sparse import compressed_writes as _compressed_writes
from lineal.sparse import entries as _entries
from lineal.sparse import layout as _layout
from lineal.sparse import products as _products
from lineal.sparse import reductions as _reductions
from lineal.sparse import triangular as _triangular
from lineal.sparse import writes as _writes
from lineal.sparse.compressed import CompressedTensor
from lineal.sparse.compression import (
    sparse_bsc_tensor,
    sparse_bsr_tensor,
    sparse_compressed_tensor,
    sparse_csc_tensor,
    sparse_csr_tensor,
)
from lineal.sparse.conversion import to_sparse, to_sparse_bsc, to_sparse_bsr, to_sparse_coo, to_sparse_csc, to_sparse_csr
from lineal.sparse.coordinates import SparseTensor
from lineal.sparse.creation import SPARSE_TYPES as _SPARSE_TYPES
from lineal.sparse.creation import sparse_coo_tensor
from lineal.sparse.diagonals import spdiags
from lineal.sparse.exchange import from_scipy, to_scipy
from lineal.sparse.functions import addmm, log_softmax, mm, sampled_addmm, softmax, sparse_mask, sum
from lineal.sparse.functions import mm as smm
from lineal.sparse.functions import mm as spmm
from lineal.sparse.invariants import check_sparse_tensor_invariants
from lineal.sparse.solving import spsolve

__all__ = [
    "addmm",
    "check_sparse_tensor_invariants",
    "from_scipy",
    "log_softmax",
    "mm",
    "sampled_addmm",
    "softmax",
    "spsolve",
    "sum",
]


def __getattr__(name: str) -> _Any:
    """Return what has an older name, as `FloatTensor`."""
    if name in _SPARSE_TYPES:
        return _SPARSE_TYPES[name]
    raise AttributeError(f"module 'lineal.sparse' has no attribute {name!r}")
