"""What a call of a public function that is recalled does: ops, and what they are run on."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["CONSTANT", "GIVEN", "MADE", "MOST", "MOST_RESULTS", "MOST_STEPS", "Plan", "Ref", "Step"]

MOST = 48
"""How many calls of a function are known at most."""
MOST_STEPS, MOST_RESULTS = 24, 48
GIVEN, MADE, CONSTANT = range(3)


class Ref(NamedTuple):
    """A tensor of a call: which of those given, which of those made, or a constant."""

    kind: int
    thing: Any


class Step(NamedTuple):
    """An op, what it is run on, and how many results it has; None for one that is in no tuple."""

    op: Any
    given: tuple[Ref, ...]
    width: int | None


class Plan(NamedTuple):
    """What a call does, what it returns, and by which classes nodes of what is made are known."""

    steps: tuple[Step, ...]
    returned: tuple[Ref, ...]
    parcel: type | None
    """The class of the tuple that is returned; None for one tensor alone."""
    classes: dict[int, type]
