"""How compressed tensors are made of their parts, and what is looked at then."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes
from lineal.sparse.compressed import LAYOUTS, CompressedTensor, Pattern, compressed, numbers
from lineal.sparse.creation import entries_of
from lineal.sparse.invariants import check_sparse_tensor_invariants
from lineal.sparse.patterned import title
from lineal.tensors import Tensor, sparse_bsc, sparse_bsr, sparse_csc, sparse_csr, tensor

__all__ = ["sparse_bsc_tensor", "sparse_bsr_tensor", "sparse_compressed_tensor", "sparse_csc_tensor", "sparse_csr_tensor"]


class Words(NamedTuple):
    """How errors call the pointers, the indices, the lines and what they are long."""

    pointers: str
    indices: str
    lines: str
    along: str


ROWS, COLUMNS = Words("crow_indices", "col_indices", "row", "col"), Words("ccol_indices", "row_indices", "column", "row")


def words_of(layout: Any) -> Words:
    """Return how errors call the parts of a layout."""
    return ROWS if layout in (sparse_csr, sparse_bsr) else COLUMNS


def sparse_compressed_tensor(
    compressed_indices: Any,
    plain_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> CompressedTensor:
    """Return the tensor of a compressed `layout` that has `values` at `plain_indices` of lines from `compressed_indices` on.

    Pointers are (… × lines + 1), indices (… × entries), both int32 or both int64; values are (… × entries), for BSR and BSC
    (… × entries × block), then dense dimensions. Without `size`, it is as large as the indices need. Unlike PyTorch, pointers
    and indices are looked at whatever `check_invariants` says; that says whether indices that do not grow along a line are
    refused too. RuntimeError if parts do not fit.
    """
    if layout is None or getattr(layout, "name", None) not in LAYOUTS:
        found = "none" if layout is None else title(layout)
        raise RuntimeError(f"sparse_compressed_tensor expected sparse compressed tensor layout but got {found}")
    pointers, indices = map(places_of, (compressed_indices, plain_indices))
    entries = entries_of(values, dtype, device, requires_grad)
    words = words_of(layout)
    check_parts(words, pointers, indices, entries, layout)
    sizes = sizes_needed(layout, pointers, indices, entries) if size is None else tuple(size)
    y = compressed(layout, Pattern(pointers, indices, {}), entries, sizes)
    check_sizes(words, y)
    strict = check_sparse_tensor_invariants.is_enabled() if check_invariants is None else check_invariants
    check_places(words, y, strict)
    return y


def places_of(given: Any) -> Tensor:
    """Return pointers or indices as a tensor; of an empty list, of int64."""
    if isinstance(given, Tensor):
        return given
    found = tensor(given)
    return found if found.numel() else found.to(dtypes.int64)


def check_parts(words: Words, pointers: Tensor, indices: Tensor, entries: Tensor, layout: Any) -> None:
    """Refuse parts whose dtypes or dimensions do not go together."""
    if pointers.dtype != indices.dtype:
        raise RuntimeError(
            f"{words.pointers} and {words.indices} must have the same dtype, but got {pointers.dtype} and {indices.dtype}"
        )
    if pointers.dtype not in (dtypes.int32, dtypes.int64):
        raise RuntimeError(f"{words.pointers} and {words.indices} must be an int32 or int64 type, but got: {pointers.dtype}")
    if pointers.ndim != indices.ndim:
        raise RuntimeError(
            f"{words.pointers} and {words.indices} dimensionalities must be equal but got {pointers.ndim} and {indices.ndim}"
        )
    if not pointers.ndim or not pointers.shape[-1]:
        raise RuntimeError(f"{words.pointers} must have at least one dimension and element, got {list(pointers.shape)}")
    least = pointers.ndim + (2 if layout in (sparse_bsr, sparse_bsc) else 0)
    if entries.ndim < least:
        raise RuntimeError(f"values must have dimensionality > {least - 1} but got {entries.ndim}")
    batch = pointers.ndim - 1
    if not pointers.shape[:-1] == indices.shape[:-1] == entries.shape[:batch]:
        raise RuntimeError(
            f"all batch dimensions of {words.pointers} ({list(pointers.shape[:-1])}), {words.indices} "
            f"({list(indices.shape[:-1])}) and values ({list(entries.shape[:batch])}) must be equal"
        )
    if indices.shape[-1] != entries.shape[batch]:
        raise RuntimeError(
            f"{words.indices}.shape[-1] must be equal to nnz (={entries.shape[batch]}) as defined by values.shape[{batch}], "
            f"but got {indices.shape[-1]}"
        )


def sizes_needed(layout: Any, pointers: Tensor, indices: Tensor, entries: Tensor) -> tuple[int, ...]:
    """Return the shape of the smallest tensor that has these parts."""
    batch = pointers.ndim - 1
    lines = pointers.shape[-1] - 1
    along = int(numbers(indices).max()) + 1 if indices.numel() else 0
    rows, columns = (lines, along) if words_of(layout) is ROWS else (along, lines)
    if layout in (sparse_csr, sparse_csc):
        return (*pointers.shape[:-1], rows, columns, *entries.shape[batch + 1 :])
    high, wide = entries.shape[batch + 1 : batch + 3]
    return (*pointers.shape[:-1], rows * high, columns * wide, *entries.shape[batch + 3 :])


def check_sizes(words: Words, y: CompressedTensor) -> None:
    """Refuse a size that is not the one of the parts."""
    batch, entries = y.batch, y.entries
    dense = entries.shape[batch + (3 if y.has_blocks else 1) :]
    if len(y.value.shape) != batch + 2 + len(dense):
        raise RuntimeError(
            "tensor dimensionality must be sum of batch, base, and dense dimensionalities "
            f"(={batch} + 2 + {len(dense)}) but got {y.ndim}"
        )
    if y.shape[:batch] != y.pattern.pointers.shape[:-1] or y.shape[batch + 2 :] != dense:
        raise RuntimeError(f"size {list(y.shape)} does not have the batch and dense dimensions of values {list(entries.shape)}")
    for n, block in enumerate(y.blocksize):
        if not block or y.shape[batch + n] % block:
            raise RuntimeError(
                f"tensor shape[{batch + n}] (={y.shape[batch + n]}) must be divisible with blocksize[{n}] (={block}) "
                "as defined by values shape"
            )
    lines = y.shape[batch] // y.blocksize[0] if y.by_rows else y.shape[batch + 1] // y.blocksize[1]
    if y.pattern.lines != lines:
        raise RuntimeError(
            f"{words.pointers}.shape[-1] must be equal to the number of {words.lines}s + 1 (={lines + 1}), "
            f"but got {y.pattern.lines + 1}"
        )


def check_places(words: Words, y: CompressedTensor, strict: bool) -> None:
    """Refuse pointers and indices that make no sense; if `strict`, also indices that do not grow along a line."""
    pointers, indices = numbers(y.pattern.pointers), numbers(y.pattern.indices)
    name, along = words.pointers, f"n{words.along}s"
    if (pointers[..., 0] != 0).any():
        raise RuntimeError(f"`{name}[..., 0] == 0` is not satisfied.")
    if (pointers[..., -1] != y._nnz()).any():
        raise RuntimeError(f"`{name}[..., -1] == nnz` is not satisfied.")
    steps = np.diff(pointers)
    if steps.size and (steps.min() < 0 or (strict and steps.max() > y.along)):
        raise RuntimeError(f"`0 <= {name}[..., 1:] - {name}[..., :-1] <= {along}` is not satisfied.")
    if indices.size and (indices.min() < 0 or indices.max() >= y.along):
        raise RuntimeError(f"`0 <= {words.indices} < {along}` is not satisfied.")
    if strict and not y.pattern.is_canonical():
        raise RuntimeError(
            f"`{words.indices}[..., {name}[..., i - 1]:{name}[..., i]] for all i = 1, ..., n{words.lines}s are sorted and "
            "distinct along the last dimension values` is not satisfied."
        )


def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> CompressedTensor:
    """Return the tensor compressed by rows, which begin at `crow_indices`, that has `values` at `col_indices`.

    Checks and errors are those of `sparse_compressed_tensor`.
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad, "check_invariants": check_invariants}
    return sparse_compressed_tensor(crow_indices, col_indices, values, size, layout=sparse_csr, **options)


def sparse_csc_tensor(
    ccol_indices: Any,
    row_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> CompressedTensor:
    """Return the tensor compressed by columns, which begin at `ccol_indices`, that has `values` at `row_indices`.

    Checks and errors are those of `sparse_compressed_tensor`.
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad, "check_invariants": check_invariants}
    return sparse_compressed_tensor(ccol_indices, row_indices, values, size, layout=sparse_csc, **options)


def sparse_bsr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> CompressedTensor:
    """Return the tensor of blocks compressed by rows, which begin at `crow_indices`; values are the blocks.

    Checks and errors are those of `sparse_compressed_tensor`.
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad, "check_invariants": check_invariants}
    return sparse_compressed_tensor(crow_indices, col_indices, values, size, layout=sparse_bsr, **options)


def sparse_bsc_tensor(
    ccol_indices: Any,
    row_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> CompressedTensor:
    """Return the tensor of blocks compressed by columns, which begin at `ccol_indices`; values are the blocks.

    Checks and errors are those of `sparse_compressed_tensor`.
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad, "check_invariants": check_invariants}
    return sparse_compressed_tensor(ccol_indices, row_indices, values, size, layout=sparse_bsc, **options)
