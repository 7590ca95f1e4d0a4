"""What led to a number: the ops that a program has done, each with those before it and the line that called it."""

from __future__ import annotations

import os
import sys
import weakref
from types import CodeType, FrameType
from typing import NamedTuple

from lineal.base import notebook
from lineal.core import AbstractTensor, Op
from lineal.core.sites import describe

__all__ = ["NOTHING", "Advice", "Advices", "Call", "Step", "Steps", "call_of"]

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
DIRECT = tuple(os.path.join(PACKAGE, folder, "") for folder in ("base", "core", "insight", "ops", "tensors"))
"""The folders through which a call of an op goes that a program writes itself, and no function of lineal's for it."""
FAR, OP, LOOK = 20, 4, 1
"""How far back is remembered, and how far an op is, and what only looks at numbers otherwise."""
TRANSPARENT = frozenset(("Cast", "Copy", "Expand", "Detach"))
"""Ops that are no views, or look like none, after which the numbers are the same."""


class Advice(NamedTuple):
    """A piece of advice: what it is about, the line as `file:line: text`, and what to do instead."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}\n    {self.kind}: {self.what}"


class Advices(list[Advice]):
    """Pieces of advice; printed, they are lines."""

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no advice"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return notebook.table(("kind", "where", "what"), [(each.kind, each.where, each.what) for each in self])


class Call(NamedTuple):
    """The place in a program that called: code, offset, which of its frames; and whether it called an op itself."""

    code: CodeType
    offset: int
    frame: int
    direct: bool = True

    def same(self, other: Call) -> bool:
        """Return whether both are one call of the program's, of which lineal made several ops."""
        return self[:3] == other[:3]

    def __str__(self) -> str:
        return describe((self.code, self.offset))


def call_of() -> Call:
    """Return the place in the program that led here."""
    frame: FrameType | None = sys._getframe(1)
    direct = True
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(PACKAGE):
            return Call(frame.f_code, frame.f_lasti, id(frame), direct)
        direct = direct and name.startswith(DIRECT)
        frame = frame.f_back
    return Call(sys._getframe(1).f_code, 0, 0, False)


class Step:
    """One output of an op that was done, or a tensor from elsewhere, which has no `op`."""

    __slots__ = ("call", "far", "key", "op", "shape", "xs")

    def __init__(self, op: Op | None, xs: tuple[Step, ...], shape: tuple[int, ...], call: Call | None):
        self.op, self.xs, self.shape, self.call = op, xs, shape, call
        self.far = FAR + 1
        self.key = "" if op is None else op.key

    @property
    def bare(self) -> Step:
        """The step before those that only look at the numbers otherwise."""
        step = self
        while step.xs and step.is_look:
            step = step.xs[0]
        return step

    @property
    def is_look(self) -> bool:
        """Whether it only looks at the numbers of the step before otherwise."""
        return self.key in TRANSPARENT or (self.op is not None and self.op.aliasing is not None)

    def before(self, place: int = 0) -> Step:
        """Return the step that made an input, without views; NOTHING if both are of one call of the program's."""
        if place >= len(self.xs):
            return NOTHING
        found = self.xs[place].bare
        if found.call is None or self.call is None or found.call.same(self.call):
            return NOTHING
        return found


NOTHING = Step(None, (), (), None)
"""The step of what nobody knows."""


class Steps:
    """The steps that tensors which are alive were made by."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[weakref.ref, Step]] = {}

    def of(self, x: AbstractTensor) -> Step:
        """Return the step that made a tensor; for one from elsewhere always the same."""
        found = self.known.get(id(x))
        if found is None or found[0]() is not x:
            return self.put(x, Step(None, (), tuple(x.value.shape), None))
        return found[1]

    def put(self, x: AbstractTensor, step: Step) -> Step:
        """Let a tensor be made by a step."""
        key = id(x)
        self.known[key] = weakref.ref(x, lambda _: self.known.pop(key, None)), step
        return step

    def add(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> Step:
        """Note an op that was done, and return the step of its first output."""
        before, call = tuple(map(self.of, xs)), call_of()
        made = [self.put(y, Step(op, before, tuple(y.value.shape), call)) for y in ys]
        for each in before:
            forget(each, FAR)
        return made[0] if made else Step(op, before, (), call)


def forget(step: Step, far: int) -> None:
    """Forget what is farther back than this from a step."""
    if far >= step.far:
        # what is farther was forgotten before
        return
    step.far = far
    if far <= 0:
        step.xs = ()
    for each in step.xs:
        forget(each, far - (LOOK if each.is_look else OP))
