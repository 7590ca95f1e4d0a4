"""Capture: a function really runs, and what it did to tensors is written down as pure equations.

Views and writes in place are resolved while they are heard. Every array lies in a storage, at a path of view ops; a storage has
a current variable. Writing a whole storage makes the written value current; writing a view makes "the storage with that view
replaced" current; reading a view of a storage that was written since derives it anew. So the equations never write, and what
remains to be done at the end is listed: captured tensors that took new values, and grads.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.core import AbstractTensor, Leaf, Op, ViewScatter, lift, modes
from lineal.core.op import describe, site
from lineal.ops.conversion import is_literal
from lineal.tensors.autograd_methods import Detach
from lineal.tracing import Equation, Var

__all__ = ["Capture"]


class Storage:
    """One block of memory: its variable at present, how often it was written, the tensor it came with if from outside."""

    __slots__ = ("array", "captured", "var", "version", "written")

    def __init__(self, var: Var, array: np.ndarray, captured: AbstractTensor | None = None):
        self.var = var
        self.array = array
        self.captured = captured
        self.version = 0
        self.written = False


class Place:
    """Where an array lies: its storage, the view ops from there, and the variable it was when the storage had `version`."""

    __slots__ = ("path", "storage", "var", "version")

    def __init__(self, storage: Storage, path: tuple[Op, ...], var: Var | None, version: int):
        self.storage = storage
        self.path = path
        self.var = var
        self.version = version


class Capture(modes.Recorder):
    """A recorder that writes pure equations."""

    def __init__(self) -> None:
        self.arguments: list[AbstractTensor] = []
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
        self.relied: list[tuple[Any, str, Any]] = []
        """Attributes that must be the objects they were."""
        self.cleared: set[int] = set()
        self.added: dict[int, AbstractTensor] = {}
        """The leaves that backward gave a grad which none had been cleared before."""
        self.steps: dict[Var, tuple[int, ...]] = {}
        self.refusal: str | None = None
        self.detached: dict[int, AbstractTensor] = {}
        """Tensors over the array of another, but without its history."""
        self.places: dict[int, Place] = {}
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
                return
        outputs = tuple([self.enter(y) for y in ys])
        self.equations.append(Equation(op, inputs, outputs, modes.grad_enabled.get()))

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Hear that `target` took the numbers of `source` in place."""
        new, place = self.read(source), self.place(target)
        storage = place.storage
        if place.path:
            storage.var = self.derive(ViewScatter(place.path), (storage.var, new), storage.array)
        else:
            storage.var = new
        storage.version += 1
        storage.written = True
        place.var, place.version = new, storage.version

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Hear that Python reads a number, which a program cannot give it in time."""
        if self.refusal is None:
            where = describe(site())
            self.refusal = f"a {kind.__name__} is read from a tensor ({where}); return the tensor and read it outside"

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

    def number(self, holder: Any, key: Any) -> Any:
        """Hear that a number of the user's is read; computing goes on with a tensor that is filled anew at each call."""
        if type(holder[key]) is not float:
            return holder[key]
        x = lift(np.array(holder[key]))
        self.live[self.enter(x)] = (holder, key)
        return x

    def clear(self, leaf: AbstractTensor) -> None:
        """Hear that the grad of a leaf is forgotten."""
        self.cleared.add(id(leaf))

    def accumulate(self, leaf: AbstractTensor) -> None:
        """Hear that backward adds to the grad of a leaf."""
        if id(leaf) not in self.cleared:
            self.added.setdefault(id(leaf), leaf)

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
        self.alive.append((x, x.value))

    def argument(self, x: AbstractTensor) -> None:
        """Enter an argument of the function."""
        var = self.enter(x)
        self.steps[var] = strides(x.value)
        self.places[id(x.value)].storage.captured = x
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
        return found

    def reach(self, x: AbstractTensor) -> Place:
        if x.origin is not None:
            base = self.place(x.origin.base)
            return Place(base.storage, (*base.path, *x.origin.path), None, -1)
        var = self.new(x.value)
        if is_literal(x):
            self.literals[var] = x.value
            return Place(Storage(var, x.value), (), var, 0)
        self.captured[var] = x
        self.steps[var] = strides(x.value)
        return Place(Storage(var, x.value, x), (), var, 0)

    def read(self, x: AbstractTensor) -> Var:
        """Return the variable that a tensor is now."""
        var = self.read_memory(x)
        return self.derive(Detach(), (var,), x.value) if id(x) in self.detached else var

    def read_memory(self, x: AbstractTensor) -> Var:
        """Return the variable that a tensor's memory is now."""
        place = self.place(x)
        storage = place.storage
        if place.var is None or place.version != storage.version:
            var, array = storage.var, storage.array
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
        for number, y in enumerate(ys):
            if id(y.value) in self.places:
                self.detached[id(y)] = y
                continue
            step = op if len(ys) == 1 and op.width is None else op.part(number)
            made = self.derive(step, (var,), y.value)
            self.put(y, Place(base.storage, (*base.path, step), made, base.storage.version))

    # the end

    def written(self) -> list[tuple[AbstractTensor, Var]]:
        """Return the tensors from outside that took new values, with their last variables."""
        storages = {id(place.storage): place.storage for place in self.places.values()}
        return [(each.captured, each.var) for each in storages.values() if each.written and each.captured is not None]

    def grads(self) -> list[tuple[AbstractTensor, Var]]:
        """Return the leaves from outside whose grad was made here, with its variable."""
        found = []
        outside = [place.storage.captured for place in self.places.values() if place.storage.captured is not None]
        for leaf in {id(each): each for each in outside}.values():
            grad = leaf.grad if isinstance(leaf.node, Leaf) else None  # type: ignore[attr-defined]
            if grad is not None and id(grad.value) in self.places and self.place(grad).storage.captured is None:
                found.append((leaf, self.read(grad)))
        return found

    def survivors(self, known: set[int]) -> Callable[[], int]:
        """Return a function that counts the tensors made here, other than the `known`, that outlive the capture."""
        made = [
            weakref.ref(x)
            for x, array in self.alive
            if id(array) not in known and self.places[id(array)].storage.captured is None and not is_literal(x)
        ]
        return lambda: sum(each() is not None for each in made)


def strides(array: np.ndarray) -> tuple[int, ...]:
    """Return an array's strides in elements."""
    return tuple(step // array.itemsize for step in array.strides)


def running(listener: Capture, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
    """Return `function(*args, **kwargs)`, heard by `listener`."""
    with modes.Setting((modes.recorder, listener)):
        return function(*args, **kwargs)
