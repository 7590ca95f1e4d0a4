"""Purification: a function really runs, and what it did to tensors is written down as equations that never write.

Views and writes in place are resolved while they are heard. Every array lies in a storage, at a path of view ops; a storage has
a current variable. Writing a whole storage makes the written value current; writing a view makes "the storage with that view
replaced" current; reading a view of a storage that was written since derives it anew. So the equations never write, and what
remains to be done at the end is known: which storages from outside took new values.
"""

from __future__ import annotations

import numpy as np

from lineal.core import AbstractTensor, Op, Overwrite, Renumber, ViewScatter, modes
from lineal.ops.conversion import is_literal
from lineal.tensors.autograd_methods import Detach
from lineal.tracing.equations import Equation, Var

__all__ = ["LOOKING", "Place", "PureRecorder", "Storage", "strides"]


GAINED = "a tensor without the history of its memory, as detach() gives, is written with one and then read; clone() it first"
LOOKING = "a part x[i] of a tensor, i a tensor too, is written, read after a write to x, or returned beside x; clone() it"


class Storage:
    """One block of memory: its variable at present, how often it was written, the tensor it came with if from outside."""

    version = 0
    written = False
    remembered = False
    """Whether one of the writes has a history, or takes that of the tensor."""
    lookers: tuple[Storage, ...] = ()
    """What has parts of it, taken at a place that depends on numbers."""
    looked_at: Storage | None = None
    """What it is such a part of itself."""
    stale = False
    """Whether that was written since."""

    def __init__(self, var: Var, array: np.ndarray, captured: AbstractTensor | None = None):
        self.var = var
        self.array = array
        self.captured = captured


class Place:
    """Where an array lies: its storage, the view ops from there, and the variable it was when the storage had `version`."""

    __slots__ = ("path", "storage", "var", "version")

    def __init__(self, storage: Storage, path: tuple[Op, ...], var: Var | None, version: int):
        self.storage = storage
        self.path = path
        self.var = var
        self.version = version


class Over:
    """Tensors over the array of another one, by what their histories are."""

    def __init__(self) -> None:
        self.detached: dict[int, AbstractTensor] = {}
        """Those without its history: of detach(), `.data`, no_grad."""
        self.gained: dict[int, AbstractTensor] = {}
        """Those of them that took a history of their own with what was written to them."""
        self.passed: dict[int, AbstractTensor] = {}
        """Those that are arguments, or what ops gave that passed an array through."""


class PureRecorder(modes.Recorder):
    """A recorder that writes pure equations; what cannot be put so, it refuses."""

    takes_draws = False

    def __init__(self) -> None:
        self.arguments: list[AbstractTensor] = []
        self.inputs: list[Var] = []
        self.histories: list[tuple[AbstractTensor, object]] = []
        """The tensors from outside, with the nodes that they came with."""
        self.captured: dict[Var, AbstractTensor] = {}
        """The tensors that were reached otherwise than through arguments, in memory of their own."""
        self.outside: dict[int, AbstractTensor] = {}
        """All of them, views too."""
        self.literals: dict[Var, np.ndarray] = {}
        self.equations: list[Equation] = []
        self.effects: dict[Var, np.ndarray] = {}
        """What ops with an effect gave, which nobody may ask of them again."""
        self.steps: dict[Var, tuple[int, ...]] = {}
        """How the arrays from outside lie: their strides, in elements."""
        self.over = Over()
        self.places: dict[int, Place] = {}
        self.owners: set[int] = set()
        """The tensors by which arrays were entered."""
        self.alive: list[tuple[AbstractTensor, np.ndarray]] = []
        self.count = 0
        self.wrote = False
        """Whether anything was written in place."""
        self.refusal: str | None = None

    def refuse(self, why: str) -> None:
        """Give the reason why the equations are not what the function does, unless there is one already."""
        self.refusal = self.refusal or why

    def append(self, equation: Equation) -> None:
        """Put down an equation."""
        self.equations.append(equation)

    # what a recorder hears

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        """Called when `op` made `ys` of `xs`."""
        inputs = tuple(map(self.read, xs))
        if op.aliasing is not None:
            self.view(op, xs[0], inputs[0], ys)
            return
        for y in ys:
            if id(y.value) in self.places:
                # the op passed an array through: what it is called now is what it was
                self.over.passed[id(y)] = y
                return
        outputs = tuple([self.enter(y) for y in ys])
        self.append(Equation(op, inputs, outputs, modes.grad_enabled.get()))
        if op.effect:
            self.effects.update((var, y.value.copy()) for var, y in zip(outputs, ys))

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Called when `target` took the numbers of `source` in place."""
        new, place = self.read(source), self.place(target)
        storage = place.storage
        if storage.looked_at is not None:
            self.refuse(LOOKING)
        for each in storage.lookers:
            each.stale = True
        apart = self.stands_apart(target)
        silent = not modes.grad_enabled.get() or apart
        if apart:
            self.gains(target)
        with modes.Setting((modes.grad_enabled, not silent)):
            if place.path:
                new = self.derive(ViewScatter(place.path), (storage.var, new), storage.array)
            elif not silent and keeps_history(target):
                # of which nothing comes through
                new = self.derive(Overwrite(), (storage.var, new), storage.array)
        if silent:
            # nobody remembers the write: whoever has a history keeps it, and whoever has none gets none
            if apart and not place.path:
                new = self.derive(Detach(), (new,), storage.array)
            with modes.Setting((modes.grad_enabled, True)):
                new = self.derive(Renumber(), (storage.var, new), storage.array)
        self.wrote = True
        storage.var = new
        storage.version += 1
        storage.written = True
        storage.remembered |= not silent
        place.var, place.version = (new, storage.version) if not place.path else (None, -1)

    def stands_apart(self, target: AbstractTensor) -> bool:
        """Return whether a tensor that was written has another history than the one whose array it has, or than its base's."""
        return id(target) in self.over.detached or (target.origin is None and id(target) not in self.owners)

    def gains(self, target: AbstractTensor) -> None:
        """Note it if a tensor took a history that nobody else over its memory has."""
        base = target if target.origin is None else target.origin.base
        if modes.grad_enabled.get() and base.node is not None:
            self.over.gained[id(base)] = base
            if id(base) not in self.over.detached:
                # it was there before, and keeps the history after the call
                self.refuse(GAINED)

    def looks(self, view: AbstractTensor, copy: AbstractTensor, base: AbstractTensor) -> None:
        """Called when a view looks into `base`: it is the copy as long as neither is written."""
        place = self.place(copy)
        self.put(view, place)
        place.storage.looked_at = self.place(base).storage
        place.storage.looked_at.lookers += (place.storage,)

    def storages(self) -> list[Storage]:
        """Return the storages from outside."""
        found = {id(place.storage): place.storage for place in self.places.values()}
        return [each for each in found.values() if each.captured is not None]

    def own(self) -> dict[int, Var]:
        """Return by their identities the variables that tensors from outside came with."""
        given = {id(x): var for x, var in zip(self.arguments, self.inputs)}
        return given | {id(x): var for var, x in self.captured.items()}

    # variables and places

    def was_made(self, x: AbstractTensor) -> bool:
        """Return whether a tensor was made in the course of the function."""
        known = self.places.get(id(x.value))
        return known is not None and known.storage.captured is None

    def new(self, array: np.ndarray) -> Var:
        """Return a new variable of the array's type."""
        self.count += 1
        return Var(self.count - 1, array)

    def enter(self, x: AbstractTensor) -> Var:
        """Return the new variable of a tensor in memory of its own."""
        # as `new` and `put` do: there is one for every op that is heard
        array = x.value
        var = Var(self.count, array)
        self.count += 1
        self.places[id(array)] = Place(Storage(var, array), (), var, 0)
        self.owners.add(id(x))
        self.alive.append((x, array))
        return var

    def put(self, x: AbstractTensor, place: Place) -> None:
        """Enter a tensor, which lies at a place."""
        self.places[id(x.value)] = place
        self.owners.add(id(x))
        self.alive.append((x, x.value))

    def argument(self, x: AbstractTensor) -> None:
        """Enter an argument of the function, which may be the same as one before."""
        known = self.places.get(id(x.value))
        var = self.enter(x) if known is None else known.storage.var
        self.histories.append((x, x.node))
        if known is None:
            self.steps[var] = strides(x.value)
            self.places[id(x.value)].storage.captured = x
        else:
            self.over.passed[id(x)] = x
        self.arguments.append(x)
        self.inputs.append(var)

    def literal(self, x: AbstractTensor) -> None:
        """Enter a number that never changes."""
        var = self.new(x.value)
        self.literals[var] = x.value
        self.put(x, Place(Storage(var, x.value), (), var, 0))

    def place(self, x: AbstractTensor) -> Place:
        """Return where a tensor lies; one from outside is captured."""
        found = self.places.get(id(x.value))
        if found is None:
            found = self.reach(x)
            self.put(x, found)
        elif stands_alone(x) and not self.is_known(x):
            self.check_history(x, found.storage.captured)
        return found

    def check_history(self, x: AbstractTensor, captured: AbstractTensor | None) -> None:
        """Refuse a tensor over the array of one from outside if it has another history; it may have none."""
        if captured is not None and x.node is not None:
            before = next(node for each, node in self.histories if each is captured)
            if x.node is not before:
                self.refuse(
                    f"two tensors of shape {list(x.value.shape)} are the same memory with different histories; clone() one"
                )

    def is_known(self, x: AbstractTensor) -> bool:
        """Return whether a tensor is one of those by which arrays were entered, or made of them."""
        return id(x) in self.owners or id(x) in self.over.detached or id(x) in self.over.passed

    def reach(self, x: AbstractTensor) -> Place:
        """Return where a tensor from outside lies, which is met for the first time."""
        if not is_literal(x):
            self.outside[id(x)] = x
        if x.origin is not None and not stands_alone(x):
            base = self.place(x.origin.base)
            if self.is_detached(x.origin.base):
                self.over.detached[id(x)] = x
            return Place(base.storage, (*base.path, *x.origin.path), None, -1)
        if is_literal(x):
            var = self.new(x.value)
            self.literals[var] = x.value
            return Place(Storage(var, x.value), (), var, 0)
        return self.capture(x)

    def capture(self, x: AbstractTensor) -> Place:
        """Return the place of a tensor from outside in memory of its own."""
        var = self.new(x.value)
        self.captured[var] = x
        self.histories.append((x, x.node))
        self.steps[var] = strides(x.value)
        return Place(Storage(var, x.value, x), (), var, 0)

    def read(self, x: AbstractTensor) -> Var:
        """Return the variable that a tensor is now; its history is no matter where nobody remembers what is done."""
        place, over = self.places.get(id(x.value)), self.over
        if (
            place is not None
            and place.var is not None
            and place.version == place.storage.version
            and id(x) in self.owners
            and not (place.storage.stale or over.gained or id(x) in over.detached)
        ):
            # as most are: made here, and not written since
            return place.var
        var = self.read_memory(x)
        if not modes.grad_enabled.get():
            return var
        self.refuse_gained(x)
        return self.derive(Detach(), (var,), x.value) if self.is_detached(x) else var

    def result(self, x: AbstractTensor) -> Var:
        """Return the variable that a tensor is in the end, without a history if it has none."""
        var = self.read_memory(x)
        self.refuse_gained(x)
        return self.derive(Detach(), (var,), x.value) if id(x) in self.over.detached else var

    def refuse_gained(self, x: AbstractTensor) -> None:
        """Refuse to go on with a second history over one memory."""
        if self.over.gained and id(x if x.origin is None else x.origin.base) in self.over.gained:
            self.refuse(GAINED)

    def is_detached(self, x: AbstractTensor) -> bool:
        """Return whether a tensor has no history where another one over its memory may have: detach(), `.data`, no_grad."""
        if id(x) in self.over.detached:
            return True
        return x.node is None and modes.grad_enabled.get() and id(x.value) in self.places and id(x) not in self.owners

    def read_memory(self, x: AbstractTensor) -> Var:
        """Return the variable that a tensor's memory is now."""
        place = self.place(x)
        storage = place.storage
        if storage.stale:
            self.refuse(LOOKING)
        if place.var is None or place.version != storage.version:
            var, array = storage.var, storage.array
            # a view that was made with a history has one, wherever it is read first
            with modes.Setting((modes.grad_enabled, x.origin is None or bool(x.origin.tracked))):
                for op in place.path:
                    array = op.eager(np, array)
                    var = self.derive(op, (var,), array)
            place.var, place.version = var, storage.version
        return place.var

    def derive(self, op: Op, inputs: tuple[Var, ...], like: np.ndarray) -> Var:
        """Return the variable that `op` gives, of the type of the array `like`."""
        var = self.new(like)
        self.append(Equation(op, inputs, (var,), modes.grad_enabled.get()))
        return var

    def view(self, op: Op, x: AbstractTensor, var: Var, ys: tuple[AbstractTensor, ...]) -> None:
        base = self.place(x)
        parts = type(op).part is not Op.part
        for number, y in enumerate(ys):
            if id(y.value) in self.places:
                # the op passed the array on; a view of a tensor without history has none either
                if op.aliasing == "memory" or self.is_detached(x):
                    self.over.detached[id(y)] = y
                continue
            step = op.part(number) if parts else op
            made = self.derive(step, (var,), y.value)
            if self.is_detached(x) or not modes.grad_enabled.get():
                # whatever is written there later, it has no history
                self.over.detached[id(y)] = y
            self.put(y, Place(base.storage, (*base.path, step), made, base.storage.version))


def stands_alone(x: AbstractTensor) -> bool:
    """Return whether a tensor has not its history from a base; a view may require grad itself, or look into such a one."""
    return x.origin is None or (x.node is not None and x.origin.base.node is None)


def strides(array: np.ndarray) -> tuple[int, ...]:
    """Return an array's strides in elements."""
    return tuple(step // array.itemsize for step in array.strides)


def keeps_history(target: AbstractTensor) -> bool:
    """Return whether a tensor that was just written as a whole leads back to what it was, too: by `Overwrite`, or as a view."""
    node = target.node
    return node is not None and (target.origin is not None or isinstance(getattr(node, "op", None), Overwrite))
