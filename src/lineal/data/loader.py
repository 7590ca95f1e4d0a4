"""`DataLoader`: batches of a data set, one after the other, made here or ahead of time in threads."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from lineal.data.collate import default_collate, default_convert
from lineal.data.dataset import IterableDataset, whole_batch
from lineal.data.sampler import BatchSampler, RandomSampler, SequentialSampler


class WorkerInfo(NamedTuple):
    """Which worker thread this is."""

    id: int
    num_workers: int
    dataset: Any


_worker = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """Return which worker thread of a DataLoader runs this code, None outside of one."""
    return getattr(_worker, "info", None)


class Endless:
    """The sampler of a data set that is only iterated: it asks for the next item, for ever."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader:
    """Iterates over batches of `dataset`; each new iteration is a new pass, shuffled anew if `shuffle`.

    `num_workers` > 0 makes the batches ahead of time in that many threads; their order stays, and an error in one is
    raised where its batch would have come. An IterableDataset is read by a single thread. `batch_size=None` yields
    items as they are. `pin_memory`, `timeout`, `multiprocessing_context`, `persistent_workers`, `pin_memory_device` and
    `in_order` are accepted for PyTorch's sake; threads do not need them.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers should be non-negative, got {num_workers}")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError("DataLoader: prefetch_factor needs num_workers > 0")
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers else prefetch_factor
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.iterated = isinstance(dataset, IterableDataset)
        check_combination(self.iterated, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None:
            sampler = self._default_sampler(bool(shuffle))
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)

    def __class_getitem__(cls, item: Any) -> type:
        return cls

    def _default_sampler(self, shuffle: bool) -> Iterable[Any]:
        if self.iterated:
            return Endless()
        return RandomSampler(self.dataset, generator=self.generator) if shuffle else SequentialSampler(self.dataset)

    def __len__(self) -> int:
        if self.iterated:
            length = len(self.dataset)
            if self.batch_size is None:
                return length
            return length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        if self.iterated:
            batches = self._read()
            return batches if self.num_workers == 0 else self._ahead(lambda: next(batches), itertools.repeat(()))
        wanted = iter(self.sampler if self.batch_sampler is None else self.batch_sampler)
        if self.num_workers == 0:
            return map(self._fetch, wanted)
        return self._ahead(self._fetch, ((each,) for each in wanted))

    def _fetch(self, wanted: Any) -> Any:
        """Return the batch of the indices `wanted`, or the one item if batching is off."""
        if self.batch_sampler is None:
            return self.collate_fn(self.dataset[wanted])
        if self.collate_fn is default_collate:
            batch = whole_batch(self.dataset, wanted)
            if batch is not None:
                return batch
        if hasattr(self.dataset, "__getitems__"):
            return self.collate_fn(self.dataset.__getitems__(wanted))
        return self.collate_fn([self.dataset[each] for each in wanted])

    def _read(self) -> Iterator[Any]:
        """Yield the batches of a data set that is only iterated."""
        items = iter(self.dataset)
        if self.batch_sampler is None:
            yield from map(self.collate_fn, items)
            return
        for places in self.batch_sampler:
            batch = list(itertools.islice(items, len(places)))
            if not batch or (len(batch) < len(places) and self.drop_last):
                return
            yield self.collate_fn(batch)

    def _ahead(self, make: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[Any]:
        """Yield `make(*task)` for each task in order, computed ahead in threads; StopIteration in one is the end."""
        # An iterated data set has one position, so one thread reads it.
        count = 1 if self.iterated else self.num_workers
        ids = itertools.count()
        pool = ThreadPoolExecutor(count, "DataLoader")
        tasks = iter(tasks)
        waiting: deque[Future[Any]] = deque()
        try:
            for task in itertools.islice(tasks, count * (self.prefetch_factor or 1)):
                waiting.append(pool.submit(self._attempt, ids, make, task))
            while waiting:
                done, batch = waiting.popleft().result()
                if done:
                    return
                for task in itertools.islice(tasks, 1):
                    waiting.append(pool.submit(self._attempt, ids, make, task))
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _attempt(self, ids: Iterator[int], make: Callable[..., Any], task: tuple) -> tuple[bool, Any]:
        """Return whether the iteration has ended, and the batch; a future cannot carry StopIteration itself."""
        if get_worker_info() is None:
            number = next(ids)
            _worker.info = WorkerInfo(number, 1 if self.iterated else self.num_workers, self.dataset)
            if self.worker_init_fn is not None:
                self.worker_init_fn(number)
        try:
            return False, make(*task)
        except StopIteration:
            return True, None


def check_combination(
    iterated: bool, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Refuse arguments of a DataLoader that contradict each other."""
    if iterated:
        for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value not in (None, False):
                raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, got {value!r}")
    if sampler is not None and shuffle:
        raise ValueError("DataLoader: sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError(
            "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
        )
    if batch_size is None and drop_last:
        raise ValueError("DataLoader: batch_size=None turns batching off and is mutually exclusive with drop_last")
