"""Data sets of columns: from CSV and Parquet files, Arrow tables and Hugging Face's data sets; arrays from NumPy's files."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lineal.base import config, dtypes, later
from lineal.base.signatures import DType
from lineal.core import lift
from lineal.data.collate import default_collate
from lineal.data.dataset import Dataset, TensorDataset
from lineal.ops import stack
from lineal.tensors import Tensor, as_tensor, tensor

__all__ = ["TableDataset", "from_arrow", "read_csv", "read_npy", "read_npz", "read_parquet"]

arrow: Any = later.module("pyarrow")
parquet: Any = later.module("pyarrow.parquet")
WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)


class TableDataset(Dataset[dict[str, Any]]):
    """Item i is the dict of the i-th entries of columns of one length: tensors, by rows, or sequences of anything else."""

    def __init__(self, columns: Mapping[str, Any]):
        self.columns = dict(columns)
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"TableDataset: expected columns of one length, got {lengths}")
        self._length = next(iter(lengths.values()))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {name: column[index] for name, column in self.columns.items()}

    def _batch_(self, indices: Sequence[int]) -> dict[str, Any]:
        """Return what collating the items at `indices` gives, in one copy per tensor."""
        rows = tensor([int(each) for each in indices])
        return {
            name: column[rows] if isinstance(column, Tensor) else default_collate([column[int(each)] for each in indices])
            for name, column in self.columns.items()
        }

    def matrix(self, *names: str, dtype: DType | None = None) -> Tensor:
        """Return the columns of these names, by default all, side by side as (length, columns), of the default dtype."""
        wanted = dtypes.as_dtype(dtype or config.get_default_dtype())
        columns = {name: self.columns[name] for name in names or self.columns}
        others = [name for name, column in columns.items() if not isinstance(column, Tensor) or column.ndim != 1]
        if others:
            raise TypeError(f"TableDataset.matrix: expected columns of numbers, got {', '.join(others)}")
        return stack([column.to(wanted) for column in columns.values()], 1)

    def pairs(self, target: str, *, dtype: DType | None = None) -> TensorDataset:
        """Return the rows of all other columns, as a matrix, with the entries of the column `target`."""
        if not isinstance(self.columns[target], Tensor):
            raise TypeError(f"TableDataset.pairs: expected a column of numbers, got {target}")
        others = [name for name in self.columns if name != target]
        return TensorDataset(self.matrix(*others, dtype=dtype), self.columns[target])


def read_csv(path: str | os.PathLike[str], names: Sequence[str] | None = None, delimiter: str = ",") -> TableDataset:
    """Return the columns of a CSV file, whose first row has their names unless `names` gives them.

    A column of whole numbers is int64, one of other numbers has the default dtype, where an empty entry is NaN; any other is a
    list of strings. ValueError if rows are of different lengths.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=delimiter)
        names = next(reader, None) if names is None else list(names)
        if names is None:
            raise ValueError(f"read_csv: {os.fspath(path)} is empty")
        if len(set(names)) != len(names):
            raise ValueError(f"read_csv: columns of {os.fspath(path)} have the same name: {names}")
        rows = []
        for row in filter(None, reader):
            if len(row) != len(names):
                raise ValueError(
                    f"read_csv: {os.fspath(path)}, line {reader.line_num}: expected {len(names)} entries, got {len(row)}"
                )
            rows.append(row)
    return TableDataset({name: parsed([row[place] for row in rows]) for place, name in enumerate(names)})


def parsed(entries: list[str]) -> Any:
    """Return a column as numbers if all of its entries are, else as it is."""
    if all(map(WHOLE.fullmatch, entries)):
        numbers = [int(each) for each in entries]
        if all(-(1 << 63) <= each < 1 << 63 for each in numbers):
            return tensor(numbers, dtype=dtypes.int64)
    if any("_" in each for each in entries) or not any(each.strip() for each in entries):
        return entries
    try:
        return tensor([float(each) if each.strip() else math.nan for each in entries])
    except ValueError:
        return entries


def read_npy(path: str | os.PathLike[str], mmap: bool = True) -> Tensor:
    """Return the array of a .npy file; its pages are read when they are used, and writes stay in memory, unless not `mmap`."""
    return as_tensor(np.load(path, mmap_mode="c" if mmap else None, allow_pickle=False))


def read_npz(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the arrays of a .npz file by their names."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: as_tensor(stored[name]) for name in stored.files}


def read_parquet(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> TableDataset:
    """Return the columns of a Parquet file, as `from_arrow`; it takes pyarrow (the extra `arrow`)."""
    return from_arrow(parquet.read_table(path, columns=None if columns is None else list(columns)))


def from_arrow(source: Any, columns: Sequence[str] | None = None) -> TableDataset:
    """Return the columns of an Arrow table, or of a data set of Hugging Face's, which holds one.

    Numbers are tensors over Arrow's memory where it can be used as it is; lists of one length are further dimensions; gaps
    are NaN in floating columns. All else is kept by Arrow and becomes Python's objects item by item. ValueError for a gap among
    whole numbers.
    """
    table = source.with_format("arrow")[:] if hasattr(source, "with_format") else source
    if not isinstance(table, arrow.Table):
        raise TypeError(f"from_arrow: expected an Arrow table or a data set of Hugging Face's, got {type(source).__name__}")
    names = table.column_names if columns is None else list(columns)
    return TableDataset({name: column_of(name, table.column(name).combine_chunks()) for name in names})


class Objects(Sequence[Any]):
    """A column of Arrow's that holds no numbers; entries become Python's objects when they are asked for."""

    def __init__(self, entries: Any):
        self.entries = entries

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: Any) -> Any:
        return self.entries[index].as_py()


def column_of(name: str, entries: Any) -> Any:
    """Return an Arrow array as a tensor, or as a sequence of Python's objects."""
    if isinstance(entries, arrow.ChunkedArray):
        entries = arrow.concat_arrays(entries.chunks) if entries.num_chunks else arrow.array([], entries.type)
    kind = entries.type
    if isinstance(kind, arrow.BaseExtensionType):
        return column_of(name, entries.storage)
    if arrow.types.is_dictionary(kind):
        return column_of(name, entries.dictionary_decode())
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind) or arrow.types.is_fixed_size_list(kind):
        return rows_of(name, entries)
    if not (arrow.types.is_integer(kind) or arrow.types.is_floating(kind) or arrow.types.is_boolean(kind)):
        return Objects(entries)
    if entries.null_count and not arrow.types.is_floating(kind):
        raise ValueError(f"from_arrow: column {name!r} of {kind} has {entries.null_count} gaps: fill them first")
    return lift(entries.to_numpy(zero_copy_only=False))


def rows_of(name: str, entries: Any) -> Any:
    """Return a column of lists as a tensor, if they are of one length, else as a sequence of lists."""
    lengths = {entries.type.list_size} if arrow.types.is_fixed_size_list(entries.type) else None
    if entries.null_count == 0 and lengths is None:
        lengths = set(np.unique(entries.value_lengths().to_numpy(zero_copy_only=False)).tolist())
    if entries.null_count or lengths is None or len(lengths) != 1:
        return Objects(entries)
    inner = column_of(name, entries.flatten())
    return inner.reshape(len(entries), *lengths, *inner.shape[1:]) if isinstance(inner, Tensor) else Objects(entries)
