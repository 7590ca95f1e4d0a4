"""A graph: what a function did to its tensors, as a list of equations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.spec import Spec
from lineal.core import AbstractTensor, Op, modes
from lineal.core import apply as run
from lineal.core import write as overwrite

__all__ = ["Equation", "Graph", "Var", "Write"]


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


class Graph:
    """What really ran: `inputs` are the variables of the arguments, `constants` the tensors the function reached otherwise."""

    def __init__(self) -> None:
        self.inputs: list[Var] = []
        self.constants: dict[Var, AbstractTensor] = {}
        self.equations: list[Equation | Write] = []
        self.outputs: list[Var] = []

    def __iter__(self) -> Iterator[Equation | Write]:
        return iter(self.equations)

    def __len__(self) -> int:
        return len(self.equations)

    def __str__(self) -> str:
        lines = [f"graph({', '.join(each.typed() for each in self.inputs)})"]
        lines += [f"  {var.typed()} = constant" for var in self.constants]
        lines += [f"  {equation}" for equation in self.equations]
        return "\n".join([*lines, f"  return {', '.join(map(str, self.outputs))}"])

    def __call__(self, *xs: AbstractTensor) -> tuple:
        """Run the equations again, on other inputs of the same shapes and dtypes; return the outputs as a tuple."""
        if len(xs) != len(self.inputs):
            raise RuntimeError(f"graph: expected {len(self.inputs)} inputs, got {len(xs)}")
        values: dict[Var, Any] = {**self.constants, **dict(zip(self.inputs, xs))}
        for each in self.equations:
            with modes.Setting((modes.grad_enabled, each.grad)):
                if isinstance(each, Write):
                    overwrite(values[each.target], values[each.source], "graph")
                else:
                    made = run(each.op, *[values[var] for var in each.inputs])
                    values.update(zip(each.outputs, made if isinstance(made, tuple) else (made,)))
        return tuple(values[var] for var in self.outputs)

    def needed(self) -> Graph:
        """Return the graph without equations on which neither an output nor a write depends."""
        wanted = set(self.outputs)
        for each in self.equations:
            if isinstance(each, Write):
                wanted |= {each.target, each.source}
        kept: list[Equation | Write] = []
        for each in reversed(self.equations):
            if isinstance(each, Write) or not wanted.isdisjoint(each.outputs):
                kept.append(each)
                wanted.update(each.inputs if isinstance(each, Equation) else ())
        graph = Graph()
        graph.inputs, graph.outputs, graph.equations = list(self.inputs), list(self.outputs), kept[::-1]
        graph.constants = {var: tensor for var, tensor in self.constants.items() if var in wanted}
        return graph
