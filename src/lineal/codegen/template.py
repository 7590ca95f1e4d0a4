"""Templates: code whose numbers are left open, so that one piece of machine code serves calls that differ in numbers only.

A `TemplateEmitter` writes code as an Emitter does, but for every number a name; which number it is stands in a list. Modules
with the same text differ in these numbers alone. `filled` makes a module again: the numbers that are to vary are loaded, when a
function begins, from a table whose address every function is given; the others are written where they belong.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, pointer
from lineal.codegen.target import Target
from lineal.codegen.values import Value
from lineal.codegen.writer import Lanes

__all__ = ["Template", "TemplateEmitter"]

LOADED = frozenset(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"))
"""The kinds of number that a table can hold; others are part of the text."""

NUMBER, MARK = re.compile(r"%h(\d+)\b"), "  ;numbers"
SLOT = 8
"""How many bytes a number of a table has."""


class TemplateEmitter(Emitter):
    """Writes one module, its numbers apart; `spread`: loops may be split over threads, if their numbers are large enough."""

    general = True

    def __init__(self, target: Target | None = None, spread: bool = True):
        super().__init__(target)
        self.spread = spread
        self.numbers: list[int] = []
        """The bits of each number."""
        self.places: list[tuple[Kind, int]] = []
        """What each is: its kind, and in how many lanes it stands."""
        self.names: dict[str, list[int]] = {}
        """The numbers that are known by a name."""
        self.loaded: list[int] = []
        """Those that are loaded whatever they were so far."""

    def const(self, number: object, kind: Kind, lanes: int = 1) -> Value:
        if kind.name not in LOADED or not self.frames or self.frame.numbers is None:
            return super().const(number, kind, lanes)
        self.numbers.append(bits(number, kind))
        self.places.append((kind, lanes))
        return Value(self, f"%h{len(self.numbers) - 1}", kind, lanes)

    def constant(self, number: object, kind: Kind) -> Value:
        if self.frame.numbers is None or kind.name not in ("int32", "int64", "float32", "float64"):
            return super().constant(number, kind)
        return self.slot(self.const(number, kind))

    @contextmanager
    def function(
        self,
        name: str,
        parameters: Sequence[tuple],
        result: Kind | Lanes | None = None,
        *,
        internal: bool = False,
        bare: bool = False,
    ) -> Iterator[tuple[Value, ...]]:
        given = parameters if internal or bare else [*parameters, ("numbers", pointer)]
        with super().function(name, given, result, internal=internal) as values:
            if given is parameters:
                yield values
            else:
                self.open(values[-1])
                yield values[:-1]

    def open(self, table: Value) -> None:
        self.frame.numbers = table
        self.frame.slots.append(MARK)

    def passed(self) -> list[Value]:
        return [] if self.frame.numbers is None else [self.frame.numbers]

    def inherit(self, table: Value, place: int) -> None:
        self.frame.slots.append(f"  %inherited = getelementptr i64, ptr {table.text}, i64 {place}")
        self.frame.slots.append("  %numbers = load ptr, ptr %inherited, align 8")
        self.open(Value(self, "%numbers", pointer))

    def decided(self, condition: bool) -> Value | None:
        return self.apart(int(condition)) > 0

    def apart(self, number: int) -> Value:
        if self.frame.numbers is not None:
            self.loaded.append(len(self.numbers))
        return self.const(number, kinds.int64)

    def named(self, name: str, number: int, apart: bool) -> Value:
        """Return a number that is known by a name; `apart` as the method does."""
        self.names.setdefault(name, []).append(len(self.numbers))
        return self.apart(number) if apart else self.const(number, kinds.int64)

    def stack(self, nbytes: int | Value) -> Value:
        name, count = self.name(), nbytes if isinstance(nbytes, Value) else self.apart(nbytes)
        self.frame.slots.append(f"  {name} = alloca i8, {count.typed}, align 64")
        return Value(self, name, pointer)

    def template(self) -> Template:
        """Return the module, and its numbers."""
        return Template(self.text(), tuple(self.places), tuple(self.loaded))


class Template:
    """The text of a module without its numbers, and what these are; those of `loaded` are never part of the code."""

    def __init__(self, text: str, places: tuple[tuple[Kind, int], ...], loaded: tuple[int, ...]):
        self.text = text
        self.places = places
        self.loaded = loaded

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and (self.text, self.places, self.loaded) == (other.text, other.places, other.loaded)

    def filled(self, numbers: Sequence[int], shared: Callable[[int], int | None]) -> str:
        """Return a module: number n is loaded from place `shared(n)` of the table, or written as it is where that is None."""
        return "\ndefine ".join(self.body(part, numbers, shared) for part in self.text.split("\ndefine "))

    def body(self, text: str, numbers: Sequence[int], shared: Callable[[int], int | None]) -> str:
        """Return one function, or what stands before the first, filled."""
        loads: dict[str, list[str]] = {}

        def write(match: re.Match) -> str:
            n = int(match[1])
            (kind, lanes), place = self.places[n], shared(n)
            if place is None:
                number = written(numbers[n], kind)
                return number if lanes == 1 else f"splat ({kind.llvm} {number})"
            name = f"%n{place}.{kind.name}"
            loads.setdefault(name, load(name, kind, place))
            return name if lanes == 1 else spread(name, kind, lanes, loads)

        code = NUMBER.sub(write, text)
        return code.replace(MARK, "\n".join(line for lines in loads.values() for line in lines), 1)


def load(name: str, kind: Kind, place: int) -> list[str]:
    """Return the code that loads a number."""
    address = f"%a{name[1:]}"
    return [
        f"  {address} = getelementptr i64, ptr %numbers, i64 {place}",
        f"  {name} = load {kind.memory}, ptr {address}, align {SLOT}",
    ]


def spread(name: str, kind: Kind, lanes: int, loads: dict[str, list[str]]) -> str:
    """Return the name of a loaded number in every lane of a vector; enter the code that makes it."""
    wide, vector = f"{name}.{lanes}", f"<{lanes} x {kind.llvm}>"
    loads.setdefault(
        wide,
        [
            f"  {wide}.one = insertelement {vector} poison, {kind.llvm} {name}, i32 0",
            f"  {wide} = shufflevector {vector} {wide}.one, {vector} poison, <{lanes} x i32> zeroinitializer",
        ],
    )
    return wide


def bits(number: object, kind: Kind) -> int:
    """Return a number's bits, as an int64 that fits into a table."""
    if kind.family == "f":
        return int.from_bytes(
            struct.pack("<f" if kind is kinds.float32 else "<d", rounded(number, kind)), "little", signed=True
        )
    return int(kinds.literal(number, kind))


def rounded(number: object, kind: Kind) -> float:
    """Return a number as LLVM would have it in text: what is too large for float32 is infinite."""
    return struct.unpack("<d", struct.pack("<Q", int(kinds.literal(number, kind), 16)))[0]


def written(number: int, kind: Kind) -> str:
    """Return a number of a table as LLVM's text has it."""
    if kind is kinds.float32:
        return kinds.literal(struct.unpack("<f", struct.pack("<i", number))[0], kind)
    if kind is kinds.float64:
        return kinds.literal(struct.unpack("<d", struct.pack("<q", number))[0], kind)
    return str(number)
