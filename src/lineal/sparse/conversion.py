"""Conversions between strided tensors, tensors by coordinates and those of compressed layouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.sparse.answering import EVERY, answers
from lineal.sparse.compressed import LAYOUTS, CompressedTensor, Pattern, compressed, numbers
from lineal.sparse.coordinates import SparseTensor, dense, made, merged
from lineal.sparse.creation import by_coordinates
from lineal.sparse.patterned import title
from lineal.tensors import Tensor, from_numpy, sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr

__all__ = [
    "coordinates_in",
    "dense_of",
    "lines_of",
    "merged_lines",
    "to_sparse",
    "to_sparse_bsc",
    "to_sparse_bsr",
    "to_sparse_coo",
    "to_sparse_csc",
    "to_sparse_csr",
    "turned",
]

scipy_sparse: Any = later.module("scipy.sparse")

BLOCKS, BY_ROWS = (sparse_bsr, sparse_bsc), (sparse_csr, sparse_bsr)


@answers("to_sparse", of=EVERY)
def to_sparse(
    x: Tensor, sparse_dim: int | None = None, *, layout: Any = None, blocksize: Any = None, dense_dim: int | None = None
) -> Tensor:
    """Return the tensor in a sparse layout, by coordinates by default.

    Of a strided tensor it has what is not zero: its first `sparse_dim` dimensions get coordinates, or all. Compressed layouts
    take matrices, before them a batch if each of its matrices has as many entries, after them `dense_dim` dense dimensions;
    those of blocks take their size.
    """
    if layout is not None and layout is not sparse_coo:
        if sparse_dim is not None:
            raise RuntimeError("to_sparse: expected sparse_dim or a compressed layout, got both")
        return to_compressed(x, layout, blocksize, dense_dim)
    if blocksize is not None:
        raise RuntimeError("to_sparse: conversion to Sparse with blocksize argument given is not supported")
    if isinstance(x, CompressedTensor):
        if sparse_dim not in (None, 2):
            raise RuntimeError(
                f"sparse_compressed_to_sparse: conversion from {title(x.layout)} to Sparse with sparse_dim argument !=2 "
                "is not supported"
            )
        return coordinates_in(x)
    if isinstance(x, SparseTensor):
        return x
    return by_coordinates(x, x.ndim - dense_dim if sparse_dim is None and dense_dim is not None else sparse_dim)


@answers("to_sparse_coo", of=EVERY)
def to_sparse_coo(self: Tensor) -> Tensor:
    """Return the tensor by coordinates."""
    return to_sparse(self)


@answers("to_sparse_csr", of=EVERY)
def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> CompressedTensor:
    """Return the tensor compressed by rows."""
    return to_compressed(self, sparse_csr, None, dense_dim)


@answers("to_sparse_csc", of=EVERY)
def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> CompressedTensor:
    """Return the tensor compressed by columns."""
    return to_compressed(self, sparse_csc, None, dense_dim)


@answers("to_sparse_bsr", of=EVERY)
def to_sparse_bsr(self: Tensor, blocksize: Any, dense_dim: int | None = None) -> CompressedTensor:
    """Return the tensor in blocks of a size, compressed by rows."""
    return to_compressed(self, sparse_bsr, blocksize, dense_dim)


@answers("to_sparse_bsc", of=EVERY)
def to_sparse_bsc(self: Tensor, blocksize: Any, dense_dim: int | None = None) -> CompressedTensor:
    """Return the tensor in blocks of a size, compressed by columns."""
    return to_compressed(self, sparse_bsc, blocksize, dense_dim)


def to_compressed(x: Tensor, layout: Any, blocksize: Any, dense_dim: int | None) -> CompressedTensor:
    """Return a tensor of any layout in a compressed one."""
    if getattr(layout, "name", None) not in LAYOUTS:
        raise RuntimeError(f"to_sparse: expected a sparse layout, got {layout}")
    block = checked_block(x, layout, blocksize)
    if isinstance(x, CompressedTensor):
        if x.layout is layout and x.blocksize == block:
            return x
        if x.blocksize == block and not x.batch and x.has_blocks == (layout in BLOCKS):
            return turned(x)
        x = dense_of(x) if x.batch else coordinates_in(x)
    if isinstance(x, SparseTensor):
        return compressed_from(merged(x), layout, block)
    return compressed_strided(x, layout, block, dense_dim or 0)


def checked_block(x: Tensor, layout: Any, blocksize: Any) -> tuple[int, int]:
    """Return the size of the blocks of a layout, one number each if it has none; RuntimeError if it does not fit."""
    if (blocksize is None) == (layout in BLOCKS):
        given = "with" if blocksize is not None else "without"
        raise RuntimeError(
            f"to_sparse: conversion from {title(x.layout)} to {title(layout)} {given} blocksize argument given is not supported"
        )
    if blocksize is None:
        return 1, 1
    block = tuple(blocksize)
    if len(block) != 2 or min(block) < 1:
        raise RuntimeError(f"to_sparse: blocksize needs to be a tuple of two positive sizes, got {blocksize}")
    return block


def lines_of(pattern: Pattern) -> Tensor:
    """Return the line of each entry, of one matrix after the other."""
    if "lines" not in pattern.known:
        pointers = numbers(pattern.pointers).reshape(-1, pattern.lines + 1)
        numbered = np.arange(pattern.lines)
        parts = [np.repeat(numbered, np.diff(each)) for each in pointers]
        pattern.known["lines"] = from_numpy(np.concatenate(parts) if parts else np.zeros(0, np.int64))
    return pattern.known["lines"]


def coordinates_in(x: CompressedTensor) -> SparseTensor:
    """Return a compressed tensor by coordinates, in order if its entries are not blocks."""
    if x.layout is sparse_csc and not x.batch:
        x = turned(x)
    count, batch, (high, wide) = x._nnz(), x.batch, x.blocksize
    lines, along = numbers(lines_of(x.pattern)), numbers(x.pattern.indices).reshape(-1).astype(np.int64)
    rows, columns = (lines, along) if x.by_rows else (along, lines)
    places = [np.repeat(each, count) for each in np.indices(x.shape[:batch]).reshape(batch, math.prod(x.shape[:batch]))]
    if x.has_blocks:
        rows = (rows[:, None, None] * high + np.arange(high)[:, None] + np.zeros(wide, np.int64)).reshape(-1)
        columns = (columns[:, None, None] * wide + np.arange(wide) + np.zeros((high, 1), np.int64)).reshape(-1)
        places = [np.repeat(each, high * wide) for each in places]
    entries = x.entries.reshape(rows.size, *x.shape[batch + 2 :])
    ordered = x.layout is sparse_csr and x.pattern.is_canonical()
    return made(from_numpy(np.stack([*places, rows, columns])), entries, x.shape, ordered)


def dense_of(x: CompressedTensor, dtype: Any = None) -> Tensor:
    """Return a strided tensor of the same numbers."""
    y = dense(coordinates_in(x))
    return y if dtype is None else y.to(dtype)


def merged_lines(x: CompressedTensor) -> CompressedTensor:
    """Return a tensor whose indices grow along each line: entries of one place are added up."""
    if x.pattern.is_canonical():
        return x
    if x.batch:
        raise RuntimeError(f"expected indices that grow along each line of a batch of shape {list(x.shape)}")
    y = compressed_from(merged(coordinates_in(x)), x.layout, x.blocksize)
    pointers, indices = (each.to(x.pattern.pointers.dtype) for each in y.pattern[:2])
    return compressed(x.layout, Pattern(pointers, indices, {"canonical": True}), y.entries, x.shape)


def turned(x: CompressedTensor) -> CompressedTensor:
    """Return a tensor with its lines along the other dimension, entries of one index in the order of their lines."""
    pattern, order = turned_pattern(x.pattern, x.along)
    layout = {sparse_csr: sparse_csc, sparse_csc: sparse_csr, sparse_bsr: sparse_bsc, sparse_bsc: sparse_bsr}[x.layout]
    return compressed(layout, pattern, x.entries.index_select(0, order), x.shape)


def turned_pattern(pattern: Pattern, along: int) -> tuple[Pattern, Tensor]:
    """Return the pattern of the transpose's lines, and which entry is at which place there."""
    if "turned" not in pattern.known:
        pointers, indices = map(numbers, pattern[:2])
        counted = np.arange(indices.size)
        there = scipy_sparse.csr_array((counted, indices, pointers), shape=(pattern.lines, along)).tocsc()
        first, second = (from_numpy(each.astype(pointers.dtype, copy=False)) for each in (there.indptr, there.indices))
        known = {"canonical": True} if pattern.is_canonical() else {}
        pattern.known["turned"] = Pattern(first, second, known), from_numpy(there.data)
    return pattern.known["turned"]


def compressed_from(x: SparseTensor, layout: Any, block: tuple[int, int]) -> CompressedTensor:
    """Return a tensor by two coordinates, in order, in a compressed layout."""
    if x.sparse_dim() != 2:
        raise RuntimeError(
            f"to_sparse: conversion from Sparse to {title(layout)} for input tensors with sparse_dim()!=2 is not supported"
        )
    require_blocks(x.shape[:2], layout, block)
    rows, columns = numbers(x.coordinates)
    if layout in BLOCKS:
        return blocks_from(x, layout, block)
    pattern = Pattern(pointers_of(rows, x.shape[0]), from_numpy(columns), {"canonical": True})
    y = compressed(sparse_csr, pattern, x.entries, x.shape)
    return y if layout is sparse_csr else turned(y)


def require_blocks(sizes: Any, layout: Any, block: tuple[int, int]) -> None:
    """Refuse blocks that do not fill the matrices."""
    if any(size % part for size, part in zip(sizes, block)):
        raise RuntimeError(
            f"to_sparse: tensor sparse size ({sizes[0]},{sizes[1]}) must be divisible by given blocksize "
            f"({block[0]},{block[1]}) for {title(layout)}"
        )


def pointers_of(lines: np.ndarray, count: int) -> Tensor:
    """Return where each of `count` lines begins, from the line of each entry."""
    found = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(lines, minlength=count), out=found[1:])
    return from_numpy(found)


def blocks_from(x: SparseTensor, layout: Any, block: tuple[int, int]) -> CompressedTensor:
    """Return a tensor by coordinates in blocks, of those that have an entry."""
    (high, wide), (rows, columns) = block, numbers(x.coordinates)
    down, across = x.shape[0] // high, x.shape[1] // wide
    by_rows = layout in BY_ROWS
    lines, along, size = (rows // high, columns // wide, across) if by_rows else (columns // wide, rows // high, down)
    found, which = np.unique(lines * max(size, 1) + along, return_inverse=True)
    place = (which * high + rows % high) * wide + columns % wide
    room = ops.zeros((found.size * high * wide, *x.entries.shape[1:]), dtype=x.dtype)
    entries = room.index_add(0, from_numpy(place), x.entries).reshape(found.size, high, wide, *x.entries.shape[1:])
    pointers = pointers_of(found // max(size, 1), down if by_rows else across)
    return compressed(layout, Pattern(pointers, from_numpy(found % max(size, 1)), {"canonical": True}), entries, x.shape)


def compressed_strided(x: Tensor, layout: Any, block: tuple[int, int], dense_dim: int) -> CompressedTensor:
    """Return what is not zero in matrices, in a compressed layout."""
    batch = x.ndim - dense_dim - 2
    if batch < 0:
        raise RuntimeError(f"to_sparse: {title(layout)} expects at least 2 dimensions, got shape {list(x.shape)}")
    sizes, inner = x.shape[:batch], x.shape[batch + 2 :]
    require_blocks(x.shape[batch : batch + 2], layout, block)
    (high, wide), count = block, math.prod(sizes)
    y = x.reshape(count, x.shape[batch] // high, high, x.shape[batch + 1] // wide, wide, *inner)
    rest = range(5, y.ndim)
    y = y.permute(0, 1, 3, 2, 4, *rest) if layout in BY_ROWS else y.permute(0, 3, 1, 2, 4, *rest)
    marked = numbers(y.detach() != 0).any(tuple(range(3, y.ndim)))
    counts = marked.sum((1, 2))
    if count and counts.min() != counts.max():
        raise RuntimeError("Expect the same number of specified elements per batch.")
    places = np.nonzero(marked)
    pointers = np.zeros((count, y.shape[1] + 1), np.int64)
    np.cumsum(marked.sum(2), 1, out=pointers[:, 1:])
    each = int(counts[0]) if count else 0
    entries = y[tuple(map(from_numpy, places))].reshape(*sizes, each, *(block if layout in BLOCKS else ()), *inner)
    pattern = Pattern(
        from_numpy(pointers.reshape(*sizes, -1)), from_numpy(places[2].reshape(*sizes, each)), {"canonical": True}
    )
    return compressed(layout, pattern, entries, x.shape)
