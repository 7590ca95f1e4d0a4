"""Capture: a function really runs, and what it did to tensors is written down as pure equations.

Views and writes in place are resolved while they are heard. Every array lies in a storage, at a path of view ops; a storage has
a current variable. Writing a whole storage makes the written value current; writing a view makes "the storage with that view
replaced" current; reading a view of a storage that was written since derives it anew. So the equations never write, and what
remains to be done at the end is listed: captured tensors that took new values, and grads.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.core import AbstractTensor, Op, Overwrite, Renumber, ViewScatter, lift, modes
from lineal.core.sites import describe, site
from lineal.ops.conversion import Cast, is_literal
from lineal.ops.indexing.basic import slice_op
from lineal.tensors.autograd_methods import Detach
from lineal.tracing import Equation, Var

__all__ = ["Capture"]


GAINED = "a tensor without the history of its memory, as detach() gives, is written with one and then read; clone() it first"
LOOKING = "a part x[i] of a tensor, i a tensor too, is written, read after a write to x, or returned beside x; clone() it"
MOST_READ = 256
"""How many numbers a function may read; a program compares each of them at each call."""


class Storage:
    """One block of memory: its variable at present, how often it was written, the tensor it came with if from outside."""

    __slots__ = ("array", "captured", "looked_at", "lookers", "stale", "var", "version", "written")

    def __init__(self, var: Var, array: np.ndarray, captured: AbstractTensor | None = None):
        self.var = var
        self.array = array
        self.captured = captured
        self.version = 0
        self.written = False
        self.lookers: list[Storage] = []
        """What has parts of it, taken at a place that depends on numbers."""
        self.looked_at: Storage | None = None
        """What it is such a part of itself."""
        self.stale = False
        """Whether that was written since."""


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


class Capture(modes.Recorder):
    """A recorder that writes pure equations."""

    def __init__(self) -> None:
        self.arguments: list[AbstractTensor] = []
        self.histories: list[tuple[AbstractTensor, Any]] = []
        """The tensors from outside, with the nodes that they came with."""
        self.inputs: list[Var] = []
        self.equations: list[Equation] = []
        self.captured: dict[Var, AbstractTensor] = {}
        self.literals: dict[Var, np.ndarray] = {}
        self.live: dict[Var, tuple[Any, Any]] = {}
        """Numbers of the user's that are read anew at each call, as the mapping and the key they stand at."""
        self.assumed: dict[int, tuple[Any, dict]] = {}
        """The mappings that were relied upon, with what they held."""
        self.modules: dict[int, tuple[Any, bool, dict]] = {}
        """The modules that were called, whether they were in training, and their parameters."""
        self.settings: set[tuple[ContextVar, Any]] = set()
        """Settings that were looked at, with what they were."""
        self.fixed: list[tuple[Any, Any, Any]] = []
        """Entries of mappings that could have been live numbers, but were something else."""
        self.relied: list[tuple[Any, str, Any]] = []
        """Attributes that must be the objects they were."""
        self.found: dict[int, tuple[Any, Any]] = {}
        """The leaves whose grad was read before any was set here, with what it was."""
        self.graded: dict[int, Any] = {}
        """The leaves whose grad was set."""
        self.steps: dict[Var, tuple[int, ...]] = {}
        self.read_numbers: list[tuple[Var, int]] = []
        """Numbers that Python read, and may have branched by: their variables, and what they were."""
        self.seen_numbers: list[tuple[Any, Any, float]] = []
        """What the live numbers were."""
        self.by_hand: str | None = None
        """Why another than this function cannot go back through what was recorded."""
        self.refusal: str | None = None
        self.outside: dict[int, AbstractTensor] = {}
        """The tensors that were reached otherwise than through arguments."""
        self.over = Over()
        self.effects: dict[Var, np.ndarray] = {}
        self.places: dict[int, Place] = {}
        self.owners: set[int] = set()
        """The tensors by which arrays were entered."""
        self.alive: list[tuple[AbstractTensor, np.ndarray]] = []
        self.count = 0

    # what a recorder hears

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        """Hear that `op` made `ys` of `xs`."""
        inputs = tuple([self.read(x) for x in xs])
        if op.aliasing is not None:
            self.view(op, xs[0], inputs[0], ys)
            return
        for y in ys:
            if id(y.value) in self.places:
                # the op passed an array through: what it is called now is what it was
                self.over.passed[id(y)] = y
                return
        outputs = tuple([self.enter(y) for y in ys])
        self.equations.append(Equation(op, inputs, outputs, modes.grad_enabled.get()))
        if op.effect:
            self.effects.update((var, y.value.copy()) for var, y in zip(outputs, ys))

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Hear that `target` took the numbers of `source` in place."""
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
            elif not silent and source.node is None and target.node is not None:
                # it keeps a history, of which nothing comes through
                new = self.derive(Overwrite(), (storage.var, new), storage.array)
        if silent:
            # nobody remembers the write: whoever has a history keeps it, and whoever has none gets none
            if apart and not place.path:
                new = self.derive(Detach(), (new,), storage.array)
            with modes.Setting((modes.grad_enabled, True)):
                new = self.derive(Renumber(), (storage.var, new), storage.array)
        storage.var = new
        storage.version += 1
        storage.written = True
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
        """Hear that a view looks into `base`: it is the copy as long as neither is written."""
        place = self.place(copy)
        self.put(view, place)
        place.storage.looked_at = self.place(base).storage
        place.storage.looked_at.lookers.append(place.storage)

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Hear that Python reads numbers; what follows is so for these, which programs compare, unless they are too many."""
        wanted = shown(tensor.value, kind)
        if wanted is None or len(self.read_numbers) + len(wanted) > MOST_READ:
            where = describe(site())
            self.refuse(f"a {kind.__name__} is read from a tensor ({where}); return the tensor and read it outside")
            return
        var = self.read(tensor)
        if var in self.literals:
            return
        with modes.Setting((modes.grad_enabled, False)):
            for target in ((dtypes.bool_,) if kind is bool else ()) + (dtypes.int64,):
                if var.spec.storage != target.numpy:
                    var = self.derive(Cast(target), (var,), np.empty(var.spec.shape, target.numpy))
            for place, number in zip(np.ndindex(*var.spec.shape), wanted):
                element = self.derive(slice_op(place), (var,), np.empty((), np.int64)) if place else var
                self.read_numbers.append((element, number))

    def foreign(self, what: str) -> None:
        """Hear that numbers come in on a way that a program does not go."""
        self.refuse(f"{what} ({describe(site())}); make it outside, and pass it as an argument")

    def opaque(self, what: str) -> None:
        """Hear that the way back runs code of the user's, which is heard only if the function itself goes back."""
        self.by_hand = self.by_hand or f"the way back runs {what} ({describe(site())})"

    def refuse(self, why: str) -> None:
        """Give the reason why no program can do what this function does, unless there is one already."""
        self.refusal = self.refusal or why

    def changed(self) -> str | None:
        """Return the name of an option that the function changed after it had read it."""
        for holder, key, value in self.seen_numbers:
            if holder[key] != value:
                return repr(key)
        for holder, relied in self.assumed.values():
            for key, value in relied.items():
                if key not in holder or holder[key] is not value:
                    return repr(key)
        return None

    def assume(self, holder: Any) -> None:
        """Hear that what follows depends on a mapping's numbers and switches; those that are live do not count."""
        simple = {key: value for key, value in holder.items() if isinstance(value, (int, float, bool, str, tuple, type(None)))}
        live = {key for mapping, key in self.live.values() if mapping is holder}
        self.assumed[id(holder)] = (holder, {key: value for key, value in simple.items() if key != "lr" and key not in live})

    def saw(self, module: Any) -> None:
        """Hear that a module is called, whose behaviour depends on its mode."""
        own = {**module._parameters, **module._buffers, **module._modules}
        self.modules.setdefault(id(module), (module, module.training, own))

    def relies(self, holder: Any, name: str) -> None:
        """Hear that an attribute must be the object it is."""
        self.relied.append((holder, name, getattr(holder, name)))

    def heeds(self, setting: ContextVar) -> bool:
        """Hear that a setting decides what is done; a program checks what eager code would warn of."""
        self.settings.add((setting, setting.get()))
        return True

    def number(self, holder: Any, key: Any) -> Any:
        """Hear that a number of the user's is read; computing goes on with a tensor that is filled anew at each call."""
        if type(holder[key]) is not float:
            self.fixed.append((holder, key, holder[key]))
            return holder[key]
        self.seen_numbers.append((holder, key, holder[key]))
        x = lift(np.array(holder[key]))
        self.live[self.enter(x)] = (holder, key)
        return x

    def reads_grad(self, leaf: Any) -> None:
        """Hear that the grad of a leaf is read."""
        if id(leaf) not in self.graded and not self.was_made(leaf):
            self.found.setdefault(id(leaf), (leaf, leaf.derivative))

    def sets_grad(self, leaf: Any) -> None:
        """Hear that a leaf is given another grad, or None."""
        if not self.was_made(leaf):
            self.graded[id(leaf)] = leaf

    def was_made(self, x: AbstractTensor) -> bool:
        """Return whether a tensor was made in the course of the function."""
        known = self.places.get(id(x.value))
        return known is not None and known.storage.captured is None

    # variables and places

    def new(self, array: np.ndarray) -> Var:
        """Return a new variable of the array's type."""
        self.count += 1
        return Var(self.count - 1, array)

    def enter(self, x: AbstractTensor) -> Var:
        """Return the new variable of a tensor in memory of its own."""
        var = self.new(x.value)
        self.put(x, Place(Storage(var, x.value), (), var, 0))
        return var

    def put(self, x: AbstractTensor, place: Place) -> None:
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
        var = self.new(x.value)
        if is_literal(x):
            self.literals[var] = x.value
            return Place(Storage(var, x.value), (), var, 0)
        self.captured[var] = x
        self.histories.append((x, x.node))
        self.steps[var] = strides(x.value)
        return Place(Storage(var, x.value, x), (), var, 0)

    def read(self, x: AbstractTensor) -> Var:
        """Return the variable that a tensor is now; its history is no matter where nobody remembers what is done."""
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
        self.equations.append(Equation(op, inputs, (var,), modes.grad_enabled.get()))
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


def shown(array: np.ndarray, kind: type) -> list[int] | None:
    """Return the numbers that Python sees when it reads an array as a `kind`, None if they are not whole."""
    if kind not in (bool, int, list) or (kind is list and array.dtype.kind not in "biu") or array.size > MOST_READ:
        return None
    try:
        numbers = [int(bool(each) if kind is bool else each) for each in array.ravel().tolist()]
    except (OverflowError, TypeError, ValueError):
        return None
    return numbers if all(-(1 << 63) <= each < 1 << 63 for each in numbers) else None


def strides(array: np.ndarray) -> tuple[int, ...]:
    """Return an array's strides in elements."""
    return tuple(step // array.itemsize for step in array.strides)


def running(listener: Capture, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
    """Return `function(*args, **kwargs)`, heard by `listener`."""
    with modes.Setting((modes.recorder, listener)):
        return function(*args, **kwargs)
