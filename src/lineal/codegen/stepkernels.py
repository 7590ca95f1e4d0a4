"""Kernels that small arrays are given to again and again, as builtins (`cpython/stepcall.py`) that learn form by form.

The first calls with arrays of some form are the kernel's. Then it is recorded, and what the plan gives of these and of other
numbers is compared with what the kernel gives, bit by bit; a plan that gives anything else is not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from lineal.codegen.cpython.stepcall import AXES, FORMS, HOPELESS, ITSELF, SIZED, STRIDES, library, stepcall
from lineal.codegen.native import UNWRITABLE
from lineal.codegen.once import once
from lineal.codegen.proxies import Block
from lineal.codegen.steps import Recording
from lineal.codegen.strides import Form, form_of

__all__ = ["SHORT", "stepwise"]

SHORT = (1 << 14) + 1
"""From how many elements on NumPy's way to its loops is short beside them."""
SEEN = (3, 100, 1200)
"""After how many calls with a form a kernel is recorded, if it could not be before: some take native code only after many."""
MOST_SEEN, MOST_MISSED = 64, 5000
"""How many forms are counted, and how many calls that no plan fits."""
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0)
BETWEEN = 1 << 20
"""How many bytes plans may need for what is between; they share them."""


class StepKernel:
    """A kernel, the forms of arrays it was given, and the plans of those that have one."""

    def __init__(self, kernel: Callable[..., Any], *ahead: Any):
        self.kernel, self.ahead = kernel, ahead
        self.counts: dict[tuple[Form, ...], int] = {}
        self.plans = np.zeros(1 + FORMS, np.int64)
        """The number of plans and their addresses."""
        self.kept: list[Any] = []
        """What plans refer to."""
        self.missed = 0
        """How many calls no plan has fitted."""

    def __call__(self, *given: Any) -> Any:
        """Return what the kernel gives; learn, if these arrays came often."""
        self.missed += 1
        if any(type(each) is np.ndarray and each.size >= SHORT for each in given):
            return self.kernel(*given)
        if self.missed > MOST_MISSED or len(self.counts) > MOST_SEEN or any(a is not b for a, b in zip(given, self.ahead)):
            if self.missed > MOST_MISSED and not self.kept:
                self.plans[0] = HOPELESS
            return self.kernel(*given)
        arrays = given[len(self.ahead) :]
        if not all(type(each) is np.ndarray for each in arrays):
            # what another kernel that is recorded passes on
            return self.kernel(*given)
        forms = tuple(map(form_of, arrays))
        self.counts[forms] = count = self.counts.get(forms, 0) + 1
        if count in SEEN and all(0 < each.size < SHORT for each in arrays):
            return self.learned(arrays, count == SEEN[-1])
        return self.kernel(*given)

    def learned(self, arrays: Sequence[np.ndarray], last: bool) -> Any:
        """Return what the kernel gives; take a plan if it gives the same. Without one, the `last` time, there will be none."""
        y = self.kernel(*self.ahead, *arrays)
        try:
            words, kept = plan(self.kernel, arrays, *self.ahead)
        except UNWRITABLE:
            if last and not self.kept:
                self.plans[0] = HOPELESS
            return y
        trial = np.array([1, words.ctypes.data], np.int64)
        run = stepcall(trial, refused, refused)
        if run is None or not alike(run(*self.ahead, *arrays), y) or not self.holds(run, arrays):
            return y
        place = int(self.plans[0]) + 1
        if place <= FORMS:
            self.kept.append((words, kept))
            # the number last: another thread may look
            self.plans[place] = words.ctypes.data
            self.plans[0] = place
        return y

    def holds(self, run: Callable[..., Any], arrays: Sequence[np.ndarray]) -> bool:
        """Return whether a plan gives what the kernel gives of other numbers too, where it does not leave them to it."""
        rng = np.random.default_rng(0)
        for special in (False, False, True):
            others = [drawn(rng, each, special) for each in arrays]
            found = run(*self.ahead, *others)
            try:
                with np.errstate(all="ignore"):
                    wanted = self.kernel(*self.ahead, *others)
            except Exception:
                # numbers that the kernel refuses; a plan that takes them is none
                if found is not None:
                    return False
                continue
            if found is not None and not alike(found, wanted):
                return False
        return True


def stepwise(kernel: Callable[..., Any], *ahead: Any) -> Callable[..., Any]:
    """Return a builtin that gives what a kernel gives of `ahead` and of arrays; the kernel itself where there is none."""
    learning = StepKernel(kernel, *ahead)
    return stepcall(learning.plans, learning, kernel) or kernel


def drawn(rng: np.random.Generator, like: np.ndarray, special: bool) -> np.ndarray:
    """Return other numbers in an array that lies like another, some of them special."""
    steps = [step * (size - 1) for step, size in zip(like.strides, like.shape)]
    low, high = sum(each for each in steps if each < 0), sum(each for each in steps if each > 0)
    made = np.ndarray(like.shape, like.dtype, np.zeros(high - low + like.itemsize, np.uint8), -low, like.strides)
    if like.dtype.kind != "f":
        made[...] = rng.integers(0, 2 if like.dtype.kind == "b" else 4, like.shape)
        return made
    numbers = rng.standard_normal(like.shape) * 3
    made[...] = np.where(rng.random(like.shape) < 0.3, rng.choice(SPECIAL, like.shape), numbers) if special else numbers
    return made


def refused(*given: Any) -> None:
    """Return nothing: what a plan does that does not fit what it was made of."""


def alike(a: Any, b: Any) -> bool:
    """Return whether two results are the same, bit by bit; which NaN it is does not matter, and NumPy does not say."""
    if type(a) is tuple or type(b) is tuple:
        return type(a) is type(b) and len(a) == len(b) and all(map(alike, a, b))
    a, b = np.asarray(a), np.asarray(b)
    if (a.dtype, a.shape, b.flags.c_contiguous) != (b.dtype, b.shape, True):
        return False
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0]))


@once
def between() -> np.ndarray:
    """Return the memory for what is between."""
    return np.empty(BETWEEN, np.uint8)


def plan(kernel: Callable[..., Any], arrays: Sequence[np.ndarray], *ahead: Any) -> tuple[np.ndarray, list[Any]]:
    """Return the plan of a kernel for arrays of these forms, and what it refers to."""
    recording = Recording(arrays, len(ahead))
    made = recording.run(partial(kernel, *ahead))
    nowhere, places = recording.end + len(made), placed(recording.blocks)
    rows = [[recording.end, len(made), len(recording.steps)]]
    rows += [[id(each), ITSELF, AXES] for each in ahead]
    rows += [argument(each) for each in arrays]
    rows += [[id(each.dtype), each.ndim, AXES + each.ndim, *each.shape] for each in made]
    for loop, turns, sizes, strides, operands in recording.steps:
        code, data = loop if isinstance(loop[0], int) else (library()[0][loop[0]], loop[1])  # type: ignore[index]
        begin = STRIDES + len(strides)
        row = [
            code,
            data,
            len(operands),
            begin + 4 * len(operands),
            begin,
            *turns,
            *sizes,
            *[0] * (SIZED - len(sizes)),
            *strides,
        ]
        for block, offset, *moves in operands:
            row += [nowhere if block.place is None else block.place, offset + places.get(id(block), 0), *moves]
        rows.append(row)
    kept = recording.kept + [each.value for each in recording.blocks if not each.new and each.place is None]
    return np.array([word for row in rows for word in row], np.int64), [
        kept,
        [each.dtype for each in (*arrays, *made)],
        kernel,
        ahead,
    ]


def argument(x: np.ndarray) -> list[int]:
    """Return a plan's row of an argument; the strides of axes of size 1 do not matter."""
    axes = [word for size, step in zip(x.shape, x.strides) for word in (size, step, int(size > 1))]
    return [id(x.dtype), x.ndim, AXES + len(axes), *axes]


def placed(blocks: Sequence[Block]) -> dict[int, int]:
    """Return the addresses of the blocks that are neither arguments nor results."""
    found, place, end = {}, between().ctypes.data, between().ctypes.data + BETWEEN
    for each in blocks:
        if each.place is None and each.new:
            found[id(each)] = place
            place += -(-each.value.nbytes // 64) * 64
        elif each.place is None:
            found[id(each)] = each.value.ctypes.data
    if place > end:
        raise NotImplementedError("more than fits between")
    return found
