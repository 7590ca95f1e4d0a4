"""Guards: what must be as it was when a function was traced, for the trace to be what another call would do.

A guard is called and says whether that is so. Where it can, it also names `facts`, comparisons of references that native code
makes without Python; a fact that fails is no refusal yet, but the guard itself has to look.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextvars import ContextVar
from operator import itemgetter
from types import FunctionType
from typing import Any, Protocol

from lineal.base.blas import get_bfloat16_products
from lineal.base.config import defaults
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.facts import Attribute, Current, Fact, Item, SameSlot
from lineal.compiler.capturing.raw import same
from lineal.core import AbstractTensor
from lineal.core.modes import Structure

__all__ = [
    "Clear",
    "Defaults",
    "Guard",
    "Histories",
    "Holding",
    "Hooks",
    "Multiplied",
    "Options",
    "Settings",
    "Unchanged",
    "attributes",
    "hooks_of",
]


class Guard(Protocol):
    """What a program relies upon."""

    def __call__(self) -> bool:
        """Return whether it is still so."""
        ...

    def facts(self) -> list[Fact] | None:
        """Return comparisons that together imply it, or None if there are none that native code can make."""


class Options:
    """A mapping still has the entries that were read from it: an optimizer's group."""

    def __init__(self, holder: Any, relied: dict):
        # one key more than there is, so that itemgetter always returns a tuple
        self.read = itemgetter(*relied, next(iter(relied)))
        self.holder = holder
        self.relied = relied
        self.held = self.read(relied)

    def __call__(self) -> bool:
        return self.read(self.holder) == self.held

    def facts(self) -> list[Fact] | None:
        if type(self.holder) is not dict:
            return None
        return [Item(self.holder, key, value) for key, value in self.relied.items()]


class Settings:
    """Settings of the user's are what they were."""

    def __init__(self, known: Sequence[tuple[ContextVar, Any]]):
        self.known = known

    def __call__(self) -> bool:
        return all(variable.get() is value for variable, value in self.known)

    def facts(self) -> list[Fact] | None:
        return [Current(variable, value) for variable, value in self.known]


class Unchanged:
    """Modules and attributes are as they were. It looks closely only after some module has changed.

    `modules` come with whether they were in training and with their parameters, buffers and submodules.
    """

    __slots__ = ("modules", "relied", "seen")

    def __init__(self, modules: list[tuple[Any, bool, dict]], relied: list[tuple[Any, str, Any]]):
        self.modules = [(*each, attributes(each[0])) for each in modules]
        self.relied = relied
        self.seen = Structure.changes

    def __call__(self) -> bool:
        if Structure.changes == self.seen:
            return True
        for module, training, own, known in self.modules:
            tables = (module._parameters, module._buffers, module._modules)
            now = {name: each for table in tables for name, each in table.items()}
            if module.training is not training or now.keys() != own.keys() or any(now[name] is not own[name] for name in own):
                return False
            if not alike(attributes(module), known):
                return False
        if any(getattr(holder, name) is not value for holder, name, value in self.relied):
            return False
        self.seen = Structure.changes
        return True

    def facts(self) -> list[Fact] | None:
        return [changes_seen(self)]


def changes_seen(guard: Any) -> Fact:
    """Return the fact that nothing has changed since a guard looked closely."""
    seen, mark = guard.seen, object()
    guard.seen = mark
    offset = layout.slot(guard, mark)
    guard.seen = seen
    return SameSlot(guard, offset, Structure, "changes")


def attributes(module: Any) -> dict[str, Any]:
    """Return the attributes of a module that its class's methods name, other than dicts, and its hooks."""
    named, own = names_of(type(module)), vars(module)
    found = {name: value for name, value in own.items() if name in named and not isinstance(value, dict)}
    found.update((name, tuple(value.values())) for name, value in own.items() if name.endswith("_hooks"))
    return found


@functools.lru_cache(1024)
def names_of(kind: type) -> frozenset[str]:
    """Return the names that appear in the methods of a class, other than `__init__`."""
    methods = [each for one in kind.__mro__ for name, each in vars(one).items() if name != "__init__"]
    return frozenset(name for each in methods if isinstance(each, FunctionType) for name in each.__code__.co_names)


def alike(a: dict, b: dict) -> bool:
    """Return whether two dicts have the same entries."""
    return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)


class Histories:
    """Tensors require grad, or not, as they did. Native calls look at that themselves."""

    def __init__(self, tensors: Sequence[AbstractTensor]):
        self.tensors = tensors
        self.needs = [x.node is not None for x in tensors]

    def __call__(self) -> bool:
        return [x.node is not None for x in self.tensors] == self.needs

    def facts(self) -> list[Fact] | None:
        return []


class Looking:
    """Views that were reached look where they looked, with a history or without: `t_()` and `.data = …` give other arrays."""

    def __init__(self, views: Sequence[AbstractTensor]):
        self.views = [(x, x.value, x.node is not None) for x in views]

    def __call__(self) -> bool:
        return all(x.value is array and (x.node is not None) == history for x, array, history in self.views)

    def facts(self) -> list[Fact] | None:
        if any(history for _, _, history in self.views):
            return None
        return [Attribute(x, name, seen) for x, array, _ in self.views for name, seen in (("value", array), ("node", None))]


class Clear:
    """Leaves have no grad."""

    def __init__(self, leaves: Sequence[AbstractTensor]):
        self.leaves = leaves

    def __call__(self) -> bool:
        return all(leaf.grad is None for leaf in self.leaves)  # type: ignore[attr-defined]

    def facts(self) -> list[Fact] | None:
        return [Attribute(leaf, "derivative", None) for leaf in self.leaves]


class Defaults:
    """The default dtype is what it was."""

    def __init__(self) -> None:
        self.dtype = defaults.dtype

    def __call__(self) -> bool:
        return defaults.dtype is self.dtype

    def facts(self) -> list[Fact] | None:
        return [Attribute(defaults, "dtype", self.dtype)]


class Multiplied:
    """Products of bfloat16 are to be computed as they were; for programs of half precisions."""

    def __init__(self) -> None:
        self.setting = get_bfloat16_products()

    def __call__(self) -> bool:
        return get_bfloat16_products() == self.setting

    def facts(self) -> list[Fact] | None:
        return None


class Hooks:
    """Leaves have the hooks they had. It looks closely only after some hook has come or gone."""

    __slots__ = ("known", "leaves", "seen")

    def __init__(self, leaves: Sequence[AbstractTensor]):
        self.leaves = leaves
        self.known = self.found()
        self.seen = Structure.changes

    def found(self) -> list[tuple]:
        """Return the hooks of every leaf."""
        return [hooks_of(leaf) for leaf in self.leaves]

    def __call__(self) -> bool:
        if Structure.changes != self.seen:
            if self.found() != self.known:
                return False
            self.seen = Structure.changes
        return True

    def facts(self) -> list[Fact] | None:
        return [changes_seen(self)]


def hooks_of(x: AbstractTensor) -> tuple:
    """Return the hooks of a tensor."""
    extra = None if x.node is None else x.node.extra
    if extra is None:
        return ()
    tables = (extra.before, extra.after, extra.accumulated, *extra.tensors.values())
    return tuple(hook for table in tables for hook in table.values())


class Holding:
    """Leaves have the grads they had."""

    def __init__(self, held: Sequence[tuple[AbstractTensor, Any]]):
        self.held = held

    def __call__(self) -> bool:
        return all(leaf.grad is grad for leaf, grad in self.held)  # type: ignore[attr-defined]

    def facts(self) -> list[Fact] | None:
        return [Attribute(leaf, "derivative", grad) for leaf, grad in self.held]
