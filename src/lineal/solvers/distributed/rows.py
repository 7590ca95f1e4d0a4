"""A sparse matrix of which each process has some rows: products, adjoint, diagonal."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lineal import ops
from lineal.core import lift, modes
from lineal.distributed import ProcessGroup, all_gather_object
from lineal.distributed.groups import require_group
from lineal.distributed.scattering import Exchange, exchanged_over_ranks
from lineal.solvers.distributed.spaces import RowSpace
from lineal.solvers.operators.base import LinearOperator
from lineal.sparse.compressed import CompressedTensor, Pattern, compressed, numbers
from lineal.sparse.conversion import to_sparse_csr
from lineal.tensors import Tensor, sparse_csr

__all__ = ["DistributedCSR"]

Table = tuple[tuple[int, ...], ...]


def table_of(counts: np.ndarray, group: ProcessGroup) -> Table:
    """Return how much each process gives to each other, of what this one gives to all."""
    every: list[Any] = [None] * group.size()
    all_gather_object(every, counts.tolist(), group)
    return tuple(map(tuple, every))


class Rows:
    """Where the entries of this process's rows stand, and what of a vector others have that products need.

    Columns are numbered anew, in their order: those that processes before this one have, its own, and those of processes after
    it. So a row is summed up as it would be in one process.
    """

    def __init__(self, space: RowSpace, pointers: np.ndarray, columns: np.ndarray):
        self.space, self.pointers, self.columns = space, pointers, columns
        own = (columns >= space.begin) & (columns < space.end)
        self.halo = np.unique(columns[~own])
        """The columns that others have."""
        self.before = int(np.searchsorted(self.halo, space.begin))
        order = np.concatenate([self.halo[: self.before], np.arange(space.begin, space.end), self.halo[self.before :]])
        self.local = np.searchsorted(order, columns)
        lines = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
        outside = np.zeros(len(pointers) - 1, bool)
        outside[lines[~own]] = True
        self.inner, self.outer = self.some(lines, ~outside, self.before), self.some(lines, outside, 0)
        self.order = lift(np.argsort(np.concatenate([np.flatnonzero(~outside), np.flatnonzero(outside)])))

    def some(self, lines: np.ndarray, chosen: np.ndarray, shift: int) -> tuple[Pattern, Tensor]:
        """Return the pattern of some rows, and which of all entries are theirs."""
        places = np.flatnonzero(chosen[lines])
        pointers = np.concatenate([[0], np.cumsum(np.diff(self.pointers)[chosen])])
        return Pattern(lift(pointers), lift(self.local[places] - shift), {}), lift(places)

    @cached_property
    def exchange(self) -> tuple[Table, Tensor]:
        """How much of a vector each process gives to each other, and what this one gives."""
        group, begins = self.space.group, self.space.begins
        every: list[Any] = [None] * group.size()
        all_gather_object(every, self.halo, group)
        asked = [each[(each >= self.space.begin) & (each < self.space.end)] - self.space.begin for each in every]
        table = np.array([np.diff(np.searchsorted(each, begins)) for each in every]).T
        return tuple(map(tuple, table.tolist())), lift(np.concatenate(asked).astype(np.int64))

    @cached_property
    def turned(self) -> tuple[Rows, Table, Tensor, Tensor]:
        """The rows of the transpose; how its entries get to the processes that have them: table, what goes, how it is put."""
        space = self.space
        lines = np.repeat(np.arange(space.begin, space.end), np.diff(self.pointers))
        given = np.lexsort((lines, self.columns))
        sorted_columns = self.columns[given]
        table = table_of(np.diff(np.searchsorted(sorted_columns, space.begins)), space.group)
        rows = exchanged_over_ranks(lift(sorted_columns), space.group, table).value
        columns = exchanged_over_ranks(lift(lines[given]), space.group, table).value
        taken = np.lexsort((columns, rows))
        counts = np.bincount(rows - space.begin, minlength=space.end - space.begin)
        pointers = np.concatenate([[0], np.cumsum(counts)])
        return Rows(space, pointers, columns[taken]), table, lift(given), lift(taken)


class DistributedCSR(LinearOperator):
    """A square sparse matrix of which each process of a group has some rows, as `space` says: `space.part` cuts vectors so.

    `rows` is compressed by rows: those of this process (m × n), with all columns. `shape` is (m, m), as vectors lie here. The
    entries are the parameter. Products with rows that need nothing from others are made while the rest is on its way. A row is
    summed up in the order of its columns: results are the same bits for any number of processes. RuntimeError unless the
    matrix is square and the rows are those of this process. All processes call `product` and `adjoint` together.
    """

    def __init__(self, rows: Tensor, group: ProcessGroup | None = None):
        matrix = to_sparse_csr(rows)
        space = RowSpace(matrix.shape[1], require_group(group))
        if matrix.shape[0] != space.end - space.begin:
            raise RuntimeError(
                f"DistributedCSR: expected the rows {space.begin} to {space.end} of a square matrix on rank "
                f"{space.group.rank()} of {space.group.size()}, got {matrix.shape[0]} × {matrix.shape[1]}"
            )
        if not matrix.pattern.is_canonical():
            raise RuntimeError("DistributedCSR: expected no two entries at one place, and those of a row in order")
        pointers, columns = (numbers(each) for each in matrix.pattern[:2])
        self.become(Rows(space, pointers.astype(np.int64), columns.astype(np.int64)), matrix.entries)

    @staticmethod
    def of(A: Tensor, group: ProcessGroup | None = None) -> DistributedCSR:
        """Return the operator of a matrix that each process has all of; gradients reach the entries of its rows."""
        matrix = to_sparse_csr(A)
        space = RowSpace(matrix.shape[1], require_group(group))
        pointers = numbers(matrix.pattern.pointers)
        if matrix.shape[0] != matrix.shape[1]:
            raise RuntimeError(f"DistributedCSR: expected a square matrix, got {matrix.shape[0]} × {matrix.shape[1]}")
        first, last = int(pointers[space.begin]), int(pointers[space.end])
        pattern = Pattern(lift(pointers[space.begin : space.end + 1] - first), matrix.pattern.indices[first:last], {})
        shape = (space.end - space.begin, space.dim)
        return DistributedCSR(compressed(sparse_csr, pattern, matrix.entries[first:last], shape), group)

    @staticmethod
    def made(rows: Rows, entries: Tensor) -> DistributedCSR:
        """Return the operator of other entries at known places."""
        operator = object.__new__(DistributedCSR)
        operator.become(rows, entries)
        return operator

    def become(self, rows: Rows, entries: Tensor) -> None:
        """Take entries at known places."""
        space = rows.space
        count = space.end - space.begin
        self.rows, self.tensors, self.shape, self.dtype = rows, (entries,), (count, count), entries.dtype
        self.inner = part(rows.inner, entries, count)
        self.outer = part(rows.outer, entries, count + len(rows.halo))

    @property
    def space(self) -> RowSpace:
        return self.rows.space

    def product(self, x: Tensor) -> Tensor:
        if x.shape[0] != self.shape[1]:
            raise RuntimeError(f"DistributedCSR: expected {self.shape[1]} rows on this process, got {list(x.shape)}")
        table, given = self.rows.exchange
        sent = x.index_select(0, given)
        eager = modes.recorder.get() is None
        begun = Exchange(self.space.group, table, sent.value).begin() if eager else None
        y = self.inner @ x
        halo = exchanged_over_ranks(sent, self.space.group, table, begun)
        before = self.rows.before
        outer = self.outer @ joined(halo[:before], x, halo[before:])
        return joined(y, outer).index_select(0, self.rows.order)

    def adjoint(self) -> LinearOperator:
        rows, table, given, taken = self.rows.turned
        (entries,) = self.tensors
        moved = exchanged_over_ranks(entries.index_select(0, given), self.space.group, table)
        return DistributedCSR.made(rows, moved.index_select(0, taken).conj())

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> DistributedCSR:
        return DistributedCSR.made(self.rows, tensors[0])

    def diagonal(self) -> Tensor:
        lines = np.repeat(np.arange(self.space.begin, self.space.end), np.diff(self.rows.pointers))
        on = np.flatnonzero(lines == self.rows.columns)
        zeros = ops.zeros(self.shape[0], dtype=self.dtype)
        return zeros.index_add(0, lift(lines[on] - self.space.begin), self.tensors[0].index_select(0, lift(on)))

    def diagonal_block(self) -> CompressedTensor:
        """Return the square matrix of this process's rows and columns, a constant."""
        space, columns = self.space, self.rows.columns
        own = (columns >= space.begin) & (columns < space.end)
        counts = np.concatenate([[0], np.cumsum(own)])[self.rows.pointers]
        pattern = Pattern(lift(counts), lift(columns[own] - space.begin), {})
        entries = self.tensors[0].detach().index_select(0, lift(np.flatnonzero(own)))
        return compressed(sparse_csr, pattern, entries, self.shape)


def joined(*parts: Tensor) -> Tensor:
    """Return tensors joined along their first dimension.

    Empty ones count: every process has the same history, so that backward makes the same exchanges everywhere. `cat` leaves out
    vectors of no elements, but no matrices.
    """
    return ops.cat([each.unsqueeze(-1) for each in parts]).squeeze(-1)


def part(some: tuple[Pattern, Tensor], entries: Tensor, columns: int) -> CompressedTensor:
    """Return the matrix of some rows."""
    pattern, places = some
    return compressed(sparse_csr, pattern, entries.index_select(0, places), (pattern.lines, columns))
