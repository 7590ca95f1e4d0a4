"""The op of a loop: turns of equations, each of which goes on with what the one before it made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lineal.core import Op, lift
from lineal.tracing import Equation, Var, evaluate

__all__ = ["Mark", "Rolled", "Turn", "Walk", "between", "parted", "ran"]

MOST_TURNS = 1000
"""How many turns a replay makes: it is about shapes, and what a function has written since may let a loop never end."""


@dataclass(eq=False)
class Walk:
    """A variable that shows one slice after another: what the view op `first` gives in the first turn, `second` in the second.

    The two differ in where they look alone, so that the others follow at the same distance.
    """

    var: Var
    first: Op
    second: Op

    def at(self, turn: int) -> Op:
        """Return the view op of a turn."""
        ways = [(getattr(self.first, each), getattr(self.second, each)) for each in self.first.fields]
        return type(self.first)(*[between(a, b, turn) for a, b in ways])


def between(a: Any, b: Any, turn: int) -> Any:
    """Return what comes `turn` steps after `a`, if `b` comes one after it."""
    if isinstance(a, tuple):
        return tuple(between(x, y, turn) for x, y in zip(a, b))
    return a if a == b else a + turn * (b - a)


@dataclass(eq=False)
class Turn:
    """The equations of a turn, in terms of what it is given and what it makes."""

    equations: list[Equation]
    literals: dict[Var, np.ndarray]
    constants: list[Var]
    """What is the same in all turns."""
    walks: list[Walk]
    carried: list[tuple[Var, Var]]
    """What a turn is given by the one before, and what it gives in its place."""
    last: list[Var]
    """What is wanted of the last turn alone, besides what is carried."""
    stacked: list[Var]
    """What is wanted of every turn."""

    def __repr__(self) -> str:
        return f"{len(self.equations)} equations"

    def __str__(self) -> str:
        lines = [f"{walk.var.typed()} = {walk.first}, {walk.second}, …" for walk in self.walks]
        lines += [f"{given.typed()} = {made} of the turn before" for given, made in self.carried]
        return "\n".join([*lines, *map(str, self.equations)])


class Rolled(Op):
    """ys = what `turns` turns make: the last of what is carried, what is wanted of the last turn, what is stacked of all.

    With `reverse`, the first turn's row is the last one of what is stacked. Inputs are what is the same in all turns, what the
    walks look into, and what the first turn is given as carried.
    """

    by_arrays = False

    turns: int | None
    """How many there are; None if `test`, whose last equation makes a number of what is carried, says so before each."""
    turn: Turn
    test: Turn | None
    reverse: bool
    no_vjp = "programs hold it when derivatives are made"
    no_batch = "never met: only programs hold it"
    differentiable = False

    def __init__(self, turns: int | None, turn: Turn, test: Turn | None = None, reverse: bool = False):
        super().__init__(turns, turn, test, reverse)
        count = len(turn.carried) + len(turn.last) + len(turn.stacked)
        self.__dict__["width"] = count if count > 1 else None

    def eager(self, xp, *xs):
        ys = self.through(ran, xs, MOST_TURNS)
        return tuple(ys) if len(ys) > 1 else ys[0]

    def through(self, rule: Callable[..., Any], xs: Sequence[Any], most: int | None = None) -> list[np.ndarray]:
        """Return what the turns make of arrays, where `rule(equation, *inputs)` says what an equation gives.

        No more than `most` turns are made where a test says whether there is another one.
        """
        turn, given = self.turn, [lift(x) for x in xs]
        same, roots, carried = parted(turn, given)
        known = {**{var: lift(each) for var, each in turn.literals.items()}, **dict(zip(turn.constants, same))}
        rows: list[list[Any]] = [[] for _ in turn.stacked]
        env: dict[Var, Any] = {}
        for number in counted(most) if self.turns is None else range(self.turns):
            env = {**known, **dict(zip([var for var, _ in turn.carried], carried))}
            if self.test is not None:
                evaluate(self.test.equations, env, rule, history=False)
                if not env[self.test.last[0]].value:
                    break
            for walk, root in zip(turn.walks, roots):
                env[walk.var] = lift(walk.at(number).run((root,)))
            evaluate(turn.equations, env, rule, history=False)
            carried = [env[made] for _, made in turn.carried]
            for row, var in zip(rows, turn.stacked):
                row.append(env[var].value)
        ys = [x.value for x in (*carried, *(env[var] for var in turn.last))]
        return [*(np.array(y) for y in ys), *(np.stack(row[::-1] if self.reverse else row) for row in rows)]

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


def counted(most: int | None) -> Iterable[int]:
    """Return the numbers of turns, of `most` of them if that is not None."""
    return itertools.count() if most is None else range(most)


def parted(turn: Turn, given: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return what is the same in all turns, what the walks look into, and what is carried, of what a loop is given."""
    first, second = len(turn.constants), len(turn.constants) + len(turn.walks)
    return given[:first], given[first:second], given[second:]


def ran(equation: Equation, *xs: Any) -> Any:
    """Run the kernel of an equation."""
    made = equation.op.run(xs)
    # of arrays without axes, NumPy makes numbers
    return tuple([lift(np.asarray(each)) for each in made]) if isinstance(made, tuple) else lift(np.asarray(made))


@dataclass(eq=False)
class Mark:
    """What is known of one loop: of each turn where its equations and the numbers read begin, and what it is given."""

    starts: list[int] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    carried: list[list[Var]] = field(default_factory=list)
    single: bool = True
    """Whether nothing but the carried values tells of the turns: nothing is left behind in Python's state."""
    history: bool = False
    """Whether some carried value has a history."""
    stop: int = 0
    """Where the equations of the last look at whether there is another turn end."""
