"""Random streams for worker threads: of Python's and NumPy's global generators, one of each to a thread.

`random` and `numpy.random` have one generator for the whole process, so what a worker drew would depend on when the others
draw. While workers run, the functions of both modules therefore ask which thread calls: a worker has generators of its own,
seeded as PyTorch seeds those of its processes, and every other thread draws from the global ones. What user code took out of
the modules before (`from random import random`, `from numpy.random import rand`) may go on drawing from the global ones.
"""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import MethodType
from typing import Any, NamedTuple

import numpy as np

from lineal.ops.random.generator import Generator, thread_generator

__all__ = ["diverted", "numpy_words", "restored", "seeded"]


class Streams(NamedTuple):
    """The generators that stand for the global ones in a thread."""

    python: random.Random
    numpy: np.random.RandomState


streams: ContextVar[Streams | None] = ContextVar("streams", default=None)
lock = threading.Lock()
replaced: list[tuple[Any, str, Any]] = []
"""What stood where before workers ran: the module, or Python's global generator, the name, and the function."""
threads = 0
"""How many workers run."""


def seeded(base_seed: int, number: int) -> int:
    """Give the thread that calls this, worker `number`, generators of its own; returns lineal's seed for it."""
    seed = base_seed + number
    streams.set(Streams(random.Random(seed), np.random.RandomState(numpy_words(base_seed, number))))
    thread_generator.set(Generator().manual_seed(seed))
    return seed


def numpy_words(base_seed: int, number: int) -> Any:
    """Return the words that seed NumPy's generator of worker `number`, the same as PyTorch's."""
    return np.random.SeedSequence([number, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]).generate_state(4)


class Chosen:
    """A function of a global generator that, in a worker, is that of the worker's generator."""

    def __init__(self, original: Callable[..., Any], kind: str):
        functools.update_wrapper(self, original)
        self.original = original
        self.kind = kind

    def __call__(self, _generator: Any, *args: Any, **kwargs: Any) -> Any:
        own = streams.get()
        function = self.original if own is None else getattr(getattr(own, self.kind), self.original.__name__)
        return function(*args, **kwargs)


def places() -> Iterator[tuple[Any, str, Any]]:
    """Yield where the functions of the global generators are reached, and what is there."""
    python = random.random.__self__
    for module, generator in ((random, python), (np.random, np.random.rand.__self__)):
        for name, function in list(vars(module).items()):
            if getattr(function, "__self__", None) is generator:
                yield module, name, function
    # the generator's own methods draw by these two, also when they were imported by name
    yield python, "random", python.random
    yield python, "getrandbits", python.getrandbits
    yield np.random, "seed", np.random.seed


def diverted() -> None:
    """Let the functions of `random` and `numpy.random` ask which thread calls, until `restored` is called as often."""
    global threads
    with lock:
        threads += 1
        if threads > 1:
            return
        for holder, name, function in list(places()):
            owner, kind = (np.random.rand.__self__, "numpy") if holder is np.random else (random.random.__self__, "python")
            # a bound method still, so that who asks for its generator finds it
            setattr(holder, name, MethodType(Chosen(function, kind), owner))
            replaced.append((holder, name, function))


def restored() -> None:
    """Put the functions back when the last worker goes."""
    global threads
    with lock:
        threads -= 1
        while threads == 0 and replaced:
            holder, name, function = replaced.pop()
            if isinstance(holder, random.Random):
                vars(holder).pop(name, None)
            elif isinstance(getattr(getattr(holder, name, None), "__func__", None), Chosen):
                setattr(holder, name, function)
