"""`DataLoader`: batches of a data set, one after the other, made here or ahead of time by processes or threads."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import multiprocessing.context
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from lineal.data.ahead import Ahead, Team
from lineal.data.collate import default_collate, default_convert
from lineal.data.dataset import Dataset, IterableDataset
from lineal.data.fetching import Ended, Indexed, Iterated
from lineal.data.processes import Processes
from lineal.data.sampler import BatchSampler, RandomSampler, SequentialSampler, drawn_seed
from lineal.data.threads import Threads
from lineal.data.workers import Job
from lineal.ops import Generator

THREAD = "thread"
"""The `multiprocessing_context` of workers that are threads."""
FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")

T = TypeVar("T")


class Endless:
    """The sampler of a data set that is only iterated: it asks for the next item, for ever."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T]):
    """Iterates over batches of `dataset`; each new iteration is a new pass, shuffled anew if `shuffle`.

    `num_workers` > 0 makes the batches ahead of time in that many processes, `prefetch_factor` for each. Batch i is made by
    worker i modulo `num_workers`, batches come in order unless `in_order` is False, and an error is raised where its batch
    would have come, of the same type, with the worker's traceback. Each worker has its own copy of the data set and its own
    default generators, of lineal, Python and NumPy, so that random items depend on the seed and the number of workers alone.
    An IterableDataset yields its items once for each worker unless it splits itself by `get_worker_info()`.
    `persistent_workers` keeps the workers for the next pass; `timeout` is the longest wait for a batch, in seconds.
    `batch_size=None` yields items as they are.

    `multiprocessing_context` says how processes start: "fork", "spawn", "forkserver" or a context of `multiprocessing`, by
    default what that starts by; "thread" means threads, which start at once and share all memory, but also Python's lock.
    Large arrays come from processes in memory that both map. A worker that dies is a RuntimeError.

    As in PyTorch, each pass draws one number from `generator`, by default the global one: the workers' base seed; persistent
    workers are seeded once. `pin_memory` and `pin_memory_device` are accepted for PyTorch's sake. ValueError if arguments
    contradict each other.
    """

    def __init__(
        self,
        dataset: Dataset[T] | Sequence[T],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[T]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        check_workers(num_workers, prefetch_factor, persistent_workers, timeout)
        self.dataset: Any = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.generator = generator
        self.persistent_workers = persistent_workers
        self.iterated = isinstance(dataset, IterableDataset)
        check_combination(self.iterated, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None:
            sampler = self._default_sampler_(bool(shuffle))
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._team: Team | None = None
        self._pass: Ahead | None = None
        self._promised: int | None = None
        """How many batches of an iterated data set `len` has told of."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIXED and "_promised" in self.__dict__:
            raise ValueError(f"DataLoader: {name} attribute should not be set after {type(self).__name__} is initialized")
        object.__setattr__(self, name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How worker processes are started: a context of `multiprocessing`, "thread", or None for its default."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, given: Any) -> None:
        self._context = checked_context(given, self.num_workers)

    def _default_sampler_(self, shuffle: bool) -> Iterable[Any]:
        if self.iterated:
            return Endless()
        return RandomSampler(self.dataset, generator=self.generator) if shuffle else SequentialSampler(self.dataset)

    def __len__(self) -> int:
        if self.iterated:
            self._promised = length = len(self.dataset)
            if self.batch_size is None:
                return length
            self._promised = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
            return self._promised
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        if self.timeout and not self.num_workers:
            raise AssertionError("DataLoader: timeout needs num_workers > 0")
        wanted = iter(self.sampler if self.batch_sampler is None else self.batch_sampler)
        if self.num_workers == 0:
            drawn_seed(self.generator)
            batches = map(self._maker_()(self.dataset), wanted)
            return self._counted_(until_ended(batches)) if self.iterated else batches
        ahead = self._ahead_(wanted)
        return self._counted_(ahead) if self.iterated else ahead

    def _ahead_(self, wanted: Iterator[Any]) -> Ahead:
        """Return the batches of one pass, made by workers."""
        if self._pass is not None:
            self._pass.abandon()
        team = self._team
        if team is None or team.closed:
            team = self._new_team_()
        else:
            team.renew()
        depth = self.prefetch_factor or 1
        found = Ahead(team, wanted, depth, self.timeout, self.persistent_workers, self.in_order)
        self._pass = found if self.persistent_workers else None
        return found

    def _new_team_(self) -> Team:
        """Return workers that have begun the data set."""
        # they must not hold the loader, whose end is theirs
        job = Job(self.dataset, self.num_workers, drawn_seed(self.generator), self._maker_(), self.worker_init_fn)
        context = self.multiprocessing_context
        team = Threads(job) if context == THREAD else Processes(job, context or multiprocessing)
        if self.persistent_workers:
            self._team = team
            weakref.finalize(self, team.dismiss)
        return team

    def _maker_(self) -> Callable[[Any], Any]:
        """Return what makes, of the data set or of a worker's copy of it, what fetches its batches."""
        batched, collate = self.batch_sampler is not None, self.collate_fn
        if self.iterated:
            return functools.partial(Iterated, batched=batched, collate=collate, drop_last=self.drop_last)
        return functools.partial(Indexed, batched=batched, collate=collate)

    def _counted_(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield the batches, and warn if they are more than `len` has told."""
        for number, batch in enumerate(batches, 1):
            if self._promised is not None and number > self._promised:
                warnings.warn(
                    f"DataLoader: Length of IterableDataset {self.dataset} was reported to be {self._promised} (when accessing "
                    f"len(dataloader)), but {number} samples have been fetched"
                    + ("; each worker yields all items unless the data set splits itself" if self.num_workers else ""),
                    stacklevel=2,
                )
            yield batch


def until_ended(batches: Iterator[Any]) -> Iterator[Any]:
    """Yield batches until there are no further items."""
    try:
        yield from batches
    except Ended:
        return


def checked_context(given: Any, count: int) -> Any:
    """Return the context of a name, or a context as it is; refuse what is neither."""
    if given is None or (given == THREAD and count):
        return given
    if count == 0:
        raise ValueError(
            "DataLoader: multiprocessing_context can only be used with multi-process loading (num_workers > 0), "
            "but got num_workers=0"
        )
    if isinstance(given, str):
        methods = multiprocessing.get_all_start_methods()
        if given not in methods:
            raise ValueError(
                "DataLoader: multiprocessing_context option should specify a valid start method in "
                f"{[*methods, THREAD]}, but got multiprocessing_context={given!r}"
            )
        return multiprocessing.get_context(given)
    if not isinstance(given, multiprocessing.context.BaseContext):
        raise TypeError(
            "DataLoader: multiprocessing_context option should be a valid context object or a string specifying the start "
            f"method, but got multiprocessing_context={given!r}"
        )
    return given


def check_workers(count: int, prefetch_factor: int | None, persistent: bool, timeout: float) -> None:
    """Refuse what is no number of workers, and what makes no sense without them."""
    if count < 0:
        raise ValueError(f"DataLoader: num_workers should be non-negative, got {count}")
    if timeout < 0:
        raise ValueError(f"DataLoader: timeout should be non-negative, got {timeout}")
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(f"DataLoader: prefetch_factor should be positive, got {prefetch_factor}")
    for name, given in (("prefetch_factor", prefetch_factor is not None), ("persistent_workers", persistent)):
        if count == 0 and given:
            raise ValueError(f"DataLoader: {name} needs num_workers > 0")


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
