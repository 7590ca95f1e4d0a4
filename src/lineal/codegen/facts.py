"""Facts about Python objects that native code checks by comparing references, in nanoseconds and without running Python."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lineal.codegen.objects import ObjectWriter
    from lineal.codegen.values import Value

__all__ = ["Attribute", "Current", "Fact", "Followed", "Item", "SameAttribute", "Size"]


class Fact(Protocol):
    """A comparison that `write` writes; it returns a scalar bool."""

    def write(self, w: ObjectWriter) -> Value:
        """Write the comparison."""
        ...


@dataclass(frozen=True, eq=False)
class Attribute:
    """`thing.name is value`"""

    thing: Any
    name: str
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.attribute(w.of(self.thing), self.name) == w.of(self.value)


@dataclass(frozen=True, eq=False)
class SameAttribute:
    """`thing.name is other.others`"""

    thing: Any
    name: str
    other: Any
    others: str

    def write(self, w: ObjectWriter) -> Value:
        return w.attribute(w.of(self.thing), self.name) == w.attribute(w.of(self.other), self.others)


@dataclass(frozen=True, eq=False)
class Item:
    """`mapping[key] is value`, of a dict"""

    mapping: dict
    key: Any
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.item(w.of(self.mapping), self.key) == w.of(self.value)


@dataclass(frozen=True, eq=False)
class Current:
    """`variable.get() is value`, of a context variable"""

    variable: ContextVar
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.current(self.variable) == w.of(self.value)


@dataclass(frozen=True, eq=False)
class Size:
    """`len(container) == count`"""

    container: Any
    count: int

    def write(self, w: ObjectWriter) -> Value:
        return w.size(w.of(self.container)) == self.count


@dataclass(frozen=True, eq=False)
class Followed:
    """A chain of steps ends at `value`.

    Steps are ("global", name) of a dict or ("cell", name) first, then ("attribute", name) and ("entry", key).
    """

    start: Any
    steps: tuple[tuple[str, Any], ...]
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.followed(self.start, self.steps) == w.of(self.value)
