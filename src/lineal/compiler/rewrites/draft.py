"""A draft: the equations of a trace while they are rewritten, with who makes and who reads each variable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from lineal.compiler.capturing.trace import Trace
from lineal.compiler.nodes.turns import Rolled
from lineal.core import Op
from lineal.core.inplace import Copy, Renumber
from lineal.ops.linalg.lu import LUFactor
from lineal.ops.pattern import Elementwise
from lineal.ops.premise import Premise
from lineal.ops.structural.axes import Transpose
from lineal.tracing import Equation, Var

__all__ = ["Draft", "label"]


def label(equation: Equation | None) -> str:
    """Return the name of an elementwise op's row, "" for other ops."""
    return "" if equation is None else getattr(equation.op, "label", "")


class Draft:
    """Equations in order; `put` adds new ones before the one that is being rewritten."""

    def __init__(self, equations: list[Equation], wanted: Iterable[Var], literals: dict[Var, np.ndarray]):
        self.equations = equations
        self.wanted = list(wanted)
        self.literals = dict(literals)
        self.changed = self.remembers = False
        """Whether somebody will go back through the equations, so that what has no history must not get one."""
        self.sources: dict[Var, int] = {}
        """The variables from outside that have a history, or require grad."""
        self.number = max((var.number for each in equations for var in each.outputs), default=0)
        self.added: list[Equation] = []
        self.renamed: dict[Var, Var] = {}
        """What the rewrite that is going on has replaced."""
        self.grad = True
        """Whether the equation that is being rewritten had history on."""

    @classmethod
    def of(cls, trace: Trace) -> Draft:
        """Return the draft of a trace."""
        wanted = [*trace.outputs, *(var for _, var in (*trace.writes, *trace.grads)), *(var for var, _ in trace.reads)]
        found = cls(trace.equations, wanted, trace.literals)
        found.remembers = trace.differentiable
        if trace.differentiable:
            outside = (*zip(trace.inputs, trace.arguments), *trace.captured.items())
            found.sources = {var: 1 << n for n, (var, x) in enumerate(outside) if x.node is not None}
        return found

    @cached_property
    def makers(self) -> dict[Var, Equation]:
        """Who makes what."""
        return {var: each for each in self.equations for var in each.outputs}

    @cached_property
    def reads(self) -> Counter[Var]:
        """How often everything is read."""
        return Counter(chain(self.wanted, chain.from_iterable([each.inputs for each in self.equations])))

    @cached_property
    def users(self) -> dict[Var, list[Equation]]:
        """Who reads what."""
        found: dict[Var, list[Equation]] = {}
        for each in self.equations:
            for var in dict.fromkeys(each.inputs):
                found.setdefault(var, []).append(each)
        return found

    @cached_property
    def led(self) -> dict[Var, int]:
        """Where the history of what is made leads back to."""
        found: dict[Var, int] = {}
        for each in self.equations if self.sources else ():
            self.follow(each, found)
        return found

    def look(self) -> None:
        """Find out anew, for the equations that there are now, who makes and who reads what, and where it leads back to."""
        for each in ("makers", "reads", "users", "led"):
            self.__dict__.pop(each, None)

    def maker(self, var: Var) -> Equation | None:
        """Return the equation that makes a variable, None if it comes from outside."""
        return self.makers.get(var)

    def leads(self, var: Var) -> int:
        """Return to which of the `sources` a variable's history leads back, a bit for each."""
        return self.led.get(var, self.sources.get(var, 0))

    def follow(self, each: Equation, led: dict[Var, int]) -> None:
        """Find out where the history of an equation's outputs leads back to."""
        found = 0
        for var in followed(each):
            found |= led[var] if var in led else self.sources.get(var, 0)
        led.update(dict.fromkeys(each.outputs, found))

    def readers(self, var: Var) -> list[Equation]:
        """Return the equations that read a variable, as they were before the rewrite that is going on."""
        return self.users.get(var, [])

    def put(self, op: Op, inputs: Iterable[Var], *like: tuple[Iterable[int], Any], grad: bool | None = None) -> Any:
        """Add the equation of `op`, whose outputs have these shapes and dtypes; return its output, or outputs."""
        outputs = []
        for shape, dtype in like:
            outputs.append(self.new(np.broadcast_to(np.empty((), dtype), tuple(shape))))
        made = Equation(op, tuple(inputs), tuple(outputs), self.grad if grad is None else grad)
        self.added.append(made)
        self.makers.update(dict.fromkeys(outputs, made))
        if self.sources:
            self.follow(made, self.led)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def new(self, value: np.ndarray) -> Var:
        """Return a new variable of an array's type."""
        self.number += 1
        return Var(self.number, value)

    def literal(self, number: Any, dtype: Any) -> Var:
        """Return the variable of a number."""
        value = np.array(number, dtype)
        var = self.new(value)
        self.literals[var] = value
        return var

    def transposed(self, var: Var) -> Var:
        """Add the transpose of matrices; that of a transpose is the matrix itself."""
        maker = self.maker(var)
        if maker is not None and turns(maker):
            return maker.inputs[0]
        *lead, m, n = var.spec.shape
        ndim = len(var.spec.shape)
        return self.put(Transpose(ndim - 2, ndim - 1), (var,), ((*lead, n, m), var.spec.storage))

    def rewrite(self, rule: Any) -> None:
        """Replace the equations of which rule(equation) gives other variables for the outputs; drop what is read no more."""
        found: list[Equation] = []
        renamed = self.renamed = {}
        for each in self.equations:
            if renamed and any(var in renamed for var in each.inputs):
                each = Equation(each.op, tuple(renamed.get(var, var) for var in each.inputs), each.outputs, each.grad)
                self.makers.update(dict.fromkeys(each.outputs, each))
            self.grad = each.grad
            given = rule(each)
            found += self.added
            self.added = []
            if given is None:
                found.append(each)
                continue
            for old, new in zip(each.outputs, given):
                renamed[old] = new
        if renamed:
            self.changed = True
            # a variable that leaves the program keeps its name
            self.equations = [
                *found,
                *(Equation(Copy("C"), (new,), (old,)) for old, new in renamed.items() if old in self.wanted),
            ]
            self.drop()

    def may_index(self, each: Equation) -> bool:
        """Return whether an equation may read by indices, which are checked, read or not: whole numbers that are no pivots."""
        whole = [var for var in each.inputs[1:] if var.spec.storage.kind in "iu"]
        makers = map(self.maker, whole)
        return not isinstance(each.op, Elementwise) and not all(made and isinstance(made.op, LUFactor) for made in makers)

    def drop(self) -> None:
        """Leave out equations of which nobody reads anything, but for what eager code may refuse."""
        needed, kept = set(self.wanted), []
        for each in reversed(self.equations):
            kept_anyway = isinstance(each.op, (Premise, Rolled)) or each.op.effect or self.may_index(each)
            if kept_anyway or not needed.isdisjoint(each.outputs):
                kept.append(each)
                needed.update(each.inputs)
        self.equations = kept[::-1]
        self.look()


def followed(equation: Equation) -> tuple[Var, ...]:
    """Return the inputs that an equation's history follows."""
    if not equation.grad or not equation.op.differentiable:
        return ()
    return equation.inputs[:1] if isinstance(equation.op, Renumber) else equation.inputs


def turns(equation: Equation) -> bool:
    """Return whether an equation is a view with the last two axes exchanged."""
    op = equation.op
    if op.aliasing != "view" or len(equation.outputs) != 1:
        return False
    shape = tuple(equation.inputs[0].spec.shape)
    if len(shape) < 2 or math.prod(shape) == 0 or shape[-1] == shape[-2] == 1:
        return False
    x = np.lib.stride_tricks.as_strided(np.empty(1, np.int8), shape, np.empty(shape, np.int8).strides)
    y, wanted = op.eager(np, x), x.swapaxes(-1, -2)
    return isinstance(y, np.ndarray) and y.shape == wanted.shape and y.strides == wanted.strides
