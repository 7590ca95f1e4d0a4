"""The batches of one pass through a loader, from any of them on: what resuming within an epoch needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lineal.data import DataLoader
from lineal.ops import Generator

__all__ = ["generators_of", "groups", "pass_from"]


def pass_from(loader: Iterable[Any], skip: int = 0) -> Iterator[Any]:
    """Return one pass through `loader` without its first `skip` batches.

    Of a DataLoader over items with indices, the whole order is drawn first, so that it depends on the random state at the
    beginning alone, and batches that are skipped are not made. (Workers make them all the same: their random state depends on
    what they have made.) Of anything else, the first batches are taken and dropped.
    """
    if type(loader) is DataLoader and not loader.iterated and loader.batch_sampler is not None:
        order = list(loader.batch_sampler)
        if loader.num_workers == 0:
            order, skip = order[skip:], 0
        loader = in_order(loader, order)
    return itertools.islice(iter(loader), skip, None)


def in_order(loader: DataLoader[Any], order: Sequence[Any]) -> DataLoader[Any]:
    """Return a loader like the given one, which makes batches of the items that `order` lists."""
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
