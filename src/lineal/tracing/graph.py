"""A graph: what a function did to its tensors, as a list of equations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.errors import IllConditionedWarning
from lineal.base.spec import Spec
from lineal.core import AbstractTensor, Op, modes
from lineal.core import apply as run
from lineal.core import write as overwrite
from lineal.ops.premise import Expectation, Premise

__all__ = ["Equation", "Graph", "Read", "Var", "Write"]


class Var:
    """A value in a graph: its number in the order of appearance, and its shape and dtype."""

    __slots__ = ("number", "spec")

    def __init__(self, number: int, value: np.ndarray):
        self.number = number
        self.spec = Spec(value.shape, value.dtype)

    def __repr__(self) -> str:
        return f"v{self.number}"

    def typed(self) -> str:
        """Return the variable with its type, as in `v3: float32[2, 4]`."""
        return f"{self}: {dtypes.of(self.spec.storage).name}{list(self.spec.shape)}"


class Equation:
    """outputs = op(inputs); `grad` tells whether history was on when it ran."""

    __slots__ = ("grad", "inputs", "op", "outputs")

    def __init__(self, op: Op, inputs: tuple[Var, ...], outputs: tuple[Var, ...], grad: bool = True):
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.grad = grad

    def __str__(self) -> str:
        shown = [each for each in self.op.fields if each not in ("label", "result") and hasattr(self.op, each)]
        attributes = ", ".join(f"{each}={getattr(self.op, each)!r}" for each in shown)
        left = ", ".join(each.typed() for each in self.outputs)
        right = " ".join(map(str, self.inputs))
        return f"{left} = {self.op.name}{f'[{attributes}]' if attributes else ''} {right}".rstrip()


class Write:
    """target ← source: the memory of `target`, and so every view of it, took new numbers."""

    __slots__ = ("grad", "source", "target")

    def __init__(self, target: Var, source: Var, grad: bool = True):
        self.target = target
        self.source = source
        self.grad = grad

    def __str__(self) -> str:
        return f"{self.target} ← {self.source}"


class Read:
    """Python read `var` as a value of type `kind`, saw `seen`, and may have gone on accordingly."""

    __slots__ = ("kind", "seen", "var")

    def __init__(self, var: Var, kind: type, seen: np.ndarray):
        self.var = var
        self.kind = kind
        self.seen = seen

    def __str__(self) -> str:
        return f"{self.kind.__name__}({self.var}) == {self.seen.tolist()}"

    def check(self, x: AbstractTensor) -> None:
        """Raise RuntimeError if Python would see something else in `x`."""
        now, seen = (each.astype(bool) if self.kind is bool else each for each in (x.value, self.seen))
        if not np.array_equal(now, seen, equal_nan=now.dtype.kind in "fc"):
            raise RuntimeError(
                f"graph: {self.kind.__name__}({self.var}) was {shown(seen)} when the function was traced, and is {shown(now)} "
                "now; another branch may have to be taken, so trace the function again"
            )


def shown(array: np.ndarray) -> str:
    """Return an array in few words."""
    return str(array.tolist()) if array.size <= 4 else f"an array of shape {list(array.shape)}"


class Graph:
    """What really ran: `inputs` are the variables of the arguments, `constants` the tensors the function reached otherwise."""

    def __init__(self) -> None:
        self.inputs: list[Var] = []
        self.constants: dict[Var, AbstractTensor] = {}
        self.equations: list[Equation | Write | Read] = []
        self.outputs: list[Var] = []

    def __iter__(self) -> Iterator[Equation | Write | Read]:
        return iter(self.equations)

    def __len__(self) -> int:
        return len(self.equations)

    def __str__(self) -> str:
        lines = [f"graph({', '.join(each.typed() for each in self.inputs)})"]
        lines += [f"  {var.typed()} = constant" for var in self.constants]
        lines += [f"  {equation}" for equation in self.equations]
        return "\n".join([*lines, f"  return {', '.join(map(str, self.outputs))}"])

    def __call__(self, *xs: AbstractTensor) -> tuple:
        """Run the equations again, on other inputs of the same shapes and dtypes; return the outputs as a tuple.

        RuntimeError where the function, or an op of it, decided by numbers that are other ones now; a warning where digits are
        lost.
        """
        if len(xs) != len(self.inputs):
            raise RuntimeError(f"graph: expected {len(self.inputs)} inputs, got {len(xs)}")
        values: dict[Var, Any] = {**self.constants, **dict(zip(self.inputs, xs))}
        for each in self.equations:
            if isinstance(each, Read):
                each.check(values[each.var])
                continue
            with modes.Setting((modes.grad_enabled, each.grad)):
                if isinstance(each, Write):
                    overwrite(values[each.target], values[each.source], "graph")
                else:
                    if isinstance(each.op, Premise):
                        examine(each, values[each.inputs[0]])
                    made = run(each.op, *[values[var] for var in each.inputs])
                    values.update(zip(each.outputs, made if isinstance(made, tuple) else (made,)))
        return tuple(values[var] for var in self.outputs)

    def needed(self) -> Graph:
        """Return the graph without equations on which neither an output nor a write depends."""
        wanted = set(self.outputs)
        for each in self.equations:
            if isinstance(each, Write):
                wanted |= {each.target, each.source}
            elif isinstance(each, Read):
                wanted.add(each.var)
            elif isinstance(each.op, Premise) or each.op.effect:
                wanted.update(each.outputs)
        kept: list[Equation | Write | Read] = []
        for each in reversed(self.equations):
            if not isinstance(each, Equation) or not wanted.isdisjoint(each.outputs):
                kept.append(each)
                wanted.update(each.inputs if isinstance(each, Equation) else ())
        graph = Graph()
        graph.inputs, graph.outputs, graph.equations = list(self.inputs), list(self.outputs), kept[::-1]
        graph.constants = {var: tensor for var, tensor in self.constants.items() if var in wanted}
        return graph


def examine(equation: Equation, x: AbstractTensor) -> None:
    """Look again at what an op's author saw in numbers: RuntimeError if he would have gone on otherwise, or his warning."""
    if x.value.all():
        return
    if isinstance(equation.op, Expectation):
        warnings.warn(
            f"graph: {equation}: few digits are left, or the result leaves the range", IllConditionedWarning, stacklevel=3
        )
        return
    raise RuntimeError(
        f"graph: {equation}: a premise does not hold for these inputs (a matrix is singular or ill-conditioned, a structure is "
        "not there, an index is out of bounds), so the function would go another way; call it, or trace it again"
    )
