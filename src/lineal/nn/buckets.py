"""Gradients of several processes, averaged while the backward pass still runs, bucket by bucket of parameters.

Buckets are filled in the order in which gradients are likely to appear, from the last parameter to the first. A bucket goes
when all of its gradients are there and the buckets before it have gone, so that all ranks reduce the same in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lineal.base.tree import leaves
from lineal.core import no_grad
from lineal.distributed import ReduceOp, Work, all_reduce
from lineal.distributed.coalescing import flat, parts
from lineal.ops import zeros
from lineal.tensors import Tensor

__all__ = ["GradBucket", "Reducer"]

MEGABYTE = 1 << 20
FIRST = 1.0
"""How many megabytes the first bucket has at most: it goes early."""

Hook = Callable[[Any, "GradBucket"], Any]


class GradBucket:
    """Gradients that are reduced together, as a hook is given them."""

    def __init__(self, place: int, last: bool, params: list[Tensor], buffer: Tensor):
        self._place, self._last, self._parameters, self._buffer = place, last, params, buffer

    def index(self) -> int:
        """Return its number, in the order in which buckets go."""
        return self._place

    def is_last(self) -> bool:
        """Return whether no other comes after it."""
        return self._last

    def buffer(self) -> Tensor:
        """Return all gradients in one tensor of one dimension."""
        return self._buffer

    def set_buffer(self, buffer: Tensor) -> None:
        """Replace the tensor of all gradients."""
        self._buffer = buffer

    def gradients(self) -> list[Tensor]:
        """Return the gradients, as parts of that tensor."""
        return list(parts(self._buffer, self._parameters))

    def parameters(self) -> list[Tensor]:
        """Return the parameters that they belong to."""
        return self._parameters


class Gone(NamedTuple):
    """A bucket that is being reduced; `result` waits for what comes of it."""

    params: list[Tensor]
    result: Callable[[], Tensor]


class Reducer:
    """Averages the gradients of parameters over a group, as soon as backward has added to them.

    `finds_unused`: parameters that an output does not depend on count as having gradients of zero; one that is not used on any
    rank keeps its own. `active` says whether anything is to be done.
    """

    def __init__(self, named: Sequence[tuple[str, Tensor]], group: Any, cap: float, finds_unused: bool):
        self.names = {id(x): name for name, x in named}
        self.params = [x for _, x in named]
        self.group, self.finds_unused, self.active = group, finds_unused, True
        self.hook: tuple[Hook, Any] | None = None
        self.scale = 1.0
        """What the averages are multiplied by."""
        self.buckets = bucketed(self.params[::-1], cap)
        self.ready: set[int] = set()
        self.used: set[int] = set()
        self.gone: list[Gone] = []
        self.handles = [x.register_post_accumulate_grad_hook(self.accumulated) for x in self.params]

    def begin(self, outputs: Any) -> None:
        """Prepare for the backward pass of a call's outputs."""
        if self.finds_unused:
            reached = leaves_of(outputs)
            for x in self.params:
                if id(x) not in reached:
                    self.ready.add(id(x))

    def require_finished(self) -> None:
        """Raise RuntimeError if a backward pass has given some parameters gradients, and others none."""
        if self.used and len(self.ready) < len(self.params):
            late = [self.names[id(x)] for x in self.params if id(x) not in self.ready]
            self.ready, self.used = set(), set()
            raise RuntimeError(
                "DistributedDataParallel: Expected to have finished reduction in the prior iteration before starting a new "
                f"one: parameters {', '.join(late)} have received no gradient, so others were not averaged. Pass "
                "find_unused_parameters=True if an output need not depend on all parameters"
            )
        self.ready, self.used, self.gone = set(), set(), []

    def accumulated(self, x: Tensor) -> None:
        """Note that backward has added to the gradient of a parameter; let buckets go whose time has come."""
        if not self.active:
            return
        if id(x) in self.used:
            raise RuntimeError(
                "DistributedDataParallel: Expected to mark a variable ready only once: the gradient of "
                f"{self.names[id(x)]} came twice before all others had come; call backward once for all outputs"
            )
        self.ready.add(id(x))
        self.used.add(id(x))
        while len(self.gone) < len(self.buckets) and all(id(each) in self.ready for each in self.buckets[len(self.gone)]):
            self.gone.append(self.reduced(self.buckets[len(self.gone)]))
        if len(self.gone) == len(self.buckets):
            self.finish()

    def shadow(self) -> None:
        """Reduce as other ranks do, with gradients of zero, which leaves this rank's as they are."""
        self.ready, self.used = set(), set()
        self.gone = []
        for params in self.buckets:
            self.gone.append(self.reduced(params, False))
        self.used_somewhere()
        for each in self.gone:
            each.result()
        self.gone = []

    def reduced(self, params: list[Tensor], brings: bool = True) -> Gone:
        """Begin to reduce a bucket; this rank brings its gradients, or zeros."""
        with no_grad():
            own = [x.grad if brings and x.grad is not None else zeros(x.shape, dtype=x.dtype) for x in params]
            whole, place = flat(own), len(self.gone)
            if self.hook is not None:
                function, state = self.hook
                future = function(state, GradBucket(place, place == len(self.buckets) - 1, params, whole))
                return Gone(params, lambda: first(future.wait()))
            work = all_reduce(whole, ReduceOp.AVG, self.group, async_op=True)
        return Gone(params, lambda: awaited(work, whole))

    def finish(self) -> None:
        """Wait for all buckets, and write the averages into the gradients."""
        somewhere, gone = self.used_somewhere(), self.gone
        self.ready, self.used, self.gone = set(), set(), []
        with no_grad():
            for bucket in gone:
                for x, part in zip(bucket.params, parts(bucket.result(), bucket.params)):
                    if id(x) not in somewhere:
                        continue
                    part = part if self.scale == 1 else part * self.scale
                    if x.grad is None:
                        x.grad = part.clone()
                    else:
                        x.grad.copy_(part)

    def used_somewhere(self) -> set[int]:
        """Return the parameters that some rank has used."""
        if not self.finds_unused:
            return self.used
        marks = zeros(len(self.params), dtype=self.params[0].dtype)
        for place, x in enumerate(self.params):
            marks[place] = float(id(x) in self.used)
        all_reduce(marks, ReduceOp.MAX, self.group)
        return {id(x) for x, mark in zip(self.params, marks.tolist()) if mark}


def awaited(work: Work | None, whole: Tensor) -> Tensor:
    """Return a tensor when the work on it has ended."""
    if work is not None:
        work.wait()
    return whole


def first(found: Any) -> Tensor:
    """Return what a hook's future gives: a tensor, or a list of one."""
    return found if isinstance(found, Tensor) else found[0]


def bucketed(params: Sequence[Tensor], cap: float) -> list[list[Tensor]]:
    """Return parameters in buckets of one dtype and at most so many megabytes, the first a small one; larger ones are alone."""
    buckets: list[list[Tensor]] = []
    room = 0.0
    for x in params:
        size = x.numel() * x.element_size()
        if not buckets or buckets[-1][0].dtype is not x.dtype or size > room:
            buckets.append([])
            room = min(cap, FIRST if len(buckets) == 1 else cap) * MEGABYTE
        buckets[-1].append(x)
        room -= size
    return buckets


def leaves_of(outputs: Any) -> set[int]:
    """Return the leaves that tensors among the outputs depend on, by `id`."""
    stack = [x.node for x in leaves(outputs) if isinstance(x, Tensor) and x.node is not None]
    seen, found = set(stack), set()
    while stack:
        node = stack.pop()
        if node.id == 0:
            found.add(id(node.variable))
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return found
