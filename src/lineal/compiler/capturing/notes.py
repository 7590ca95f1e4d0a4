"""What was read of Python's state during a call: kept as it was found, and at the end parted from what the call made."""

from __future__ import annotations

import gc
from typing import Any

from lineal.compiler.capturing.raw import same
from lineal.compiler.capturing.reads import Read, State

__all__ = ["Notes"]

MOST_READS = 1 << 17
"""How many places are compared at most."""


class Notes:
    """Reads with what they found first, and what no program can follow.

    The garbage collector knows what is new (`trace.Youth`): it is off while a call is traced, so what the call makes stays in
    its youngest generation. What it does not track is as old as what it was found in.
    """

    def __init__(self) -> None:
        self.reads: dict[tuple, tuple[Read, Any]] = {}
        self.parents: dict[int, Any] = {}
        """In what untracked things were found."""
        self.untracked: set[int] = set()
        self.stands_for: dict[int, Any] = {}
        """Whose own dict a dict is, which may have been made when it was looked at."""
        self.roots: dict[int, Any] = {}
        """What the caller gave."""
        self.given: dict[int, Any] = {}
        """The lists and dicts of the arguments: what they hold is compared as arguments are."""
        self.doubts: list[tuple[Any, str]] = []
        """Things that no program can follow, and why."""
        self.reached: list[tuple[Any, Any]] = []
        """Tensors, and where they were found."""
        self.refusal: str | None = None

    def note(self, read: Read) -> Any:
        """Remember what is at a place, if it was not read before; return what is there now."""
        key = (type(read), id(read.owner), read.key)
        now = read.now()
        if key not in self.reads:
            self.reads[key] = (read, now)
            if len(self.reads) > MOST_READS:
                self.refuse("it reads more of Python's state than can be compared")
            if not gc.is_tracked(read.owner):
                self.untracked.add(id(read.owner))
        return now

    def belongs(self, thing: Any, owner: Any) -> None:
        """Remember in what a thing was found, if its age cannot be told."""
        if not gc.is_tracked(thing):
            self.parents.setdefault(id(thing), owner)

    def doubt(self, thing: Any, why: str) -> None:
        """Remember a reason against programs, if the thing is older than the call."""
        self.doubts.append((thing, why))
        if not gc.is_tracked(thing):
            self.untracked.add(id(thing))

    def refuse(self, why: str) -> None:
        """Give a reason why no program can do what the call does, unless there is one already."""
        self.refusal = self.refusal or why

    def settle(self, young: set[int]) -> tuple[str | None, str | None, State, dict[int, Any]]:
        """Return why there can be no program, what the call has changed that it read, the guard of the rest, and which tensors
        were reached otherwise than through arguments.

        `young` are the identities of what the call made.
        """

        def is_old(thing: Any) -> bool:
            while id(thing) not in self.roots:
                if id(thing) in self.stands_for:
                    thing = self.stands_for[id(thing)]
                    continue
                if id(thing) not in self.untracked and gc.is_tracked(thing):
                    return id(thing) not in young
                if id(thing) not in self.parents:
                    return False
                thing = self.parents[id(thing)]
            return True

        refusal = self.refusal or next((why for thing, why in self.doubts if is_old(thing)), None)
        changed, kept = None, []
        for read, value in self.reads.values():
            if is_old(read.owner):
                now = read.now()
                if changed is None and not same(now, value):
                    changed = read.word
                if id(read.owner) not in self.given:
                    kept.append((read, now))
        tensors = {id(x): x for x, owner in self.reached if id(owner) not in self.given and is_old(owner)}
        return refusal, changed, State(kept), tensors
