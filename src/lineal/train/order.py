"""The batches of one pass through a loader, from any of them on: what resuming within an epoch needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from lineal.data import DataLoader, IterableDataset
from lineal.ops import Generator

__all__ = ["generators_of", "groups", "pass_from"]


class Drawn:
    """A sampler of batches whose whole order is drawn before the first of them, without the first `skip`."""

    def __init__(self, batch_sampler: Iterable[Any], skip: int):
        self.batch_sampler, self.skip = batch_sampler, skip
        self.order: list[Any] | None = None

    def draw(self) -> list[Any]:
        """Return what is left of the order, drawn the first time."""
        if self.order is None:
            self.order = list(self.batch_sampler)[self.skip :]
        return self.order

    def __iter__(self) -> Iterator[Any]:
        yield from self.draw()


def pass_from(loader: Iterable[Any], skip: int = 0) -> Iterator[Any]:
    """Return one pass through `loader` without its first `skip` batches.

    Of a DataLoader over items with indices, the whole order is drawn first, so that it depends on the random state at the
    beginning alone, and batches that are skipped are not made. (Workers make them all the same: their random state depends on
    what they have made.) Of anything else, the first batches are taken and dropped.
    """
    if type(loader) is not DataLoader or loader.batch_sampler is None or isinstance(loader.dataset, IterableDataset):
        return without_first(iter(loader), skip)
    drawn = Drawn(loader.batch_sampler, 0 if loader.num_workers else skip)
    # the loader draws its seed first, as it does without a trainer
    batches = iter(in_order(loader, drawn))
    drawn.draw()
    return without_first(batches, skip if loader.num_workers else 0)


def without_first(batches: Iterator[Any], count: int) -> Iterator[Any]:
    """Take so many batches, now, and return the iterator."""
    for _ in itertools.islice(batches, count):
        pass
    return batches


def in_order(loader: DataLoader[Any], order: Iterable[Any]) -> DataLoader[Any]:
    """Return a loader like the given one, which makes the batches that `order` lists."""
    return DataLoader(
        loader.dataset,
        batch_sampler=order,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor if loader.num_workers else None,
    )


def groups(batches: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Yield the batches `size` at a time; the last group may have fewer."""
    while group := list(itertools.islice(batches, size)):
        yield group


def generators_of(loader: Any) -> list[Generator]:
    """Return the generators, each once, that a loader and its samplers draw from, besides the global one."""
    places = [loader]
    for name in ("sampler", "batch_sampler"):
        place = getattr(loader, name, None)
        places += [place, getattr(place, "sampler", None)]
    found = (getattr(place, "generator", None) for place in places)
    return list({id(each): each for each in found if isinstance(each, Generator)}.values())
