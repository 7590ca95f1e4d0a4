"""Matching: whether what the turns of a stretch read repeats as their equations do.

Views are looked through: they only say where something is read. What a turn reads is of one of four kinds:

* own: another equation of the same turn makes it;
* carried: an equation of the turn before makes it, or of one a few turns before; the first turns are given it from outside;
* constant: it is the same in all turns, from outside;
* walking: a slice of the same thing from outside, in each turn the next one; or a number, in each turn another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.compiler.lowering.support import identity
from lineal.compiler.nodes.turns import between
from lineal.compiler.rewrites.rolling.lines import Lines
from lineal.compiler.rewrites.rolling.periods import Stretch, runs
from lineal.core import Op
from lineal.ops.indexing.basic import Slice as Items
from lineal.ops.indexing.basic import slice_op
from lineal.ops.structural.slicing import Select, Slice
from lineal.tracing import Var

__all__ = ["WALKING", "Carried", "Constant", "Kind", "Numbers", "Own", "Walking", "matched", "same", "standing"]

MOST_BACK = 4
"""How many turns back a turn may read."""

WALKING = (Select, Slice, Items)
"""The view ops by which a turn may read a slice of its own."""


@dataclass(frozen=True)
class Own:
    """An input that the turn itself makes."""


@dataclass(frozen=True)
class Constant:
    """An input that is the same in all turns."""


@dataclass(frozen=True)
class Carried:
    """An input that was made `back` turns before; in the first turns it is one of the variables in `first`, in order."""

    place: tuple[int, int]
    path: tuple[Op, ...]
    back: int
    first: tuple[Var, ...]


@dataclass(frozen=True)
class Walking:
    """An input that shows one slice after another: `step` views are the same in all turns before the one that moves."""

    root: Var
    step: int
    first: Op
    second: Op


@dataclass(frozen=True)
class Numbers:
    """An input that is another number, known beforehand, in each turn."""

    roots: tuple[Var, ...]


Kind = Own | Constant | Carried | Walking | Numbers


def matched(lines: Lines, stretch: Stretch, fewest: int) -> Iterator[tuple[Stretch, list[list[Kind]]]]:
    """Yield the parts of a stretch whose turns read alike, and what kind the inputs of a turn's steps are.

    Loops in a loop may be one stretch: they are found together, so that the one around them sees all of them.
    """
    for each in alike(lines, stretch, fewest):
        yield from searched(lines, each, fewest)


def alike(lines: Lines, stretch: Stretch, fewest: int) -> Iterator[Stretch]:
    """Yield the parts of a stretch in which every turn may read as the one before: what it made itself, or from the same."""
    start, period, turns = stretch
    rows = slice(lines.first[start], lines.first[stretch.stop])
    near, sources = lines.near[rows], lines.sources[rows]
    width = len(near) // turns
    same = (near[width:] == near[: len(near) - width]) | (sources[width:] == sources[: len(near) - width])
    for first, last in runs(same.reshape(turns - 1, width).all(1), fewest - MOST_BACK):
        # the first turns may be given from outside what later ones are by those before them
        begin = max(0, first - MOST_BACK + 1)
        if last - begin + 1 >= fewest:
            yield Stretch(start + begin * period, period, last - begin + 1)


def searched(lines: Lines, stretch: Stretch, fewest: int) -> Iterator[tuple[Stretch, list[list[Kind]]]]:
    """Yield the turns of a stretch that read alike, one part after the other, with their kinds."""
    start, period, turns = stretch
    while turns >= fewest:
        few = min(turns, 2 * fewest)
        kinds, good = kinds_of(lines, Stretch(start, period, few))
        if good == few < turns:
            kinds, good = kinds_of(lines, Stretch(start, period, turns))
        if good == turns:
            yield Stretch(start, period, turns), kinds
            return
        if good >= fewest:
            yield from searched(lines, Stretch(start, period, good), fewest)
        # of the last that agreed, some may be the first of others
        skipped = good if good >= fewest else max(1, good - 2)
        start, turns = start + skipped * period, turns - skipped


def kinds_of(lines: Lines, stretch: Stretch) -> tuple[list[list[Kind]], int]:
    """Return what kind of input each is that a turn's steps read, and how many turns, from the first on, agree with it."""
    start, period, turns = stretch
    first = lines.first[start : start + period + 1]
    columns = Columns(lines, stretch)
    kinds: list[list[Kind]] = []
    good = turns
    for place in range(period):
        row: list[Kind] = []
        for n in range(first[place], first[place + 1]):
            kind, count = columns.kind(n - first[0], place, n - first[place], good)
            good = min(good, count)
            if kind is None or good <= MOST_BACK:
                return kinds, min(good, MOST_BACK)
            row.append(kind)
        kinds.append(row)
    return kinds, good


class Columns:
    """What the turns read as their first input, their second one, and so on."""

    def __init__(self, lines: Lines, stretch: Stretch):
        self.lines, self.stretch = lines, stretch
        rows = lines.reads[lines.first[stretch.start] : lines.first[stretch.stop]]
        self.reads = rows.reshape(stretch.turns, len(rows) // stretch.turns, 4)

    def kind(self, column: int, place: int, n: int, turns: int) -> tuple[Kind | None, int]:
        """Return what kind of input it is that the first turns read as input `n` of a step, and how many of them agree."""
        start, period, _ = self.stretch
        root, step, output, way = self.reads[:turns, column].T
        inside = (step >= start) & (step < self.stretch.stop)
        if not inside[MOST_BACK]:
            alike = ~inside & (way == way[0]) & (root == root[0])
            return (Constant(), turns) if alike.all() else from_outside(self.lines, self.seen(place, n, turns))
        turn, made = np.divmod(step - start, period)
        back = np.arange(turns) - turn
        far = int(back[MOST_BACK])
        if far >= MOST_BACK:
            return None, 0
        same = (back == far) & (made == made[MOST_BACK]) & (output == output[MOST_BACK]) & (way == way[MOST_BACK])
        good = agreeing(np.where(np.arange(turns) < far, ~inside, inside & same))
        if not far:
            return Own(), good
        column_of = [self.lines.steps[start + turn * period + place].inputs[n] for turn in range(far + 1)]
        path = self.lines.path(column_of[far])[1]
        return Carried((int(made[MOST_BACK]), int(output[MOST_BACK])), path, far, tuple(column_of[:far])), good

    def seen(self, place: int, n: int, turns: int) -> list[tuple[Var, tuple[Op, ...]]]:
        """Return what the first turns read as input `n` of a step: its roots and paths."""
        start, period = self.stretch.start, self.stretch.period
        steps = self.lines.steps[start + place : start + turns * period : period]
        return [self.lines.path(step.inputs[n]) for step in steps]


def from_outside(lines: Lines, seen: Sequence[tuple[Var, tuple[Op, ...]]]) -> tuple[Kind | None, int]:
    """Return the kind of an input that comes from outside in all turns, and how many turns agree."""
    (root, first), (other, second) = seen[0], seen[1]
    if other is not root and root in lines.literals:
        return numbers(lines, seen)
    good = agreeing(each is root and len(path) == len(first) for each, path in seen)
    if good < 2:
        return None, good
    moving = [n for n, (a, b) in enumerate(zip(first, second)) if not same((a,), (b,))]
    if not moving:
        return Constant(), agreeing(same(path, first) for _, path in seen[:good])
    step = moving[0]
    a, b = first[step], second[step]
    if len(moving) > 1 or type(a) not in WALKING or not follows(a, b):
        return None, 1
    good = agreeing(
        is_at(path[step], a, b, n) and same(path[:step], first[:step]) and same(path[step + 1 :], first[step + 1 :])
        for n, (_, path) in enumerate(seen[:good])
    )
    return Walking(root, step, a, b), good


def numbers(lines: Lines, seen: Sequence[tuple[Var, tuple[Op, ...]]]) -> tuple[Kind | None, int]:
    """Return the kind of an input that is a number from outside in all turns, and how many turns agree."""
    _, path = seen[0]
    good = agreeing(root in lines.literals and same(each, path) for root, each in seen)
    roots = tuple(root for root, _ in seen[:good])
    words = {repr(lines.literals[root].item()) for root in roots}
    return (Constant() if len(words) == 1 else Numbers(roots)), good


def follows(a: Any, b: Any) -> bool:
    """Return whether a view op shows the slice after another one's: of the same size, elsewhere."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Slice):
        return (a.dim, a.step) == (b.dim, b.step) and b.start - a.start == b.stop - a.stop
    if isinstance(a, Select):
        return a.dim == b.dim
    if len(a.items) != len(b.items) or any(type(x) is not type(y) for x, y in zip(a.items, b.items)):
        return False
    return all(
        x[2] == y[2] and None not in (*x, *y) and y[0] - x[0] == y[1] - x[1]
        if isinstance(x, tuple)
        else x is not None or y is None
        for x, y in zip(a.items, b.items)
    )


def standing(kind: Walking, shape: tuple[int, ...]) -> tuple[list[Op], Op, Op]:
    """Return the view of what a walk shows of all turns, if it is not all, and how the first two look behind that.

    Of `x[n, k]`, where k moves, that is `x[n, :]`: then the loops of all n are equal.
    """
    first, second = kind.first, kind.second
    if not isinstance(first, Items) or not isinstance(second, Items) or None in first.items:
        return [], first, second
    parts = list(zip(first.items, second.items, shape))
    stay = [a == b != (0, size, 1) for a, b, size in parts]
    if not any(stay):
        return [], first, second
    fixed = slice_op(tuple([a if yes else (0, size, 1) for (a, _, size), yes in zip(parts, stay)]))
    kept = [(a, b, yes) for (a, b, _), yes in zip(parts, stay) if not yes or isinstance(a, tuple)]
    moving = [tuple([(0, len(range(*pair[0])), 1) if pair[2] else pair[n] for pair in kept]) for n in (0, 1)]
    return [fixed], slice_op(moving[0]), slice_op(moving[1])


def is_at(op: Op, first: Op, second: Op, turn: int) -> bool:
    """Return whether a view op shows what a turn sees that sees `first` at first and `second` then."""
    fields = [(getattr(first, each), getattr(second, each), getattr(op, each)) for each in first.fields]
    return type(op) is type(first) and all(between(a, b, turn) == c for a, b, c in fields)


def same(one: Iterable[Op], other: Iterable[Op]) -> bool:
    """Return whether view ops look the same way."""
    ones, others = list(one), list(other)
    return len(ones) == len(others) and all(a is b or (identity(a) or a) == (identity(b) or b) for a, b in zip(ones, others))


def agreeing(facts: Any) -> int:
    """Return how many of them, from the first on, hold."""
    found = np.array([bool(each) for each in facts]) if not isinstance(facts, np.ndarray) else facts
    return len(found) if found.all() else int(np.argmin(found))
