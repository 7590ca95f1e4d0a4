"""Samplers: in which order a data set is visited."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

from lineal.base import dtypes
from lineal.ops import Generator, default_generator, multinomial, randint, randperm
from lineal.ops.random.sampling import Integers
from lineal.tensors import as_tensor

DRAWN_AT_ONCE = 1 << 16
"""How many indices with replacement are drawn at once, however many are asked for."""


class Sampler:
    """The base of samplers: define `__iter__`, which yields indices, and `__len__` if it is known."""

    def __init__(self, data_source: Any = None):
        pass

    def __class_getitem__(cls, item: Any) -> type:
        return cls

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: a Sampler must define __iter__")


def check_count(name: str, value: Any, what: str = "num_samples") -> int:
    """Refuse a number of samples that is no positive int."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"{name}: {what} should be a positive integer value, but got {what}={value}")
    return value


def drawn_seed(generator: Any = None) -> int:
    """Draw a seed from a generator, by default from the global one."""
    return int((generator or default_generator).draw(Integers((), dtypes.int64, 0, (1 << 63) - 1)).item())


class SequentialSampler(Sampler):
    """Every index once, in order."""

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Every index once, in random order; with `replacement`, independent draws.

    `num_samples` is how many, by default as many as there are items; more than that starts another permutation.
    """

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None):
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: expected replacement to be a bool, got {replacement!r}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        check_count("RandomSampler", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices one pass yields."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        count = len(self.data_source)
        # one draw from the global generator, whatever else draws from it during the pass
        generator = Generator().manual_seed(drawn_seed()) if self.generator is None else self.generator
        if self.replacement:
            for done in range(0, self.num_samples, DRAWN_AT_ONCE):
                size = min(DRAWN_AT_ONCE, self.num_samples - done)
                yield from randint(count, (size,), dtype=dtypes.int64, generator=generator).tolist()
            return
        # the last permutation is drawn as in PyTorch, be it that nothing of it is left to yield
        for left in range(self.num_samples, -1, -count):
            yield from randperm(count, generator=generator).tolist()[:left]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Every one of the given indices once, in random order."""

    def __init__(self, indices: Sequence[int], generator: Any = None):
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for place in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Draws of the indices 0 … len(weights)-1 with probabilities proportional to `weights`."""

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None):
        if not isinstance(replacement, bool):
            raise ValueError(f"WeightedRandomSampler: expected replacement to be a bool, got {replacement!r}")
        self.num_samples = check_count("WeightedRandomSampler", num_samples)
        self.weights = as_tensor(weights, dtype=dtypes.float64)
        if self.weights.ndim != 1:
            raise ValueError(f"WeightedRandomSampler: expected weights of one dimension, got shape {list(self.weights.shape)}")
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class DistributedSampler(Sampler):
    """The share of one of `num_replicas` processes, number `rank`, in the indices of a data set.

    All processes draw the same permutation if `shuffle`, from `seed` and the number of the epoch (`set_epoch`), and each takes
    every `num_replicas`-th index. Shares are of one length: the first indices come again, or with `drop_last` the last ones are
    left out. RuntimeError if `num_replicas` or `rank` is left open, since there are no groups of processes to ask.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ):
        if num_replicas is None or rank is None:
            raise RuntimeError("DistributedSampler: Requires distributed package to be available, or num_replicas and rank")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"DistributedSampler: Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.epoch = 0
        self.drop_last, self.shuffle, self.seed = drop_last, shuffle, seed
        count = len(dataset)
        self.num_samples = count // num_replicas if drop_last else -(-count // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        indices = range(count)
        if self.shuffle:
            indices = randperm(count, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        whole = itertools.islice(itertools.cycle(indices), self.total_size)
        return itertools.islice(whole, self.rank, None, self.num_replicas)

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be shuffled as that of this epoch."""
        self.epoch = epoch


class BatchSampler(Sampler):
    """The indices of another sampler in lists of `batch_size`; `drop_last` drops a last list that is shorter."""

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool):
        check_count("BatchSampler", batch_size, "batch_size")
        if not isinstance(drop_last, bool):
            raise ValueError(f"BatchSampler: expected drop_last to be a bool, got {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
