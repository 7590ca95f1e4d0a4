"""Loops that end when a number says so: `while_loop`, told turn by turn, becomes a loop of as many turns as each call takes.

The turns that were traced, at least two, must be equal: then a turn is known, and how the loop ends. Nobody may read what a
turn made but the next one and, of the last, what is carried. Otherwise the trace stays as it is, for the turns that it had.
What the turns of a loop with a history are given goes onto a tape (`taping.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lineal.compiler.capturing.taping import Rewound, Taped, rows_for
from lineal.compiler.nodes.turns import Mark, Rolled, Turn
from lineal.compiler.rewrites.rolling.lines import Lines, Words, is_view
from lineal.compiler.rewrites.rolling.making import Body, Rolling
from lineal.compiler.rewrites.rolling.matching import Constant, Own, same
from lineal.compiler.rewrites.rolling.periods import Stretch
from lineal.compiler.rewrites.rolling.stacking import like
from lineal.tracing import Equation, Var

__all__ = ["endless", "nested"]


def endless(
    equations: list[Equation],
    reads: list[tuple[Var, int]],
    marks: list[Mark],
    wanted: list[Var],
    literals: dict[Var, np.ndarray],
    new: Callable[[np.ndarray], Var],
    differentiable: bool,
) -> tuple[list[Equation], list[tuple[Var, int]]]:
    """Return the equations and the numbers read, where what is marked is one loop each if it may be.

    If they are `differentiable`, loops remember where something in them has a history.
    """
    for mark in sorted(marks, key=lambda each: -each.starts[0]):
        around = any(mark.starts[0] <= each.starts[0] and each.stop <= mark.stop for each in marks if each is not mark)
        loop = None if around or len(mark.starts) < 3 else While(equations, reads, mark, literals, new)
        first, last = mark.reads[0], mark.reads[0] + len(mark.starts)
        # whether there is a first turn is read as before: without one, what is carried in the end is what it was
        others = [*reads[: first + 1], *reads[last:]]
        if loop is not None and loop.holds([*wanted, *(var for n, (var, _) in enumerate(others) if n != first)]):
            rows = loop.rows() if differentiable else 0
            if rows is not None:
                equations, reads = loop.woven(rows), others
    return equations, reads


@dataclass(frozen=True)
class Given:
    """An input that is what is carried at a place, seen by views: as many as there are behind `skip`."""

    place: int
    skip: int


class While(Body):
    """A loop that may become one equation."""

    def __init__(self, equations: list[Equation], reads: list[tuple[Var, int]], mark: Mark, literals: Any, new: Any):
        self.mark, self.all = mark, equations
        lines = Lines(equations, literals, Words())
        before = np.cumsum([0, *(not is_view(each) for each in equations)]).tolist()
        self.firsts = [before[start] for start in mark.starts]
        self.end = before[mark.stop]
        turns = len(mark.starts) - 1
        super().__init__(lines, Stretch(self.firsts[0], self.firsts[1] - self.firsts[0], turns), new)
        self.decisions = [var for var, _ in reads[mark.reads[0] : mark.reads[0] + turns + 1]]
        self.alone = mark.reads == list(range(mark.reads[0], mark.reads[0] + turns + 1))
        """Whether every turn reads one number: whether there is another one."""
        columns = list(zip(*mark.carried))
        self.moving = {n: column for n, column in enumerate(columns) if any(var is not column[0] for var in column)}
        """What is carried and not the same in all turns, turn by turn."""
        self.names = {n: new(like(column[0])) for n, column in self.moving.items()}
        """What stands for it in a turn."""

    def holds(self, wanted: list[Var]) -> bool:
        """Return whether the turns are equal, and nobody looks into them."""
        start, period, _ = self.stretch
        tokens, self.tail = self.lines.tokens, self.end - self.stretch.stop
        if (
            not self.moving
            or not self.alone
            or not 0 < self.tail <= period
            or self.firsts != list(range(start, self.stretch.stop + 1, period))
        ):
            return False
        if any(tokens[start + n] != tokens[start + n % period] for n in range(self.end - start)):
            return False
        if self.mark.history and not self.remembers_alike():
            return False
        kinds = [[self.kind(place, n) for n in range(len(self.step(0, place).inputs))] for place in range(period)]
        if any(kind is None for row in kinds for kind in row) or not all(map(self.handed_on, self.moving)):
            return False
        self.kinds: list[list[Any]] = kinds
        others = [*self.lines.steps[:start], *self.lines.steps[self.end :]]
        return self.decides() and all(map(self.apart, (*wanted, *(var for each in others for var in each.inputs))))

    def remembers_alike(self) -> bool:
        """Return whether history is on in all turns where it is on in the first one, and for what is seen by views there."""
        start, period, _ = self.stretch
        steps = self.lines.steps[start : self.end]
        read = [var for each in steps if each.grad for var in each.inputs] + [column[-1] for column in self.moving.values()]
        return all(each.grad == steps[n % period].grad for n, each in enumerate(steps)) and (
            not any(each.grad for each in steps) or all(each.grad for var in read for each in self.lines.chain(var))
        )

    def made(self, var: Var) -> tuple[int, int, int] | None:
        """Return in which turn a variable is made, by which of its steps, as which output; None if outside."""
        step, output = self.lines.home.get(var, (-1, 0))
        return (
            (*divmod(step - self.stretch.start, self.stretch.period), output) if self.stretch.start <= step < self.end else None
        )

    def apart(self, var: Var) -> bool:
        """Return whether a variable is none that the loop makes, but for what it carries in the end."""
        last = {column[-1] for column in self.moving.values()}
        while var in self.lines.views and var not in last:
            var = self.lines.views[var].inputs[0]
        return var in last or self.made(var) is None

    def kind(self, place: int, n: int) -> Any:
        """Return what kind of input it is that the turns read as input `n` of a step; None if they do not agree."""
        count = self.stretch.turns + (place < self.tail)
        column = [self.step(turn, place).inputs[n] for turn in range(count)]
        paths = [self.lines.path(var) for var in column]
        for m, handed in self.moving.items():
            bases = [self.lines.path(var) for var in handed[:count]]
            views = paths[0][1][len(bases[0][1]) :]
            if all(root is base and same(path, (*way, *views)) for (root, path), (base, way) in zip(paths, bases)):
                return Given(m, len(bases[1][1]))
        (root, path), makers = paths[0], [self.made(root) for root, _ in paths]
        if not all(same(way, path) for _, way in paths):
            return None
        if None in makers:
            return Constant() if all(each is root or self.equal(each, root) for each, _ in paths) else None
        return Own() if makers == [(turn, *makers[0][1:]) for turn in range(count)] else None  # type: ignore[index]

    def equal(self, one: Var, other: Var) -> bool:
        """Return whether two variables are the same number, known beforehand."""
        numbers = [repr(self.lines.literals[each].item()) for each in (one, other) if each in self.lines.literals]
        return len(numbers) == 2 and numbers[0] == numbers[1]

    def handed_on(self, n: int) -> bool:
        """Return whether every turn hands on the same: what one of its steps makes, perhaps seen by views.

        What it was given itself, of another place, would be a tensor of the caller's after some turns and not after others.
        """
        column, turns = self.moving[n], self.stretch.turns
        paths = [self.lines.path(var) for var in column[1:]]
        made = [self.made(root) for root, _ in paths]
        alike = all(same(path, paths[0][1]) for _, path in paths)
        return alike and made[0] is not None and made == [(turn, *made[0][1:]) for turn in range(turns)]

    def decides(self) -> bool:
        """Return whether the last step of each look at whether there is another turn makes the number that says so."""
        turns = range(self.stretch.turns + 1)
        return self.decisions == [self.step(turn, self.tail - 1).outputs[0] for turn in turns]

    def rows(self) -> int | None:
        """Return how many rows a tape has, for the derivative of the loop: 0 if it has none, None if they are too large."""
        steps = self.lines.steps[self.stretch.start : self.end]
        if not self.mark.history or not any(each.grad for each in steps):
            return 0
        return rows_for([column[0] for column in self.moving.values()]) or None

    def woven(self, rows: int) -> list[Equation]:
        """Return the equations with the loop in its place, with a tape of so many rows."""
        test, body = self.turn(self.kinds[: self.tail], False), self.turn(self.kinds, True)
        test.constants = body.constants = constants = list(dict.fromkeys((*test.constants, *body.constants)))
        first, last = zip(*((column[0], column[-1]) for column in self.moving.values()))
        start, stop = self.mark.starts[0], self.mark.stop
        views = [each for each in self.all[start:stop] if is_view(each) and self.made(self.lines.root(each.outputs[0])) is None]
        views = [each for each in views if each.outputs[0] not in last]
        views += self.first_look(set(views))
        if rows:
            op: Rolled = Taped(body, test, rows)
            log = self.new(np.broadcast_to(np.zeros((), np.int64), (2,)))
            last = (*last, log, *(self.new(like(var, rows)) for var in first))
        else:
            op = Rolled(None, in_loops(body, self.new), test)
        return [*self.all[:start], *views, Equation(op, (*constants, *first), last, bool(rows)), *self.all[stop:]]

    def first_look(self, known: set[Equation]) -> list[Equation]:
        """Return the equations that tell whether there is a first turn."""
        step, found = self.stretch.start, []
        for each in self.all[self.mark.starts[0] : self.mark.starts[1]]:
            if step == self.stretch.start + self.tail:
                break
            step += not is_view(each)
            found += [] if each in known else [each]
        return found

    def turn(self, kinds: list[list[Any]], whole: bool) -> Turn:
        """Return the first steps of a turn: `whole`, or as far as to whether there is one."""
        self.begin()
        self.write(kinds)
        if not whole:
            return Turn(self.body, self.literals, list(self.constants), [], [], [self.decisions[0]], [])
        pairs = [(given, self.seen(self.moving[n][1])) for n, given in self.names.items()]
        return Turn(self.body, self.literals, list(self.constants), [], pairs, [], [])

    def given(self, kind: Any, place: int, n: int) -> Var:
        if isinstance(kind, Given):
            return self.through(self.lines.chain(self.step(1, place).inputs[n])[kind.skip :], self.names[kind.place])
        return super().given(kind, place, n)


def in_loops(turn: Turn, new: Callable[[np.ndarray], Var]) -> Turn:
    """Return a turn with the loops that it holds."""
    inner = Rolling(turn.equations, [to for _, to in turn.carried], turn.literals, new)
    return turn if inner.numbers else replace(turn, equations=inner.equations)


def nested(equation: Equation, new: Callable[[np.ndarray], Var]) -> Equation:
    """Return the equation; a loop of any number of turns that goes onto a tape, or back along it, has loops in its turns."""
    op: Any = equation.op
    if isinstance(op, Taped):
        op = Taped(in_loops(op.turn, new), op.test, op.rows)  # type: ignore[arg-type]
    elif isinstance(op, Rewound):
        op = Rewound(in_loops(op.turn, new), in_loops(op.ahead, new))
    return equation if op is equation.op else Equation(op, equation.inputs, equation.outputs, equation.grad)
