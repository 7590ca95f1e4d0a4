"""Lines: equations in order, with numbers for what they are and for what they read, so that arrays of numbers are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lineal.compiler.lowering.support import identity
from lineal.compiler.nodes.turns import Rolled
from lineal.core import Op
from lineal.tracing import Equation, Var

__all__ = ["Lines", "Words", "is_view"]


def is_view(equation: Equation) -> bool:
    """Return whether an equation only looks into another variable."""
    return equation.op.aliasing is not None and len(equation.inputs) == len(equation.outputs) == 1


class Words:
    """Numbers that stand for things, the same one for equal things; equations are looked at once, in however many lines."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}
        self.ops: dict[int, tuple[Op, Any]] = {}
        self.tokens: dict[Equation, int] = {}

    def number(self, what: Any) -> int:
        """Return the number of a thing."""
        return self.numbers.setdefault(what, len(self.numbers))

    def same(self, op: Op) -> Any:
        """Return what equal ops have in common."""
        known = self.ops.get(id(op))
        if known is None:
            known = self.ops[id(op)] = op, (self.loop(op) if isinstance(op, Rolled) else identity(op)) or op
        return known[1]

    def loop(self, op: Rolled) -> Any:
        """Return what loops of as many equal turns have in common, None if that cannot be said."""
        turn, names = op.turn, {}
        ops = [*(each for walk in turn.walks for each in (walk.first, walk.second)), *(each.op for each in turn.equations)]
        if op.turns is None or any(self.same(each) is each for each in ops):
            return None

        def named(variables: Iterable[Var]) -> tuple:
            known = [(var, turn.literals.get(var)) for var in variables]
            return tuple(
                [(names.setdefault(x, len(names)) if array is None else array.tobytes(), x.spec) for x, array in known]
            )

        return (
            op.turns,
            op.reverse,
            named(turn.constants),
            named([walk.var for walk in turn.walks]),
            named([given for given, _ in turn.carried]),
            tuple(map(self.same, ops)),
            tuple([(named(each.inputs), named(each.outputs)) for each in turn.equations]),
            named([made for _, made in turn.carried]),
            named(turn.last),
            named(turn.stacked),
        )

    def token(self, step: Equation) -> int:
        """Return what equal steps have in common, as a number: op, shapes and dtypes."""
        known = self.tokens.get(step)
        if known is None:
            op = self.same(step.op)
            if op is step.op or step.op.effect:
                what: Any = step
            else:
                what = (op, len(step.inputs), *[var.spec for var in (*step.inputs, *step.outputs)])
            known = self.tokens[step] = self.number(what)
        return known


class Lines:
    """Equations, those that only look into others apart from those that make something: the steps."""

    def __init__(self, equations: Sequence[Equation], literals: dict[Var, np.ndarray], words: Words):
        self.equations, self.literals, self.words = equations, literals, words
        self.steps: list[Equation] = []
        self.views: dict[Var, Equation] = {}
        self.paths: dict[Var, tuple[Var, tuple[Op, ...], int]] = {}
        """What is looked into, by which view ops, and their number."""
        self.home: dict[Var, tuple[int, int]] = {}
        """Which step makes a variable, and as which of its outputs."""
        self.tokens: list[int] = []
        self.first: list[int] = [0]
        """Where the inputs of each step begin among those of all."""
        self.found: list[int] = []
        for each in equations:
            if is_view(each):
                self.look(each)
            else:
                self.enter(each)

    def look(self, view: Equation) -> None:
        """Enter a view."""
        (x,), (y,) = view.inputs, view.outputs
        root, path, way = self.paths.get(x) or (x, (), -1)
        self.paths[y] = root, (*path, view.op), self.words.number((way, self.words.same(view.op)))
        self.views[y] = view

    def enter(self, step: Equation) -> None:
        """Enter a step."""
        numbers, home, number = self.words.numbers, self.home, len(self.steps)
        for var in step.inputs:
            seen = self.paths.get(var)
            root, way = (var, -1) if seen is None else (seen[0], seen[2])
            self.found += (numbers.setdefault(root, len(numbers)), *(home.get(root) or (-1, 0)), way)
        self.first.append(len(self.found) // 4)
        self.tokens.append(self.words.token(step))
        for n, var in enumerate(step.outputs):
            home[var] = number, n
        self.steps.append(step)

    # what steps read, as arrays with a row for each input of each step

    @cached_property
    def reads(self) -> np.ndarray:
        """As numbers: the root of an input, the step and output that make it (-1 if none does), and its path."""
        return np.array(self.found, np.int64).reshape(-1, 4)

    @cached_property
    def readers(self) -> np.ndarray:
        """Which step reads."""
        return np.repeat(np.arange(len(self.steps)), np.diff(self.first))

    @cached_property
    def near(self) -> np.ndarray:
        """How many steps before, as which output and by which path it is made; what no step makes has a number of its own."""
        _, made, output, way = self.reads.T
        words = ((self.readers - made) * (output.max(initial=0) + 1) + output) * (way.max(initial=0) + 2) + way + 1
        return np.where(made < 0, -1 - np.arange(len(made)), words)

    @cached_property
    def sources(self) -> np.ndarray:
        """The root of an input; all that are known numbers are one."""
        root = self.reads[:, 0]
        return np.where(np.isin(root, [self.words.number(var) for var in self.literals]), -1, root)

    # views

    def path(self, var: Var) -> tuple[Var, tuple[Op, ...]]:
        """Return what a variable looks into, and by which view ops."""
        seen = self.paths.get(var)
        return (var, ()) if seen is None else seen[:2]

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
