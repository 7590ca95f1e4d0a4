"""Data sets: things with an item for every index, and things that are only iterated."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
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


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Item i is the tuple of the i-th rows of the given tensors, which have one length."""

    def __init__(self, *tensors: Tensor):
        if not all(each.shape[0] == tensors[0].shape[0] for each in tensors):
            lengths = [each.shape[0] for each in tensors]
            raise AssertionError(f"TensorDataset: Size mismatch between tensors: lengths {lengths}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(each[index] for each in self.tensors)

    def batch(self, indices: Sequence[int]) -> list[Any]:
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
        wanted = [self.indices[each] for each in indices]
        held: Any = self.dataset
        if hasattr(held, "__getitems__"):
            return held.__getitems__(wanted)
        return [held[each] for each in wanted]

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
        self.cumulative_sizes = list(accumulate(len(each) for each in held))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            what = ValueError if index < 0 else IndexError
            raise what(f"ConcatDataset: expected an index within {len(self)} items, got {index}")
        index %= len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


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
    else:
        counts = [int(length) for length in lengths]
    if sum(counts) != total or any(count != length for count, length in zip(counts, lengths) if sum(lengths) > 1):
        raise ValueError(
            f"random_split: Sum of input lengths does not equal the length of the input dataset: {list(lengths)} of {total}"
        )
    order = randperm(total, generator=generator).tolist()
    return [Subset(dataset, order[end - count : end]) for end, count in zip(accumulate(counts), counts)]


def whole_batch(dataset: Any, indices: Sequence[int]) -> list[Any] | None:
    """Return the collated batch at once if `dataset` is a TensorDataset, or subsets of one; else None."""
    while type(dataset) is Subset:
        indices = [dataset.indices[each] for each in indices]
        dataset = dataset.dataset
    if type(dataset) is TensorDataset and all(isinstance(each, AbstractTensor) for each in dataset.tensors):
        return dataset.batch(indices)
    return None
