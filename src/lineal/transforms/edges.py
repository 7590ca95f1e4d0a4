"""Edges of the graph as users hold them, and hooks on several of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Leaf, Node
from lineal.core.apply import inferred, memory_of
from lineal.core.backward import Pass, edge_of, nodes_before
from lineal.core.hooks import RemovableHandle
from lineal.core.op import next_id, titled

__all__ = ["GradientEdge", "get_gradient_edge", "increment_version", "register_multi_grad_hook"]


class GradientEdge(NamedTuple):
    """A node and which of its outputs: what a tensor is to the backward pass, without the tensor."""

    node: Node
    output_nr: int
    ownership_token: Any = None

    def edge(self) -> tuple[Node, int | None]:
        """Return the node and the output as the engine counts it: None if the node has but one."""
        single = isinstance(self.node, Leaf) or self.node.op.width is None
        return self.node, None if single else self.output_nr


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Return where cotangents of a tensor arrive; `grad` and `backward` take it for the tensor."""
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError(
            "get_gradient_edge: It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(titled(edge[0]), edge[1] or 0)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Let tensors count as written to, as after a write that nobody else has seen."""
    for each in (tensor,) if isinstance(tensor, AbstractTensor) else tensor:
        if inferred(each):
            raise RuntimeError("increment_version: inference tensors do not track version counter")
        memory = memory_of(each)
        memory.version += 1
        memory.written = next_id()


class MultiHook:
    """What waits, in each backward pass, for the gradients of several tensors, or for the first of them."""

    def __init__(self, tensors: Sequence[Any], function: Callable[..., Any], first: bool):
        self.function, self.first = function, first
        self.edges = [edge_of(each) for each in tensors]
        self.passes: dict[Any, tuple[int, list[Any]]] = {}

    def hears(self, place: int, g: Any) -> None:
        """Take the gradient of one tensor."""
        now = Pass.current.get()
        if self.first:
            if now not in self.passes:
                self.passes = {now: (0, [])}
                self.function(g)
            return
        if now not in self.passes:
            self.passes = {now: (self.expected(now), [None] * len(self.edges))}
        missing, gs = self.passes[now]
        gs[place] = g
        self.passes[now] = (missing - 1, gs)
        if missing == 1:
            del self.passes[now]
            self.function(gs)

    def expected(self, now: Any) -> int:
        """Return of how many tensors a pass will find the gradients."""
        reached = nodes_before(now.roots) if now.useful is None else now.useful
        return sum(edge is not None and edge[0] in reached for edge in self.edges)


class Handles(RemovableHandle):
    """The handles of one hook on several tensors."""

    def __init__(self, handles: Sequence[RemovableHandle]):
        self.handles = tuple(handles)

    def remove(self) -> None:
        for each in self.handles:
            each.remove()

    def __getstate__(self) -> tuple:
        return self.handles

    def __setstate__(self, state: tuple) -> None:
        self.handles = state


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: Literal["all", "any"] = "all"
) -> RemovableHandle:
    """Call `fn(grads)` when a backward pass has found the gradients of all tensors that it comes to, None for the others.

    With the mode "any" call `fn(grad)` at the first one.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: expects mode to be one of ('all', 'any') but got {mode}")
    waits = MultiHook(tensors, fn, mode == "any")

    def listening(place: int) -> Callable[[Any], None]:
        return lambda g: waits.hears(place, g)

    return Handles([each.register_hook(listening(place)) for place, each in enumerate(tensors)])
