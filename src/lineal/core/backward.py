"""The backward pass: nodes in the reverse order of their making, cotangents added where paths meet.

A node is made after the nodes it depends on, so the greatest id among the waiting nodes is always ready: a heap of ids is
the whole schedule, nothing recurses, and a chain of any length costs one loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from heapq import heappop, heappush, heapreplace
from typing import Any, ClassVar

import numpy as np

from lineal.base import dtypes
from lineal.core import modes
from lineal.core.accumulation import accumulate
from lineal.core.apply import lift, synchronize, way
from lineal.core.hooks import Extra, hooked_leaves
from lineal.core.hooks import retain as retain_grad
from lineal.core.op import AbstractTensor, Node, module_of
from lineal.core.saving import empty, unpack
from lineal.core.sites import describe

Edge = tuple[Node, int | None]


class Pass:
    """One backward pass from some outputs: what waits, what leaves have received, and which cotangents were asked for.

    `current` is the one that runs. With `accumulates`, what leaves (the wanted ones if some are) have received is added to
    their grads.
    """

    current: ClassVar[ContextVar[Pass | None]] = ContextVar("backward_pass", default=None)

    def __init__(self, retain: bool, create: bool, accumulates: bool, targets: Iterable[Edge] | None):
        self.retain = retain
        self.create = create
        self.accumulates = accumulates
        self.waiting: dict[Node, Any] = {}
        self.heap: list[tuple[int, Node]] = []
        self.leaves: dict[Node, Any] = {}
        self.wanted: dict[Edge, Any] = {} if targets is None else dict.fromkeys(targets)
        self.by_node = {node for node, _ in self.wanted}
        self.useful: set[Node] | None = None
        self.roots: tuple[Node, ...] = ()
        self.early: dict[Node, int] = {}
        """Leaves with hooks, and how many cotangents they still wait for."""

    def begin(self, seeds: list[tuple[Edge, Any]]) -> None:
        """Let the outputs' nodes wait with their cotangents, which nothing else holds after that."""
        for (node, index), g in seeds:
            self.send(node, index, g)
        seeds.clear()

    def send(self, node: Node, index: int | None, g: Any) -> None:
        """Add the cotangent `g` to what waits at output `index` of `node`."""
        waiting = self.waiting if node.id else self.leaves
        before = waiting.get(node)
        if index is None:
            # One output: its cotangent waits bare. Several: a dict by output.
            waiting[node] = g if before is None else before + g
        elif before is None:
            waiting[node] = {index: g}
        else:
            before[index] = before[index] + g if index in before else g
        if before is None and node.id:
            heappush(self.heap, (-node.id, node))

    def run(self) -> None:
        """Undo the waiting nodes, latest first, until only leaves are left."""
        plain = not self.by_node and not self.early and not modes.anomaly.get()
        way.back(self, self.heap, self.waiting, self.leaves, self.retain, plain)

    def undo_watched(self, node: Node, g: Any) -> tuple[tuple, tuple]:
        """Undo a node that somebody watches: hooks, wanted cotangents, anomaly mode, edges that lead nowhere useful."""
        if node.extra is not None:
            g = watch(node, g)
        if node in self.by_node:
            self.catch(node, g)
        edges, useful = node.edges, self.useful
        if useful is not None:
            edges = tuple([edge if edge in useful else None for edge in edges])
            if not any(edges):
                return (), ()
        packed = None if node.extra is None else node.extra.packed
        if packed is not None and node.kept is not None:
            unpack(node, packed)
        gs = pull_watched(node, g, edges) if modes.anomaly.get() else node.op.pull(node, g, edges)
        if packed is not None and self.retain:
            empty(node, packed)
        if node.extra is not None and node.extra.after:
            gs = after(node.extra, gs, g)
        return gs, self.hand_out(gs, edges) if self.early else edges

    def catch(self, node: Node, g: Any) -> None:
        """Store the cotangents at `node` that were asked for."""
        for edge in self.wanted:
            if edge[0] is node:
                self.wanted[edge] = g if edge[1] is None else g[edge[1]]

    def hand_out(self, gs: tuple, edges: tuple) -> tuple:
        """Give leaves with hooks their cotangents, finish those that wait for no others, and return the other edges."""
        rest = list(edges)
        for place, (edge, g) in enumerate(zip(edges, gs)):
            if edge is not None and edge in self.early:
                rest[place] = None
                self.early[edge] -= 1
                if g is not None:
                    self.leaves[edge] = self.leaves[edge] + g if edge in self.leaves else g
                if not self.early[edge] and edge in self.leaves:
                    self.finish(edge, self.leaves.pop(edge))
        return tuple(rest)

    def finish(self, leaf: Node, g: Any) -> None:
        """Do with the cotangent of a leaf what it was computed for."""
        if leaf.extra is not None:
            g = watch(leaf, g)
        if leaf in self.by_node:
            self.catch(leaf, g)
        if self.accumulates and (not self.by_node or leaf in self.by_node):
            accumulate(leaf, g, self.create)  # type: ignore[arg-type]

    def finish_leaves(self) -> None:
        """Finish the leaves that are left; a cotangent held by nobody else becomes a grad without a copy."""
        self.waiting, leaves = {}, self.leaves
        watched = bool(self.by_node)
        for leaf in leaves:
            watched = watched or leaf.extra is not None
        if watched:
            for leaf in list(leaves):
                self.finish(leaf, leaves.pop(leaf))
        elif self.accumulates:
            for node, g in leaves.items():
                accumulate(node, g, self.create)  # type: ignore[arg-type]

    def expect(self, seeds: Iterable[Node]) -> None:
        """Count the cotangents that leaves with hooks will get."""
        for node in nodes_before(seeds):
            if self.useful is None or node in self.useful:
                for edge in node.edges:
                    if edge is not None and edge in hooked_leaves:
                        self.early[edge] = self.early.get(edge, 0) + 1

    def prune(self, seeds: Iterable[Node]) -> None:
        """Find the nodes on a path from the seeds to a target; the pass leaves the others alone."""
        useful = set(self.by_node)
        for node in sorted(nodes_before(seeds), key=lambda each: each.id):
            if any(edge in useful for edge in node.edges):
                useful.add(node)
        self.useful = useful


def drive(journey: Pass, heap: list, waiting: dict, leaves: dict, retain: bool, plain: bool) -> None:
    """Undo waiting nodes until only leaves are left; with `plain`, none is watched but those that have an `Extra`."""
    ready = g = None
    while ready is not None or heap:
        if ready is None:
            node = heappop(heap)[1]
            g = waiting.pop(node)
        elif heap and ready.id < -heap[0][0]:
            waiting[ready] = g
            node = heapreplace(heap, (-ready.id, ready))[1]
            g = waiting.pop(node)
        else:
            node = ready
        ready = None
        if g.__class__ is dict:
            g = in_order(node, g)
        if plain and node.extra is None:
            gs = node.op.pull(node, g, edges := node.edges)
        else:
            gs, edges = journey.undo_watched(node, g)
        if not retain and edges and node.kept.__class__ is not list:
            node.kept = node.y = None
        place, g, indices = -1, None, node.indices
        for each in gs:  # counted by hand: enumerate and zip take a tenth of the pass
            edge = edges[place := place + 1]
            if each is None or edge is None:
                continue
            if indices[place] is not None:
                journey.send(edge, indices[place], each)
            elif edge.id == 0:
                leaves[edge] = leaves[edge] + each if edge in leaves else each
            elif edge is ready:
                g = g + each
            elif edge in waiting:
                waiting[edge] = waiting[edge] + each
            elif ready is None:
                ready, g = edge, each
            else:
                waiting[edge] = each
                heappush(heap, (-edge.id, edge))


way.back = drive


def nodes_before(seeds: Iterable[Node]) -> set[Node]:
    """Return the nodes that lead to `seeds`, and these."""
    reached: set[Node] = set()
    stack = list(seeds)
    while stack:
        node = stack.pop()
        if node not in reached:
            reached.add(node)
            stack.extend(edge for edge in node.edges if edge is not None)
    return reached


def in_order(node: Node, g: Any) -> tuple:
    """Return the cotangents of `node`, a dict by output, as a tuple with None for outputs that nothing depends on."""
    return tuple([g.get(place) for place in range(max(node.op.width or 0, max(g) + 1))])


def watch(node: Node, g: Any) -> Any:
    """Run the hooks on the cotangents of `node`; each may replace what it saw."""
    extra = node.extra
    assert extra is not None
    several = g.__class__ is tuple
    gs = list(g) if several else [g]
    for index, function in [(index or 0, function) for index, table in extra.tensors.items() for function in table.values()]:
        if gs[index] is not None:
            result = function(gs[index])
            if result is not None:
                gs[index] = checked(result)
    for index, reference in extra.retained:
        tensor, each = reference(), gs[index or 0]
        if tensor is not None and each is not None:
            tensor.grad = each if tensor.grad is None else tensor.grad + each
    for function in list(extra.before.values()):
        result = function(tuple(gs))
        if result is not None:
            gs = replacing(function, result, len(gs))
    return tuple(gs) if several else gs[0]


def after(extra: Extra, gs: tuple, g: Any) -> tuple:
    """Run the hooks that see a node's inputs' and outputs' cotangents."""
    for function in list(extra.after.values()):
        result = function(gs, g if g.__class__ is tuple else (g,))
        if result is not None:
            gs = tuple(replacing(function, result, len(gs)))
    return gs


def checked(g: Any) -> AbstractTensor:
    """Return what a tensor's hook returned, if it is a tensor."""
    if not isinstance(g, AbstractTensor):
        raise TypeError(f"backward: expected Variable, but hook returned '{type(g).__name__}'")
    return g


def replacing(hook: Any, gs: Any, count: int) -> list:
    """Return the cotangents that a node's hook gave instead of those it saw, if they are as many."""
    found = list(gs) if isinstance(gs, (tuple, list)) else [gs]
    if len(found) != count:
        name = getattr(hook, "__name__", type(hook).__name__)
        raise RuntimeError(
            f"backward: hook '{name}' has returned an incorrect number of values (got {len(found)}, but expected {count})"
        )
    return [each if each is None else checked(each) for each in found]


def pull_watched(node: Node, g: Any, edges: tuple) -> tuple:
    """Undo `node` in anomaly mode: an error, or a NaN that was not there before, names the line that ran forward."""
    where = f"`{node.op.key}` in the forward pass at {describe(node.site)}"
    try:
        gs = node.op.pull(node, g, edges)
    except Exception as error:
        error.add_note(f"detect_anomaly: this happened while undoing {where}")
        raise
    for place, edge in enumerate(edges if modes.nan_checked.get() else ()):
        if edge is not None and gs[place] is not None and module_of(gs[place]).isnan(gs[place].value).any():
            raise RuntimeError(
                f"detect_anomaly: {node.name()} returned nan values in its output {place}, while undoing {where}"
            )
    return gs


def edge_of(tensor: Any) -> Edge | None:
    """Return where cotangents of `tensor` arrive, or None for a constant; users may hold the edge itself."""
    if not isinstance(tensor, AbstractTensor):
        return tensor.edge()
    if tensor.origin is not None:
        synchronize(tensor)
    return None if tensor.node is None else (tensor.node, tensor.index)


ONES = {np.dtype(each): np.ones((), each) for each in ("f4", "f8")}
"""The cotangent that most passes start with: a copy takes a third of the time of making one."""


def seed(name: str, root: AbstractTensor, g: AbstractTensor | None) -> AbstractTensor:
    """Return the cotangent to start with at `root`: the given one, checked, or 1 for a scalar."""
    if not isinstance(root, AbstractTensor):
        if not isinstance(g, AbstractTensor):
            raise RuntimeError(f"{name}: expected a gradient for an edge of the graph, got {type(g).__name__}")
        return g
    if g is None:
        if root.value.__class__ is np.ndarray and root.value.shape == () and root.value.dtype in ONES:
            return lift(ONES[root.value.dtype].copy())
        if root.value.size != 1:
            raise RuntimeError(
                f"{name}: grad can be implicitly created only for scalar outputs, got shape {list(root.value.shape)}; "
                "pass gradient=, or reduce with sum() or mean() first"
            )
        if root.value.dtype.kind == "c":
            raise RuntimeError(
                f"{name}: grad can be implicitly created only for real scalar outputs, got {dtypes.of(root.value.dtype)}; "
                "pass gradient=, or take the real part or abs() first"
            )
        return lift(module_of(root).ones(root.value.shape, root.value.dtype))
    if not isinstance(g, AbstractTensor):
        raise TypeError(f"{name}: expected the gradient to be a tensor or None, got {type(g).__name__}")
    if g.value.shape != root.value.shape:
        raise RuntimeError(
            f"{name}: Mismatch in shape: the gradient has shape {list(g.value.shape)}, "
            f"the output has shape {list(root.value.shape)}"
        )
    return g


def propagate(
    name: str,
    roots: Sequence[AbstractTensor],
    gs: Sequence[AbstractTensor | None],
    *,
    retain: bool,
    create: bool,
    accumulates: bool,
    targets: Sequence[Edge] | None = None,
) -> Pass:
    """Run one backward pass from `roots` with cotangents `gs` and return the finished pass."""
    journey = Pass(retain, create, accumulates, targets)
    listener = modes.recorder.get()
    if listener is not None:
        listener.goes_back()
    seeds = []
    for root, g in zip(roots, gs, strict=True):
        edge = edge_of(root)
        if edge is None:
            raise RuntimeError(f"{name}: element {len(seeds)} of tensors does not require grad and does not have a grad_fn")
        seeds.append((edge, seed(name, root, g)))
    journey.roots = tuple([edge[0] for edge, _ in seeds])
    if targets is not None:
        journey.prune(edge[0] for edge, _ in seeds)
    if hooked_leaves:
        journey.expect(edge[0] for edge, _ in seeds)
    token, silence = modes.grad_enabled.set(create), modes.silence(modes.silent)
    running = Pass.current.set(journey)
    try:
        journey.begin(seeds)
        journey.run()
        journey.finish_leaves()
    finally:
        Pass.current.reset(running)
        modes.restore(silence)
        modes.grad_enabled.reset(token)
    return journey


def backward(
    tensors: Sequence[AbstractTensor],
    gradients: Sequence[AbstractTensor | None],
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[AbstractTensor] | None = None,
) -> None:
    """Add the derivatives of `tensors`, weighted by `gradients`, to the `.grad` of the leaves they come from."""
    retain = create_graph if retain_graph is None else retain_graph
    targets = None
    if inputs is not None:
        if not inputs:
            raise RuntimeError("backward: inputs argument to backward cannot be empty")
        targets = [_target("backward", each) for each in inputs]
        for each, (node, _) in zip(inputs, targets):
            if node.id and isinstance(each, AbstractTensor):
                retain_grad(each)
    propagate("backward", tensors, gradients, retain=retain, create=create_graph, accumulates=True, targets=targets)


def _target(name: str, tensor: AbstractTensor) -> Edge:
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError(f"{name}: One of the differentiated Tensors does not require grad")
    return edge


def gradients(
    outputs: Sequence[AbstractTensor],
    inputs: Sequence[AbstractTensor],
    grad_outputs: Sequence[AbstractTensor | None],
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple:
    """Return the derivatives of `outputs`, weighted by `grad_outputs`, by each of `inputs`; leaves' `.grad` stays as it is."""
    retain = create_graph if retain_graph is None else retain_graph
    targets = [_target("grad", each) for each in inputs]
    journey = propagate("grad", outputs, grad_outputs, retain=retain, create=create_graph, accumulates=False, targets=targets)
    found = tuple(journey.wanted[edge] for edge in targets)
    if not allow_unused and any(g is None for g in found):
        place = next(place for place, g in enumerate(found) if g is None)
        raise RuntimeError(
            f"grad: One of the differentiated Tensors appears to not have been used in the graph (input {place}); "
            "set allow_unused=True if that is meant"
        )
    return found
