"""The recorder: listens at the door while a function really runs, and writes the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, Op, modes
from lineal.tracing.graph import Equation, Graph, Read, Var, Write

__all__ = ["GraphRecorder", "record", "trace"]


LOOKING = (
    "a part x[i] of a tensor, i a tensor too, is written, or read after a write to x, where a function is recorded to be run "
    "on other numbers (as vmap does); write x[i] = …, or take the part by index_select or clone()"
)


class GraphRecorder(modes.Recorder):
    """Hears every op, write and look at a number, and knows each tensor by its variable.

    A tensor is known by its identity, or else by its array's: the value that a node kept comes back as a new tensor over the
    same array. What the recorder heard stays alive until it goes, so identities stay unique.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.tensors: dict[int, Var] = {}
        self.arrays: dict[int, Var] = {}
        self.alive: list[tuple[AbstractTensor, np.ndarray]] = []
        self.seen: list[tuple[AbstractTensor, np.ndarray]] = []
        """Views that are known by what they look at."""
        self.count = 0
        self.looking: dict[Var, np.ndarray] = {}
        """What has parts, taken at places that depend on numbers, of arrays."""
        self.stale: set[Var] = set()
        """Those of them whose array was written since."""

    def add(self, x: AbstractTensor, alias: bool = False) -> Var:
        """Return a new variable for `x`; an `alias` leaves its array to the variable that has it."""
        var = Var(self.count, x.value)
        self.count += 1
        self.tensors[id(x)] = var
        if not alias or id(x.value) not in self.arrays:
            self.arrays[id(x.value)] = var
        self.alive.append((x, x.value))
        return var

    def find(self, x: AbstractTensor) -> Var | None:
        """Return the variable of `x`, or None if it comes from outside."""
        found = self.tensors.get(id(x))
        # `x.t_()` and its like let a tensor hold another array, which then tells what it is
        return found if found is not None and self.alive[found.number][1] is x.value else self.arrays.get(id(x.value))

    def var(self, x: AbstractTensor) -> Var:
        """Return the variable of `x`, which becomes a constant of the graph if it comes from outside."""
        found = self.find(x)
        if found is None:
            found = self.add(x)
            self.graph.constants[found] = x
        self.expect_fresh(found)
        return found

    def expect_fresh(self, var: Var) -> None:
        """Refuse to read a part whose array was written."""
        if var in self.stale:
            raise RuntimeError(LOOKING)

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        """Hear that `op` made `ys` of `xs`."""
        inputs = tuple([self.var(x) for x in xs])
        outputs = tuple([self.add(y, alias=op.aliasing is not None) for y in ys])
        if op.aliasing is not None and inputs[0] in self.looking:
            self.looking.update(dict.fromkeys(outputs, self.looking[inputs[0]]))
        self.graph.equations.append(Equation(op, inputs, outputs, modes.grad_enabled.get()))

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Hear that `target` took the numbers of `source` in place."""
        written = self.var(target)
        if written in self.looking:
            raise RuntimeError(LOOKING)
        self.stale |= {var for var, array in self.looking.items() if np.may_share_memory(array, target.value)}
        self.graph.equations.append(Write(written, self.var(source), modes.grad_enabled.get()))

    def looks(self, view: AbstractTensor, copy: AbstractTensor, base: AbstractTensor) -> None:
        """Hear that a view looks into `base`: it is the copy as long as neither is written."""
        found = self.var(copy)
        self.arrays[id(view.value)] = found
        self.seen.append((view, view.value))
        self.looking[found] = base.value

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Hear that Python reads `tensor`; what follows is so only for what it sees."""
        self.graph.equations.append(Read(self.var(tensor), kind, tensor.value.copy()))

    def heeds(self, setting: ContextVar) -> bool:
        """Hear that a setting decides what is done; a graph that runs again warns as eager code would."""
        return True


def record(listener: modes.Recorder, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return `function(*args, **kwargs)`, heard by `listener`."""
    with modes.Setting((modes.recorder, listener)):
        return function(*args, **kwargs)


def trace(function: Callable[..., Any], *args: Any) -> tuple[Any, Graph]:
    """Run `function` and return its result with the graph of what it did; the tensors in `args` become the graph's inputs."""
    listener = GraphRecorder()
    listener.graph.inputs = [listener.add(x) for x in tensors(args)]
    result = record(listener, function, *args)
    listener.graph.outputs = [listener.var(y) for y in tensors(result)]
    return result, listener.graph


def tensors(nest: Any) -> Sequence[AbstractTensor]:
    """Return the tensors in a nest, in order."""
    return [each for each in tree.leaves(nest) if isinstance(each, AbstractTensor)]
