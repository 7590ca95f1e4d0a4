"""Formulas over rows as data: what an expression with reductions along a row computes, step by step.

    def softmax(m, x):
        e = m.exp(x - m.row_max(x))
        return e / m.row_sum(e)

Called once with symbols, it is a `RowFormula`, which the compiler reads; called with arrays, and a module `m` that has NumPy's
functions and reduces along an axis, it computes. `row_sum` adds numbers up in pieces, and these in float64; a row of float64 is
added up in float64 from the first number on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from lineal.codegen.formulas import Formula, Step, Symbol, Symbols, Trace
from lineal.codegen.kinds import Kind

__all__ = ["REDUCTIONS", "RowFormula", "row_formula"]

REDUCTIONS = frozenset(("row_max", "row_sum"))
"""The operations that make one number of a row."""

QUICK = frozenset("add subtract multiply negative square cast".split())
"""The operations that are done again sooner than what they give is read from memory."""

Expression = Callable[..., Any]


class RowTrace(Trace):
    """The steps of one expression over rows; `single` are the places of what is one number for a row."""

    def __init__(self, count: int, single: Sequence[int]):
        super().__init__(count)
        self.single = set(single)

    def step(self, operation: str, kind: Kind, operands: Sequence[Any]) -> Symbol:
        """Return the symbol for an operation; a row is divided by a number once, and multiplied by what that gives."""
        alone = [not isinstance(each, Symbol) or each.place in self.single for each in operands]
        if operation == "divide" and alone == [False, True] and isinstance(operands[1], Symbol) and operands[1].kind is kind:
            operation, operands = "multiply", (operands[0], self.step("divide", kind, (1.0, operands[1])))
        made = super().step(operation, kind, operands)
        if operation in REDUCTIONS or all(alone):
            self.single.add(made.place)
        return made


class RowSymbols(Symbols):
    """The module `m` whose functions note what is asked for, with reductions."""

    def row_max(self, x: Symbol) -> Symbol:
        """Return the largest number of a row."""
        return x.trace.step("row_max", x.kind, [x])

    def row_sum(self, x: Symbol) -> Symbol:
        """Return the sum of a row."""
        return x.trace.step("row_sum", x.kind, [x])


SYMBOLS = RowSymbols()


class RowFormula:
    """What an expression computes of rows and of `single` numbers: steps, and which values are its results."""

    __slots__ = ("inputs", "kept", "parts", "results", "single", "stages", "steps")

    def __init__(self, inputs: tuple[Kind, ...], steps: tuple[Step, ...], results: tuple[int, ...], single: frozenset[int]):
        self.inputs, self.steps, self.results, self.single = inputs, steps, results, single
        self.kept = self.read_again()
        """The places of rows that are better kept than made twice."""
        self.stages = self.made_apart()
        """The places, and steps, of what is made before the result, in order."""
        self.parts: dict[tuple[int, ...], tuple[list[int], Formula]] = {}

    def step(self, place: int) -> Step:
        """Return the step that gives the value at a place."""
        return self.steps[place - len(self.inputs)]

    def read_again(self) -> list[int]:
        """Return the places of what is reduced, is read again, and takes more than it takes to read it."""
        reads = [*(each for step in self.steps for each in step.operands), *self.results]
        found = dict.fromkeys(step.source for step in self.steps if step.operation in REDUCTIONS)
        made = [each for each in found if each >= len(self.inputs) and reads.count(each) > 1]
        return [place for place in made if self.step(place).operation not in QUICK]

    def made_apart(self) -> list[tuple[int, Step]]:
        """Return the reductions, what is kept, and the numbers of a row that are read all along it, by place and step."""
        steps = list(enumerate(self.steps, len(self.inputs)))
        spread = {each for n, step in steps if n not in self.single for each in step.operands}
        numbers = {n for n, step in steps if n in self.single and (n in spread or step.operation in REDUCTIONS)}
        return [(n, step) for n, step in steps if n in numbers or n in self.kept]

    def read(self, xs: Sequence[Any], made: Callable[..., Any], reduced: Callable[..., Any]) -> list[Any]:
        """Return the results of the inputs xs; each stage is made(place, known) or reduced(step, known), of what is known."""
        known = dict(enumerate(xs))
        for place, step in self.stages:
            known[place] = reduced(step, known) if step.operation in REDUCTIONS else made(place, known)
        return [known[place] if place in known else made(place, known) for place in self.results]

    def part(self, place: int, known: Iterable[int]) -> tuple[list[int], Formula]:
        """Return which inputs and `known` values the value at a place is made of, and its formula in terms of them."""
        key = (place, *known)
        if key not in self.parts:
            self.parts[key] = self.taken(place, set(known))
        return self.parts[key]

    def taken(self, place: int, known: set[int]) -> tuple[list[int], Formula]:
        """Return what `part` does."""
        wanted, reads = {place}, []
        for n in range(place, -1, -1):
            if n in wanted and (n < len(self.inputs) or n in known):
                reads.insert(0, n)
            elif n in wanted:
                wanted.update(each for each in self.step(n).operands if isinstance(each, int))
        made = sorted(wanted - set(reads))
        places = {n: new for new, n in enumerate((*reads, *made))}
        steps = [
            Step(name, tuple(places[each] if isinstance(each, int) else each for each in operands), kind)
            for name, operands, kind in map(self.step, made)
        ]
        return reads, Formula(tuple(map(self.kind, reads)), tuple(steps), places[place])

    def kind(self, place: int) -> Kind:
        """Return the kind of the value at a place."""
        return self.inputs[place] if place < len(self.inputs) else self.step(place).kind


@lru_cache(1024)
def row_formula(expression: Expression, inputs: tuple[Kind, ...], single: tuple[int, ...] = ()) -> RowFormula:
    """Return the formula of an expression, for inputs of these kinds, some of them `single`; an error of its own if none."""
    given = tuple(each.computed for each in inputs)
    trace = RowTrace(len(given), single)
    found = expression(SYMBOLS, *[Symbol(trace, n, kind) for n, kind in enumerate(given)])
    results = tuple(each.place for each in (found if isinstance(found, tuple) else (found,)))
    return RowFormula(given, tuple(trace.steps), results, frozenset(trace.single))
