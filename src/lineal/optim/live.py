"""Which options of an optimizer are live numbers in a program: the learning rate, and what has been seen to change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["Live"]


FLOATS = (float, np.floating)


class Members:
    """The members of a group's tuples, each by the name of the option and its place."""

    def __init__(self, group: dict[str, Any]):
        self.group = group

    def __getitem__(self, key: tuple[str, int]) -> Any:
        name, place = key
        return self.group[name][place]


class Live:
    """The options of an optimizer as recorders want them.

    A program that reads a number at each call need not be made anew when it changes, but cannot leave out what it is
    multiplied with where it is 0. So numbers other than the rate are part of a program until a second trace sees another one.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.seen: dict[int, dict[str, Any]] = {}

    def heard(self, listener: Any, group: dict[str, Any], options: Iterable[str]) -> dict[str, Any]:
        """Return a group as it is to be computed with, and tell the recorder what is relied upon."""
        now = {name: group[name] for name in options if name in group}
        before = self.seen.get(id(group), now)
        self.seen[id(group)] = now
        self.names |= {name for name, value in now.items() if of_floats(value) and differs(value, before.get(name))}
        live = [name for name, value in now.items() if name == "lr" or (name in self.names and of_floats(value))]
        numbers = {name: number(listener, group, name) for name in live}
        listener.assume(group, now.keys() - numbers.keys())
        return {**group, **numbers}


def differs(value: Any, before: Any) -> bool:
    """Return whether an option is another one than before."""
    return not of_floats(before) or value != before


def of_floats(value: Any) -> bool:
    """Return whether a value is a number that may be live, or a tuple of such numbers."""
    return isinstance(value, FLOATS) or (type(value) is tuple and all(isinstance(each, FLOATS) for each in value))


def number(listener: Any, group: dict[str, Any], name: str) -> Any:
    """Return an option as a live number, or a tuple of them."""
    if not isinstance(group[name], tuple):
        return listener.number(group, name)
    members = Members(group)
    return tuple([listener.number(members, (name, place)) for place in range(len(group[name]))])
