"""The parts of sparse tensors that files hold, in PyTorch's order, and back."""

from __future__ import annotations

from typing import Any

from lineal.base import dtypes
from lineal.base.spec import Size
from lineal.sparse.compressed import CompressedTensor
from lineal.sparse.compression import sparse_compressed_tensor
from lineal.sparse.coordinates import SparseTensor
from lineal.sparse.creation import sparse_coo_tensor
from lineal.sparse.patterned import Patterned
from lineal.tensors import Tensor, sparse_coo

__all__ = ["of_parts", "parted"]


def parted(x: Patterned) -> tuple[Any, ...]:
    """Return the parts of a sparse tensor: where its entries are, the entries, and the shape."""
    if isinstance(x, SparseTensor):
        return x.coordinates, x.entries, Size(x.shape), x.coalesced
    if not isinstance(x, CompressedTensor):
        raise TypeError(f"expected a sparse tensor, got {type(x).__name__}")
    return x.pattern.pointers, x.pattern.indices, x.entries, Size(x.shape)


def of_parts(layout: Any, parts: tuple[Any, ...]) -> Tensor:
    """Return the tensor of a sparse layout that has these parts; ValueError if they make none."""
    try:
        if layout is sparse_coo:
            return coordinates_of_parts(*parts)
        pointers, indices, entries, size = parts
        made = sparse_compressed_tensor(pointers, indices, entries, size, layout=layout)
    except (RuntimeError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"a sparse tensor whose parts do not fit: {error}") from None
    return made.requires_grad_(entries.requires_grad)


def coordinates_of_parts(indices: Tensor, entries: Tensor, size: Any, coalesced: Any = False) -> SparseTensor:
    """Return the tensor by coordinates that has these parts; what is said to be in order is looked at."""
    if indices.dtype is not dtypes.int64 or indices.ndim != 2 or not entries.ndim:
        raise ValueError(f"a sparse tensor with indices {list(indices.shape)} of {indices.dtype}")
    made = sparse_coo_tensor(indices, entries, size)
    if coalesced is True:
        merged = made.coalesce()
        if merged._nnz() != made._nnz() or bool((merged.coordinates != made.coordinates).any()):
            raise ValueError("a sparse tensor said to be coalesced, whose indices are not in order")
        made.coalesced = True
    return made.requires_grad_(entries.requires_grad)
