"""Matching: whether what the turns of a stretch read repeats as their equations do.

Views are looked through: they only say where something is read. What a turn reads is of one of four kinds:

* own: another equation of the same turn makes it;
* carried: an equation of the turn before makes it, or of one a few turns before; the first turns are given it from outside;
* constant: it is the same in all turns, from outside;
* walking: a slice of the same thing from outside, in each turn the next one; or a number, in each turn another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.compiler.lowering.support import identity
from lineal.compiler.nodes.turns import Rolled, Walk
from lineal.compiler.rewrites.rolling.periods import Stretch
from lineal.core import Op
from lineal.ops.indexing.basic import Slice as Items
from lineal.ops.structural.slicing import Select, Slice
from lineal.tracing import Equation, Var

__all__ = ["Carried", "Constant", "Kind", "Lines", "Numbers", "Own", "Walking", "is_view", "matched", "same"]

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


class Lines:
    """Equations, those that only look into others apart from those that make something: the steps."""

    def __init__(self, equations: Sequence[Equation], literals: dict[Var, np.ndarray]):
        self.equations, self.literals = equations, literals
        self.steps: list[Equation] = []
        self.views: dict[Var, Equation] = {}
        self.paths: dict[Var, tuple[Var, tuple[Op, ...]]] = {}
        """What is looked into, and by which view ops."""
        self.home: dict[Var, tuple[int, int]] = {}
        """Which step makes a variable, and as which of its outputs."""
        self.words: dict[Any, int] = {}
        self.tokens: list[int] = []
        self.reads: list[tuple[int, int, int, int]] = []
        """Of each input of each step, as numbers: its root, the step and output that make it (-1 if none does), its path."""
        self.first: list[int] = [0]
        """Where the inputs of each step begin among them."""
        self.sames: dict[int, Any] = {}
        for each in equations:
            if is_view(each):
                self.look(each)
            else:
                self.enter(each)

    def look(self, view: Equation) -> None:
        """Enter a view."""
        (x,), (y,) = view.inputs, view.outputs
        root, path = self.path(x)
        self.paths[y] = root, (*path, view.op)
        self.views[y] = view

    def enter(self, step: Equation) -> None:
        """Enter a step."""
        for var in step.inputs:
            root, path = self.paths.get(var) or (var, ())
            made = self.home.get(root, (-1, 0))
            way = self.word(tuple(map(self.same, path))) if path else -1
            self.reads.append((self.word(root), *made, way))
        self.first.append(len(self.reads))
        self.tokens.append(self.token(step))
        self.home.update((var, (len(self.steps), n)) for n, var in enumerate(step.outputs))
        self.steps.append(step)

    def word(self, what: Any) -> int:
        """Return a number that stands for a thing."""
        return self.words.setdefault(what, len(self.words))

    def same(self, op: Op) -> Any:
        """Return what equal ops have in common."""
        known = self.sames.get(id(op))
        if known is None:
            known = self.sames[id(op)] = identity(op) or op
        return known

    def path(self, var: Var) -> tuple[Var, tuple[Op, ...]]:
        """Return what a variable looks into, and by which view ops."""
        return self.paths.get(var) or (var, ())

    def root(self, var: Var) -> Var:
        """Return what a variable looks into."""
        return self.path(var)[0]

    def chain(self, var: Var) -> list[Equation]:
        """Return the views by which a variable looks into its root, from there."""
        found: list[Equation] = []
        while var in self.views:
            found.append(self.views[var])
            var = found[-1].inputs[0]
        return found[::-1]

    def token(self, step: Equation) -> int:
        """Return what equal steps have in common, as a number: op, shapes and dtypes."""
        known = self.same(step.op)
        if known is step.op or step.op.effect or isinstance(step.op, Rolled):
            return -1 - len(self.steps)
        specs = [var.spec for var in (*step.inputs, *step.outputs)]
        return self.word((known, len(step.inputs), *specs))


def is_view(equation: Equation) -> bool:
    """Return whether an equation only looks into another variable."""
    return equation.op.aliasing is not None and len(equation.inputs) == len(equation.outputs) == 1


def matched(lines: Lines, stretch: Stretch, fewest: int) -> tuple[Stretch, list[list[Kind]]] | None:
    """Return of a stretch the first turns that read alike, and what kind the inputs of a turn's steps are; None if too few."""
    start, period, turns = stretch
    while turns >= fewest:
        kinds, good = kinds_of(lines, Stretch(start, period, turns))
        if good >= fewest:
            return (
                (Stretch(start, period, good), kinds) if good == turns else matched(lines, Stretch(start, period, good), fewest)
            )
        start, turns = start + (good + 1) * period, turns - good - 1
        if good > MOST_BACK:
            break
    return None


def kinds_of(lines: Lines, stretch: Stretch) -> tuple[list[list[Kind]], int]:
    """Return what kind of input each is that a turn's steps read, and how many turns, from the first on, agree with it."""
    start, period, turns = stretch
    first = lines.first[start : start + period + 1]
    reads = np.array(lines.reads[first[0] : lines.first[stretch.stop]], np.int64).reshape(turns, first[-1] - first[0], 4)
    columns = Columns(lines, stretch, reads)
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
    """What the turns read as their first input, their second one, and so on; `reads` as `Lines` has them, turn by turn."""

    def __init__(self, lines: Lines, stretch: Stretch, reads: np.ndarray):
        self.lines, self.stretch = lines, stretch
        self.root, step, self.output, self.way = (reads[..., n] for n in range(4))
        self.inside = (step >= stretch.start) & (step < stretch.stop)
        turn, self.place = np.divmod(step - stretch.start, stretch.period)
        self.back = np.arange(stretch.turns)[:, None] - turn

    def kind(self, column: int, place: int, n: int, turns: int) -> tuple[Kind | None, int]:
        """Return what kind of input it is that the first turns read as input `n` of a step, and how many of them agree."""
        inside, way = self.inside[:turns, column], self.way[:turns, column]
        if not inside[MOST_BACK]:
            alike = ~inside & (way == way[0]) & (self.root[:turns, column] == self.root[0, column])
            return (Constant(), turns) if alike.all() else from_outside(self.lines, self.seen(place, n, turns))
        back, made, output = self.back[:turns, column], self.place[:turns, column], self.output[:turns, column]
        far = int(back[MOST_BACK])
        if far >= MOST_BACK:
            return None, 0
        same = (back == far) & (made == made[MOST_BACK]) & (output == output[MOST_BACK]) & (way == way[MOST_BACK])
        good = agreeing(np.where(np.arange(turns) < far, ~inside, inside & same))
        if not far:
            return Own(), good
        start, period = self.stretch.start, self.stretch.period
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
    walk = Walk(root, a, b)
    good = agreeing(
        same((path[step],), (walk.at(n),)) and same(path[:step], first[:step]) and same(path[step + 1 :], first[step + 1 :])
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


def same(one: Iterable[Op], other: Iterable[Op]) -> bool:
    """Return whether view ops look the same way."""
    ones, others = list(one), list(other)
    return len(ones) == len(others) and all(a is b or (identity(a) or a) == (identity(b) or b) for a, b in zip(ones, others))


def agreeing(facts: Any) -> int:
    """Return how many of them, from the first on, hold."""
    found = np.array([bool(each) for each in facts]) if not isinstance(facts, np.ndarray) else facts
    return len(found) if found.all() else int(np.argmin(found))
