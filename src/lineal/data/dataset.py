"""Data sets: things with an item for every index, and things that are only iterated."""

from __future__ import annotations

import bisect
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from lineal.base.signatures import Tensor
from lineal.ops import Generator, randperm
from lineal.tensors import tensor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """A data set with an item for every index: define `__getitem__`, and `__len__` if it is to be shuffled or split."""

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__}: a Dataset must define __getitem__")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """A data set that is only iterated: define `__iter__`."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: an IterableDataset must define __iter__")

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Item i is the tuple of the i-th rows of the given tensors, which have one length."""

    def __init__(self, *tensors: Tensor):
        if not all(each.shape[0] == tensors[0].shape[0] for each in tensors):
            lengths = [each.shape[0] for each in tensors]
            raise AssertionError(f"TensorDataset: Size mismatch between tensors: lengths {lengths}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(each[index] for each in self.tensors)

    def _batch_(self, indices: Sequence[int]) -> list[Any]:
        """Return the rows at `indices` of each tensor: what collating the items gives, in one copy per tensor."""
        rows = tensor([int(each) for each in indices])
        return [each[rows] for each in self.tensors]

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class Subset(Dataset[T_co]):
    """The items of another data set at the given indices, in that order."""

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[each] for each in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        return items_of(self.dataset, [self.indices[each] for each in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[T_co]):
    """The items of several data sets, one after the other."""

    def __init__(self, datasets: Iterable[Dataset[T_co]]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset: expected data sets with indices, got an IterableDataset")
        held: list[Any] = self.datasets
        self.cumulative_sizes = self.cumsum(held)

    @staticmethod
    def cumsum(sequence: Sequence[Any]) -> list[int]:
        """Return at which place each of several data sets ends, one laid after the other."""
        return list(accumulate(len(each) for each in sequence))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            what = ValueError if index < 0 else IndexError
            raise what(f"ConcatDataset: expected an index within {len(self)} items, got {index}")
        index %= len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset[Any]):
    """The items of several iterable data sets, one after the other; they are iterated one at a time."""

    def __init__(self, datasets: Iterable[Dataset[Any]]):
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for each in self.datasets:
            self._check_(each)
            held: Any = each
            yield from held

    def __len__(self) -> int:
        total = 0
        for each in self.datasets:
            self._check_(each)
            held: Any = each
            total += len(held)
        return total

    def _check_(self, dataset: Any) -> None:
        """Refuse what has an item for every index."""
        if not isinstance(dataset, IterableDataset):
            raise AssertionError(f"ChainDataset: only supports IterableDataset, got {type(dataset).__name__}")


class StackDataset(Dataset[Any]):
    """Item i is the tuple of the i-th items of several data sets of one length, or a dict if they are given by name."""

    def __init__(self, *args: Dataset[Any], **kwargs: Dataset[Any]):
        if args and kwargs:
            raise ValueError("StackDataset: expected data sets by place or by name, but both were given")
        self.datasets: Any = args or kwargs
        if not self.datasets:
            raise ValueError("StackDataset: At least one dataset should be passed")
        lengths = [len(each) for each in self._parts_()]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: Size mismatch between datasets: lengths {lengths}")
        self._length = lengths[0]

    def _parts_(self) -> list[Any]:
        return list(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)

    def _item_(self, entries: Iterable[Any]) -> Any:
        return dict(zip(self.datasets, entries)) if isinstance(self.datasets, dict) else tuple(entries)

    def __getitem__(self, index: int) -> Any:
        return self._item_(each[index] for each in self._parts_())

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        columns = [items_of(each, indices) for each in self._parts_()]
        for column in columns:
            if len(column) != len(indices):
                raise ValueError(
                    f"StackDataset: Nested dataset's output size mismatch. Expected {len(indices)}, got {len(column)}"
                )
        return [self._item_(row) for row in zip(*columns)]

    def __len__(self) -> int:
        return self._length


def items_of(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """Return the items at `indices`, at once where the data set can."""
    if callable(getattr(dataset, "__getitems__", None)):
        return dataset.__getitems__(indices)
    return [dataset[each] for each in indices]


def random_split(dataset: Dataset[T], lengths: Sequence[float], generator: Generator | None = None) -> list[Subset[T]]:
    """Split a data set at random into subsets of the given lengths, or of the given fractions, which sum to 1.

    What rounding the fractions down leaves over goes one by one to the first subsets.
    """
    held: Any = dataset
    total = len(held)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        if any(not 0 <= fraction <= 1 for fraction in lengths):
            raise ValueError(f"random_split: expected fractions between 0 and 1, got {list(lengths)}")
        counts = [math.floor(total * fraction) for fraction in lengths]
        for place in range(total - sum(counts)):
            counts[place % len(counts)] += 1
        for place, count in enumerate(counts):
            if count == 0:
                warnings.warn(f"Length of split at index {place} is 0. This might result in an empty dataset.", stacklevel=2)
    else:
        counts = [int(length) for length in lengths]
    if sum(counts) != total or any(count != length for count, length in zip(counts, lengths) if sum(lengths) > 1):
        raise ValueError(
            f"random_split: Sum of input lengths does not equal the length of the input dataset: {list(lengths)} of {total}"
        )
    order = randperm(total, generator=generator).tolist()
    return [Subset(dataset, order[end - count : end]) for end, count in zip(accumulate(counts), counts)]
