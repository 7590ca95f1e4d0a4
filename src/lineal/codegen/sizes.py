"""Sizes that say where they come from: code written with them serves all sizes at which the same is decided.

    ledger = Ledger((3, 40))
    rows, n = ledger.sizes
    rows * n + 1            # is 121, and remembered as rows · n + 1
    n > 16                  # is True; that it is, is remembered too

A `Size` is a whole number (a `Share` a floating one) that the writers of loops compute with as with any other. Each operation
is entered in a ledger, each comparison as a *guard*. `follow` does the same operations on other sizes: it returns what they
give, or None where a guard finds another answer, since code written for these sizes might be another. Whatever else looks at
the number itself (a text, an index) guards that it is this very one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Ledger", "Share", "Size", "plain"]

Number = int | float


class Ledger:
    """What was done with some sizes, in order: operations on what is at two places, and the guards among them."""

    def __init__(self, numbers: Sequence[int]):
        self.values: list[Number] = list(numbers)
        """What is known, by place: the sizes, then what each entry gives."""
        self.entries: list[tuple[Callable[..., Any], int, int, bool | None]] = []
        """An operation, the places of its operands (the same twice if it has one), and what it must give if it is a guard."""
        self.known: dict[Any, int] = {}
        self.constants: dict[int, Number] = {}
        """The numbers that are the same for all sizes, by place."""
        self.sizes = tuple([Size.at(self, place) for place in range(len(self.values))])

    def place(self, x: Number) -> int:
        """Return the place of a number."""
        if isinstance(x, (Size, Share)):
            if x.ledger is not self:
                raise ValueError("Ledger: two ledgers meet in one operation")
            return x.place
        key = (type(x), repr(x))
        if key not in self.known:
            self.known[key] = self.enter(None, 0, 0, x)
            self.constants[self.known[key]] = x
        return self.known[key]

    def enter(self, function: Any, a: int, b: int, value: Number, expected: bool | None = None) -> int:
        """Enter an operation and return the place of what it gives."""
        self.entries.append((function, a, b, expected))
        self.values.append(value)
        return len(self.values) - 1

    def step(self, function: Callable[..., Any], *operands: Number) -> Any:
        """Return what an operation gives: a Size or a Share, or a truth value, which is guarded."""
        value = function(*map(plain, operands))
        places = [self.place(each) for each in operands]
        key = (function, *places)
        if isinstance(value, bool):
            if key not in self.known:
                self.known[key] = self.enter(function, places[0], places[-1], value, value)
            return value
        if key not in self.known:
            self.known[key] = self.enter(function, places[0], places[-1], value)
        return (Size if isinstance(value, int) else Share).at(self, self.known[key])

    def fix(self, x: Size | Share) -> Any:
        """Return a number as it is, which it must be for other sizes too."""
        number = plain(x)
        self.step(operator.eq, x, number)
        return number

    def follow(self, numbers: Sequence[int]) -> list[Number] | None:
        """Return the values for other sizes, by place; None if a guard does not hold, or something is divided by 0."""
        try:
            return self.followed(list(numbers))
        except ZeroDivisionError:
            return None

    def followed(self, values: list[Any]) -> list[Number] | None:
        """Do what `follow` does, from the sizes on."""
        for place, (function, a, b, expected) in enumerate(self.entries, len(values)):
            if function is None:
                values.append(self.constants[place])
                continue
            value = function(values[a]) if function in UNARY else function(values[a], values[b])
            if expected is not None and value is not expected:
                return None
            values.append(value)
        return values


def plain(x: Any) -> Any:
    """Return a number without what it remembers."""
    return int.__pos__(x) if isinstance(x, Size) else float.__pos__(x) if isinstance(x, Share) else x


UNARY = frozenset((operator.neg, operator.abs, int.bit_length, math.ceil, math.floor))


def unary(function: Callable[..., Any]) -> Any:
    """Return the method that does an operation on one number."""
    return lambda self: self.ledger.step(function, self)


def binary(function: Callable[..., Any], reflected: bool = False) -> Any:
    """Return the method that does an operation on two numbers."""

    def method(self: Any, other: Any) -> Any:
        """Return what the operation gives."""
        if not isinstance(other, (int, float)):
            return NotImplemented
        return self.ledger.step(function, other, self) if reflected else self.ledger.step(function, self, other)

    return method


def fixed(function: Callable[..., Any]) -> Any:
    """Return the method that looks at the number itself."""
    return lambda self, *others: function(self.ledger.fix(self), *others)


class Tracked:
    """What a number remembers: its ledger, and its place there."""

    ledger: Ledger
    place: int

    @classmethod
    def at(cls, ledger: Ledger, place: int) -> Any:
        """Return the number at a place of a ledger."""
        made = cls(ledger.values[place])  # type: ignore[call-arg]
        made.ledger, made.place = ledger, place
        return made

    __add__, __radd__ = binary(operator.add), binary(operator.add, True)
    __sub__, __rsub__ = binary(operator.sub), binary(operator.sub, True)
    __mul__, __rmul__ = binary(operator.mul), binary(operator.mul, True)
    __floordiv__, __rfloordiv__ = binary(operator.floordiv), binary(operator.floordiv, True)
    __truediv__, __rtruediv__ = binary(operator.truediv), binary(operator.truediv, True)
    __mod__, __rmod__ = binary(operator.mod), binary(operator.mod, True)
    __pow__, __rpow__ = binary(operator.pow), binary(operator.pow, True)
    __lt__, __le__, __gt__, __ge__ = map(binary, (operator.lt, operator.le, operator.gt, operator.ge))
    __eq__, __ne__ = binary(operator.eq), binary(operator.ne)
    __neg__, __abs__ = unary(operator.neg), unary(operator.abs)
    __ceil__, __floor__ = unary(math.ceil), unary(math.floor)
    __index__, __int__, __float__ = fixed(operator.pos), fixed(int), fixed(float)
    __str__, __repr__, __format__ = fixed(str), fixed(repr), fixed(format)

    def __bool__(self: Any) -> bool:
        return self.ledger.step(operator.ne, self, 0)

    def __pos__(self) -> Any:
        return self


class Size(Tracked, int):  # type: ignore[misc]
    """A whole number that is known by what it was made of."""

    __hash__ = int.__hash__  # type: ignore[assignment]
    __lshift__, __rlshift__ = binary(operator.lshift), binary(operator.lshift, True)
    __rshift__, __rrshift__ = binary(operator.rshift), binary(operator.rshift, True)
    __and__, __rand__ = binary(operator.and_), binary(operator.and_, True)
    bit_length = unary(int.bit_length)


class Share(Tracked, float):  # type: ignore[misc]
    """A floating number that is known by what it was made of."""

    __hash__ = float.__hash__  # type: ignore[assignment]
