"""What an op keeps for its derivatives, by the inputs that want some."""

from __future__ import annotations

import functools


class Plan:
    """Which inputs, and whether the output, the derivatives by the needed inputs read."""

    __slots__ = ("holds", "inputs", "marks", "output")

    def __init__(self, words: set[str], count: int):
        self.inputs = tuple(sorted(int(word) for word in words if word.isdigit()))
        self.marks = tuple(place in self.inputs for place in range(count))
        self.output = "y" in words
        self.holds = bool(self.inputs) or self.output


@functools.lru_cache(1024)
def planned(keeps: str | tuple[str, ...], needs: tuple[bool, ...]) -> Plan:
    """Return what `keeps`, as `Op` says it, means when the inputs in `needs` want derivatives."""
    if isinstance(keeps, str):
        words = set(keeps.split())
    else:
        words = {word for needed, each in zip(needs, keeps) if needed for word in each.split()}
    if "*" in words:
        words |= {str(place) for place in range(len(needs))}
    return Plan(words, len(needs))
