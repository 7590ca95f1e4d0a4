"""A graph: what a function did to its tensors, as a pure trace that reads well and runs again."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.errors import IllConditionedWarning
from lineal.core import AbstractTensor, apply, modes, write
from lineal.ops.premise import Expectation, Premise
from lineal.tracing.equations import Equation, Var, evaluate

notebook: Any = later.module("lineal.base.notebook")

__all__ = ["Graph", "Read", "Write"]


class Read:
    """Python read a variable as a value of type `kind`, saw `seen`, and may have gone on accordingly."""

    __slots__ = ("inputs", "kind", "seen")
    outputs = ()
    grad = False

    def __init__(self, var: Var, kind: type, seen: np.ndarray):
        self.inputs = (var,)
        self.kind = kind
        self.seen = seen

    def __str__(self) -> str:
        return f"{self.kind.__name__}({self.inputs[0]}) == {self.seen.tolist()}"

    def check(self, x: AbstractTensor) -> None:
        """Raise RuntimeError if Python would see something else in `x`."""
        now, seen = (each.astype(bool) if self.kind is bool else each for each in (x.value, self.seen))
        if not np.array_equal(now, seen, equal_nan=now.dtype.kind in "fc"):
            raise RuntimeError(
                f"graph: {self.kind.__name__}({self.inputs[0]}) was {shown(seen)} when the function was traced, and is "
                f"{shown(now)} now; another branch may have to be taken, so trace the function again"
            )


class Write:
    """target ← source: an input or a constant takes new numbers in the end, with their history if `grad`."""

    __slots__ = ("grad", "source", "target")

    def __init__(self, target: Var, source: Var, grad: bool):
        self.target = target
        self.source = source
        self.grad = grad

    def __str__(self) -> str:
        return f"{self.target} ← {self.source}"


def shown(array: np.ndarray) -> str:
    """Return an array in few words."""
    return str(array.tolist()) if array.size <= 4 else f"an array of shape {list(array.shape)}"


class Graph:
    """What really ran: `inputs` are the variables of the arguments, `constants` the tensors the function reached otherwise.

    The equations write nothing; `writes` is what remains to be done to tensors from outside.
    """

    def __init__(self) -> None:
        self.inputs: list[Var] = []
        self.constants: dict[Var, AbstractTensor] = {}
        self.equations: list[Equation | Read] = []
        self.outputs: list[Var] = []
        self.writes: list[Write] = []

    def __iter__(self) -> Iterator[Equation | Read]:
        return iter(self.equations)

    def __len__(self) -> int:
        return len(self.equations)

    def __str__(self) -> str:
        lines = [f"graph({', '.join(each.typed() for each in self.inputs)})"]
        lines += [f"  {var.typed()} = constant" for var in self.constants]
        lines += [f"  {each}" for each in (*self.equations, *self.writes)]
        return "\n".join([*lines, f"  return {', '.join(map(str, self.outputs))}"])

    def _repr_html_(self) -> str:
        return notebook.preformatted(str(self))

    def __call__(self, *xs: AbstractTensor) -> tuple:
        """Run the equations again, on other inputs of the same shapes and dtypes; return the outputs as a tuple.

        RuntimeError where the function, or an op of it, decided by numbers that are other ones now, before anything is written;
        a warning where digits are lost.
        """
        if len(xs) != len(self.inputs):
            raise RuntimeError(f"graph: expected {len(self.inputs)} inputs, got {len(xs)}")
        env: dict[Var, Any] = {**self.constants, **dict(zip(self.inputs, xs))}
        evaluate(self.equations, env, again)
        for each in self.writes:
            with modes.Setting((modes.grad_enabled, each.grad)):
                write(env[each.target], env[each.source], "graph")
        return tuple(env[var] for var in self.outputs)

    def needed(self) -> Graph:
        """Return the graph without equations on which neither an output nor a write depends."""
        wanted = {*self.outputs, *(var for each in self.writes for var in (each.target, each.source))}
        kept: list[Equation | Read] = []
        for each in reversed(self.equations):
            stays = isinstance(each, Read) or isinstance(each.op, Premise) or each.op.effect
            if stays or not wanted.isdisjoint(each.outputs):
                kept.append(each)
                wanted.update(each.inputs)
        graph = Graph()
        graph.inputs, graph.outputs, graph.writes = list(self.inputs), list(self.outputs), list(self.writes)
        graph.equations = kept[::-1]
        graph.constants = {var: tensor for var, tensor in self.constants.items() if var in wanted}
        return graph


def again(equation: Equation | Read, *xs: AbstractTensor) -> Any:
    """Do again what an equation says."""
    if isinstance(equation, Read):
        equation.check(*xs)
        return ()
    if isinstance(equation.op, Premise):
        examine(equation, xs[0])
    return apply(equation.op, *xs)


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
