"""What a call of a public function that is recalled does: ops, and what they are run on."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["CONSTANT", "GIVEN", "MADE", "MOST", "MOST_RESULTS", "MOST_STEPS", "STATE", "Plan", "Ref", "Step", "Write"]

MOST = 48
"""How many calls of a function are known at most."""
MOST_STEPS, MOST_RESULTS = 24, 48
GIVEN, MADE, CONSTANT, STATE = range(4)


class Ref(NamedTuple):
    """A tensor of a call: which of those given, which of those made, a constant, or the state of the process's generator."""

    kind: int
    thing: Any


class Write(NamedTuple):
    """Stands for the op of the last step of a plan that writes what was made, its second tensor, into the first, as `name`."""

    name: str


class Step(NamedTuple):
    """An op, what it is run on, and how many results it has; None for one that is in no tuple.

    One without an op lets the generator's state, which it is run on, go on by one draw.
    """

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
    source: tuple[Any, Any] | None = None
    """The generator whose random numbers are drawn, if any are, and what is written down as the writer of its state."""
