"""The recorder of graphs, and what runs a function while somebody listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from lineal.base import tree
from lineal.core import AbstractTensor, lift, modes
from lineal.tracing.graph import Graph, Read, Write
from lineal.tracing.pure import PureRecorder

__all__ = ["GraphRecorder", "record", "trace"]


class GraphRecorder(PureRecorder):
    """Hears what a function does, and every look at a number, to write the graph."""

    def refuse(self, why: str) -> None:
        """Raise RuntimeError: the equations would not do what the function does."""
        raise RuntimeError(f"trace: {why}")

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Called when Python reads `tensor`; what follows is so only for what it sees."""
        self.equations.append(Read(self.read(tensor), kind, tensor.value.copy()))  # type: ignore[arg-type]

    def heeds(self, setting: ContextVar) -> bool:
        """Called when a setting decides what is done; a graph that runs again warns as eager code would."""
        return True

    def graph(self, results: Sequence[AbstractTensor]) -> Graph:
        """Return the graph of what was heard; a tensor from outside that is returned is itself."""
        graph, own = Graph(), self.own()
        graph.outputs = [own.get(id(y)) or self.result(y) for y in results]
        written = [each for each in self.storages() if each.written]
        graph.writes = [Write(self.own()[id(each.captured)], each.var, each.remembered) for each in written]
        graph.inputs, graph.equations = self.inputs, list(self.equations)
        graph.constants = {**self.captured, **{var: lift(array) for var, array in self.literals.items()}}
        return graph


def record(listener: modes.Recorder, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return `function(*args, **kwargs)`, heard by `listener`."""
    with modes.Setting((modes.recorder, listener)):
        return function(*args, **kwargs)


def trace(function: Callable[..., Any], *args: Any) -> tuple[Any, Graph]:
    """Run `function` and return its result with the graph of what it did; the tensors in `args` become the graph's inputs."""
    listener = GraphRecorder()
    for x in tensors(args):
        listener.argument(x)
    result = record(listener, function, *args)
    return result, listener.graph(tensors(result))


def tensors(nest: Any) -> Sequence[AbstractTensor]:
    """Return the tensors in a nest, in order."""
    return [each for each in tree.leaves(nest) if isinstance(each, AbstractTensor)]
