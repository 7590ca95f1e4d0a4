"""Facts about Python objects that native code checks by comparing references, in nanoseconds and without running Python."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lineal.codegen.cpython.objects import ObjectWriter
    from lineal.codegen.values import Value

__all__ = [
    "ABSENT",
    "Attribute",
    "Cell",
    "Current",
    "Fact",
    "Held",
    "Item",
    "Kind",
    "Own",
    "OwnDict",
    "SameNumber",
    "SameSlot",
    "Slot",
]


class Absent:
    """Nothing where something could be."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


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
class SameSlot:
    """`thing.name is other.others`, of a slot and an attribute"""

    thing: Any
    slot: int
    other: Any
    others: str

    def write(self, w: ObjectWriter) -> Value:
        return w.slot(self.thing, self.slot) == w.shared_attribute(self.other, self.others)


@dataclass(frozen=True, eq=False)
class Item:
    """`mapping[key] is value`, of a dict; ABSENT: there is no such key"""

    mapping: dict
    key: Any
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.item(w.of(self.mapping), self.key) == w.of(self.value)


@dataclass(frozen=True, eq=False)
class Own:
    """`thing.__dict__` has these values under these names; no attribute of the class is looked at"""

    thing: Any
    values: tuple[tuple[str, Any], ...]

    def write(self, w: ObjectWriter) -> Value:
        space = w.own(self.thing)
        return every([w.item(space, name) == w.of(value) for name, value in self.values])


@dataclass(frozen=True, eq=False)
class OwnDict:
    """`thing.__dict__ is space`"""

    thing: Any
    space: dict

    def write(self, w: ObjectWriter) -> Value:
        return w.own(self.thing) == w.of(self.space)


@dataclass(frozen=True, eq=False)
class Kind:
    """`type(thing) is kind`"""

    thing: Any
    kind: type

    def write(self, w: ObjectWriter) -> Value:
        return w.kind(self.thing) == w.of(self.kind)


@dataclass(frozen=True, eq=False)
class SameNumber:
    """The 32-bit number `offset` bytes into an object is the one at `place` in memory that something else keeps"""

    thing: Any
    offset: int
    place: Any
    """A NumPy array of one uint32."""

    def write(self, w: ObjectWriter) -> Value:
        return w.number_in(self.thing, self.offset) == w.number_at(self.place)


@dataclass(frozen=True, eq=False)
class Slot:
    """The reference `offset` bytes into an object is to `value`; ABSENT: to nothing"""

    thing: Any
    offset: int
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.slot(self.thing, self.offset) == w.of(self.value)


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell holds `value`; ABSENT: nothing"""

    cell: Any
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.cell(self.cell) == w.of(self.value)


@dataclass(frozen=True, eq=False)
class Held:
    """A list or dict holds these things, in this order"""

    container: Any
    things: tuple

    def write(self, w: ObjectWriter) -> Value:
        return w.holds(self.container, self.things)


@dataclass(frozen=True, eq=False)
class Current:
    """`variable.get() is value`, of a context variable"""

    variable: ContextVar
    value: Any

    def write(self, w: ObjectWriter) -> Value:
        return w.current(self.variable) == w.of(self.value)


def every(conditions: list[Value]) -> Value:
    """Return whether all of some conditions hold, of which there is at least one."""
    result = conditions[0]
    for each in conditions[1:]:
        result = result & each
    return result
