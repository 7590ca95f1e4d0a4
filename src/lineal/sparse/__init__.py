"""Sparse tensors by coordinates, as in `torch.sparse`. A module for each family of functions, which `answering` collects."""

from typing import Any as _Any

from lineal.sparse import entries as _entries
from lineal.sparse import layout as _layout
from lineal.sparse.coordinates import SparseTensor
from lineal.sparse.creation import SPARSE_TYPES as _SPARSE_TYPES
from lineal.sparse.creation import sparse_coo_tensor, sparse_mask, to_sparse
from lineal.sparse.products import addmm, mm
from lineal.sparse.products import mm as smm
from lineal.sparse.products import mm as spmm
from lineal.sparse.reductions import log_softmax, softmax, sum

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sum"]


def __getattr__(name: str) -> _Any:
    """Return what has an older name, as `FloatTensor`."""
    if name in _SPARSE_TYPES:
        return _SPARSE_TYPES[name]
    raise AttributeError(f"module 'lineal.sparse' has no attribute {name!r}")
