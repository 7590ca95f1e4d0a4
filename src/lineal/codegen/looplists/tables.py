"""Which loop lists there are of a kernel, and how one is made: from a run that is noted, and tried beside the kernel."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.looplists.noting import Listing, Noted, NotingModule, Unlisted, extent, noted
from lineal.codegen.looplists.running import LEFT, LIST, NUMBER
from lineal.codegen.looplists.words import Words, worded

__all__ = ["Lists", "Table", "table"]

FIRST, EVERY, NEVER = 8, 64, 1 << 62
"""After how many calls that no list fits a kernel is looked at, an op that was not met before, and what is given up."""
MOST = 12
"""How many lists a kernel has at most."""
SMALL = 16384
"""How many numbers an array has at most for which a list is made: in larger ones NumPy's way to its loops is short."""
TRIALS = 4
"""On how many numbers of its own a list is tried beside its kernel, after those it was made from."""
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0)


class Table(np.ndarray):
    """The lists of a kernel, as words that emitted code reads, and what they refer to."""

    kept: list[Words]
    failures: int


def table(left: int = FIRST) -> Table:
    """Return a table without lists."""
    made = np.zeros(LIST + MOST, np.int64).view(Table)
    made[LEFT], made.kept, made.failures = left, [], 0
    return made


class Held(NamedTuple):
    """What stands for a tensor in an op's `run`."""

    value: np.ndarray


class Lists:
    """What makes lists: `play` runs the one that fits, of a table, on arrays, and returns None if none does."""

    def __init__(self, own: Mapping[str, int], functions: Mapping[str, int], play: Callable[..., Any], op: type):
        self.own, self.functions, self.play, self.op = own, functions, play, op
        self.sampled = table(EVERY)
        """The table of all ops that have none: one call in so many gives its op one."""
        self.lock = Lock()

    def consider(self, lists: Table, kernel: Any, *arrays: np.ndarray) -> None:
        """Give an op a table, or a kernel's table a list for such arrays, if there can be one."""
        if lists is self.sampled:
            kernel.__dict__["lists"], lists[LEFT] = table(), EVERY
            return
        if max([each.size for each in arrays]) > SMALL:
            lists[LEFT] = EVERY
            return
        if not self.lock.acquire(blocking=False):
            lists[LEFT] = 1
            return
        try:
            self.enter(lists, self.listed(kernel, arrays))
        except Exception:
            # whatever a kernel says to arrays that are none of NumPy's own, NumPy's it takes
            lists.failures += 1
            lists[LEFT] = NEVER if lists.failures > 3 else EVERY
        finally:
            self.lock.release()

    def enter(self, lists: Table, made: Words) -> None:
        """Enter a list in a table."""
        number = len(lists.kept)
        lists.kept.append(made)
        lists[LIST + number] = made.words.ctypes.data
        lists[NUMBER] = number + 1
        lists[LEFT] = NEVER if number + 1 == MOST else FIRST << number

    def work(self, kernel: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return what a kernel, or an op, makes of arrays, and of arrays that note it."""
        if not isinstance(kernel, self.op):
            return kernel, kernel
        if type(kernel).run is self.op.run:
            return functools.partial(kernel.eager, np), functools.partial(kernel.eager, NotingModule())
        run = lambda *arrays: kernel.run(tuple([Held(each) for each in arrays]))
        return run, run

    def listed(self, kernel: Any, arrays: Sequence[np.ndarray]) -> Words:
        """Return the list of a kernel for arrays like these; Unlisted if there can be none."""
        with np.errstate(all="ignore"):
            return self.tried(*self.work(kernel), arrays)

    def tried(self, work: Callable[..., Any], heard: Callable[..., Any], arrays: Sequence[np.ndarray]) -> Words:
        """Return the list that `heard` tells of, if it gives the bits of `work`."""
        given = [like(each) for each in arrays]
        for each, array in zip(given, arrays):
            each[...] = array
        Noted.listing = listing = Listing(given)
        try:
            results = heard(*map(noted, given))
        finally:
            Noted.listing = None
        results = results if isinstance(results, tuple) else (results,)
        if not all(isinstance(each, Noted) for each in results):
            raise Unlisted("results that are made unseen")
        made = worded(listing, given, results, self.own)
        self.compare(made, work, given)
        return made

    def compare(self, made: Words, work: Callable[..., Any], given: Sequence[np.ndarray]) -> None:
        """Raise Unlisted if a list gives other bits than its kernel."""
        trial = table()
        self.enter(trial, made)
        rng = np.random.default_rng(0)
        for n in range(1 + TRIALS):
            if n:
                for each in given:
                    each[...] = drawn(rng, each, special=n > 2)
            wanted, found = (y if isinstance(y, tuple) else (y,) for y in (work(*given), self.play(trial, *given)))
            if len(wanted) != len(found) or not all(map(same, wanted, found)):
                raise Unlisted("other numbers than the kernel's")


def like(array: np.ndarray) -> np.ndarray:
    """Return an array of memory of its own with the strides of another."""
    low, high = extent(array)
    memory = np.zeros(high - low, np.uint8)
    start = array.__array_interface__["data"][0] - low
    return np.ndarray(array.shape, array.dtype, memory, start, array.strides)


def drawn(rng: np.random.Generator, like: np.ndarray, special: bool) -> np.ndarray:
    """Return numbers for the place of an array's, some of them special."""
    if like.dtype.kind not in "fc":
        return rng.integers(0, 2 if like.dtype.kind == "b" else 4, like.shape).astype(like.dtype)
    made = rng.standard_normal(like.shape) * 3
    if special:
        made = np.where(rng.random(like.shape) < 0.3, rng.choice(SPECIAL, like.shape), made)
    return made.astype(like.dtype)


def same(a: Any, b: Any) -> bool:
    """Return whether two arrays are alike to the last bit."""
    a, b = np.asarray(a), np.asarray(b)
    alike = (a.dtype, a.shape, a.strides) == (b.dtype, b.shape, b.strides)
    return alike and a.tobytes() == b.tobytes()
