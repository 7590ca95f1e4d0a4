"""What makes a batch: of the items at indices, or of the next items of a data set that is only iterated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lineal.core import AbstractTensor
from lineal.data.collate import default_collate, stacks_tensors
from lineal.data.dataset import Subset, TensorDataset, items_of
from lineal.data.tables import TableDataset

__all__ = ["Ended", "Indexed", "Iterated"]


class Ended(Exception):  # noqa: N818
    """A data set that is only iterated has no further items."""


class Indexed:
    """Makes batches of a data set with an item for every index; the one item if batching is off."""

    def __init__(self, dataset: Any, batched: bool, collate: Callable[[Any], Any]):
        self.dataset = dataset
        self.batched = batched
        self.collate = collate

    def __call__(self, wanted: Any) -> Any:
        """Return the batch of the indices `wanted`, or the item at the index."""
        try:
            return self.fetched(wanted)
        except StopIteration as error:
            # it would look like the end of the data
            raise RuntimeError(f"DataLoader: {wanted} raised StopIteration") from error

    def fetched(self, wanted: Any) -> Any:
        if not self.batched:
            return self.collate(self.dataset[wanted])
        if self.collate is default_collate and stacks_tensors():
            batch = whole_batch(self.dataset, wanted)
            if batch is not None:
                return batch
        return self.collate(items_of(self.dataset, wanted))


class Iterated:
    """Makes batches of the items that a data set yields, one after the other."""

    def __init__(self, dataset: Any, batched: bool, collate: Callable[[Any], Any], drop_last: bool):
        self.items = iter(dataset)
        self.batched = batched
        self.collate = collate
        self.drop_last = drop_last
        self.ended = False

    def __call__(self, wanted: Any) -> Any:
        """Return the batch of the next items, as many as `wanted` has entries; Ended if there is none."""
        if self.ended:
            raise Ended
        batch = list(self.following(len(wanted) if self.batched else 1))
        if not batch or (self.batched and self.ended and self.drop_last):
            raise Ended
        return self.collate(batch if self.batched else batch[0])

    def following(self, count: int) -> Iterator[Any]:
        """Yield the next items, as many as there are up to `count`."""
        for _ in range(count):
            # not by `for`: it would ask for an iterator anew, and a data set that is its own would begin anew
            try:
                item = next(self.items)
            except StopIteration:
                self.ended = True
                return
            yield item


def whole_batch(dataset: Any, indices: Sequence[int]) -> Any:
    """Return the collated batch at once if `dataset` is a TensorDataset or TableDataset, or subsets of one; else None."""
    while type(dataset) is Subset:
        indices = [dataset.indices[each] for each in indices]
        dataset = dataset.dataset
    if type(dataset) is TableDataset:
        return dataset._batch_(indices)
    if type(dataset) is TensorDataset and all(isinstance(each, AbstractTensor) for each in dataset.tensors):
        return dataset._batch_(indices)
    return None
