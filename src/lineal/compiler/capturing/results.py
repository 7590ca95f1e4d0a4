"""What a function returns: new tensors, tensors that the caller can reach anyway, and views of either.

A program makes the numbers of new tensors alone. A result that was an argument, a parameter or a grad is handed out as that
very tensor; one that looked into it, or into another result, does so again: a caller who writes into one sees it in the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lineal.base import tree
from lineal.base.layouts import uncommon_steps
from lineal.compiler.capturing.capture import Capture
from lineal.compiler.capturing.effects import may_share, pending
from lineal.core import AbstractTensor, Op, apply, modes, synchronize
from lineal.ops.indexing.basic import slice_op
from lineal.tensors.autograd_methods import Detach
from lineal.tracing import LOOKING, Place, Storage, Var

__all__ = ["Finder", "Results", "several"]


class Source(Protocol):
    """Where a result comes from at each call."""

    def tensor(self, made: Sequence[Any], given: Sequence[Any]) -> Any:
        """Return it, of the new tensors and the arguments of a call."""


@dataclass(frozen=True)
class Made:
    """A new tensor."""

    place: int

    def tensor(self, made: Sequence[Any], given: Sequence[Any]) -> Any:
        return made[self.place]


@dataclass(frozen=True)
class Given:
    """An argument."""

    place: int

    def tensor(self, made: Sequence[Any], given: Sequence[Any]) -> Any:
        return given[self.place]


@dataclass(frozen=True, eq=False)
class Reached:
    """A tensor that was there before the call."""

    thing: Any

    def tensor(self, made: Sequence[Any], given: Sequence[Any]) -> Any:
        return self.thing


@dataclass(frozen=True, eq=False)
class Grad:
    """The grad that a leaf has after the call."""

    leaf: Any

    def tensor(self, made: Sequence[Any], given: Sequence[Any]) -> Any:
        return self.leaf.derivative


@dataclass(frozen=True, eq=False)
class Look:
    """A view of another source."""

    base: Source
    path: tuple[Op, ...]
    tracked: bool
    """Whether it was made while ops remembered their history."""
    history: bool
    """Whether it has one."""

    def tensor(self, made: Sequence[Any], given: Sequence[Any]) -> Any:
        x = self.base.tensor(made, given)
        with modes.Setting((modes.grad_enabled, self.tracked)):
            for op in self.path:
                x = apply(op, x)
        return x if self.history or (self.path and x.node is None) else apply(Detach(), x)


@dataclass(frozen=True)
class Slot:
    """The place of a tensor in a nest of results."""

    place: int


class Results:
    """A nest with slots, and the sources that fill them."""

    def __init__(self, nest: Any, sources: Sequence[Source]):
        self.nest = nest
        self.sources = sources
        self.new = list(sources) == [Made(n) for n in range(len(sources))]
        """Whether the sources are the new tensors, in order."""
        self.single = self.new and nest == Slot(0)
        """Whether one new tensor is all there is."""
        self.flat = self.new and type(nest) is tuple and nest == tuple(map(Slot, range(len(sources))))
        """Whether it is the tuple of the new tensors, in order."""

    def assembled(self, made: Sequence[Any], given: Sequence[Any]) -> Any:
        """Return the results of a call that made these tensors of these arguments."""
        found = made if self.new else [each.tensor(made, given) for each in self.sources]
        return tree.transform(lambda each: found[each.place] if isinstance(each, Slot) else each, self.nest)


def several(count: int) -> Results:
    """Return the results of a function that returns a tuple of so many new tensors."""
    return Results(tuple(map(Slot, range(count))), [Made(n) for n in range(count)])


class Finder:
    """Finds where the results of a captured function come from, and the variables of those that are new."""

    def __init__(self, capture: Capture, result: Any):
        self.capture = capture
        self.outputs: list[Var] = []
        self.layouts: list[tuple[int, ...] | None] = []
        """The strides of the outputs in elements, None for C order."""
        self.bases: dict[int, Made] = {}
        """The new tensors that are whole storages, by storage."""
        self.arguments = {id(x): n for n, x in enumerate(capture.arguments)}
        leaves = [*capture.graded.values(), *(leaf for leaf, _ in capture.found.values())]
        # the trace of a function with a sparse gradient has been refused by who made that
        leaves = [leaf for leaf in leaves if leaf.derivative is not None and not leaf.derivative.is_sparse]
        self.grads = {id(leaf.derivative): leaf for leaf in leaves}
        self.lent = {id(self.place(leaf.derivative).storage): leaf for leaf in self.grads.values()}
        tensors = {id(x): x for x in tree.leaves(result) if isinstance(x, AbstractTensor)}
        for x in tensors.values():
            if x.origin is not None:
                synchronize(x)
        self.returned = {id(self.place(x).storage) for x in tensors.values()}
        self.shared = self.sharing(list(tensors.values()))
        slots = {key: n for n, key in enumerate(tensors)}
        self.sources = [self.source(x) for x in tensors.values()]
        nest = tree.transform(lambda each: Slot(slots[id(each)]) if isinstance(each, AbstractTensor) else each, result)
        self.results = Results(nest, self.sources)
        known: set[int] = set()
        self.differentiable = any(
            x.node is not None and pending(x.node, known) and isinstance(root(source), Made)
            for x, source in zip(tensors.values(), self.sources)
        )
        """Whether somebody may call backward on a new tensor."""

    def place(self, x: AbstractTensor) -> Place:
        return self.capture.place(x)

    def sharing(self, tensors: list[AbstractTensor]) -> set[int]:
        """Return the storages made here that several results look into where they meet."""
        inside: dict[int, list[AbstractTensor]] = {}
        for x in tensors:
            inside.setdefault(id(self.place(x).storage), []).append(x)
        return {
            key
            for key, several in inside.items()
            if any(may_share(a.value, b.value) for n, a in enumerate(several) for b in several[:n])
        }

    def source(self, x: AbstractTensor) -> Source:
        """Return where a result comes from."""
        self.capture.refuse_gained(x)
        if id(x) in self.grads:
            return Grad(self.grads[id(x)])
        if id(x) in self.arguments:
            return Given(self.arguments[id(x)])
        if id(x) in self.capture.outside:
            return Reached(x)
        place = self.place(x)
        storage = place.storage
        if self.is_seen(storage.looked_at):
            self.capture.refuse(LOOKING)
        if storage.captured is None and id(storage) not in self.lent and id(storage) not in self.shared:
            return self.made(self.capture.result(x), x.value)
        base = self.whole(storage)
        if not place.path and isinstance(base, Made) and x.origin is None and id(x) not in self.capture.over.detached:
            return base
        # a view that shows all of it is another tensor, too
        return Look(base, place.path or (slice_op(()),), x.origin is not None and bool(x.origin.tracked), x.node is not None)

    def is_seen(self, storage: Storage | None) -> bool:
        """Return whether the caller can reach a storage."""
        return storage is not None and (
            storage.captured is not None
            or id(storage) in self.lent
            or id(storage) in self.returned
            or self.is_seen(storage.looked_at)
        )

    def whole(self, storage: Storage) -> Source:
        """Return where the tensor that fills a storage comes from."""
        if id(storage) in self.lent:
            return Grad(self.lent[id(storage)])
        if storage.captured is None:
            if id(storage) not in self.bases:
                self.bases[id(storage)] = self.made(storage.var, storage.array)
            return self.bases[id(storage)]
        place = self.arguments.get(id(storage.captured))
        return Reached(storage.captured) if place is None else Given(place)

    def made(self, var: Var, array: Any) -> Made:
        self.outputs.append(var)
        self.layouts.append(uncommon_steps(array))
        return Made(len(self.outputs) - 1)


def root(source: Source) -> Source:
    """Return what a source looks into, or itself."""
    return source.base if isinstance(source, Look) else source
