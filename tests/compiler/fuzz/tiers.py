"""The two forms of eager code: functions in Python, and builtins, which here take over from the second call on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lineal.base.blas import EAGER
from lineal.base.platforms import UNUSUAL
from lineal.codegen import stepkernels
from lineal.codegen.cpython import recalling as recalls
from lineal.core import opening, recalling
from lineal.core.apply import way

__all__ = ["TIERS", "in_python"]


class Tiers:
    """What is known of calls and of kernels in this process; it is forgotten from program to program, lest tables be full."""

    def __init__(self) -> None:
        self.known: list[Any] = []
        self.kernels: list[Any] = []
        self.opened = False

    def open(self) -> bool:
        """Let builtins take over as soon as they can; return whether there are any."""
        if self.opened:
            return opening.opening.house is not None
        self.opened = True
        recalling.MET, opening.EVERY, opening.WARM, stepkernels.SEEN = 1, 1, 1, (1, 2, 3)
        register(recalls.Known, self.known)
        register(stepkernels.StepKernel, self.kernels)
        if opening.opening.house is None:
            opening.opening.asked = True
            opening.opening.prepare()
        opening.countdown[0] = 1
        return opening.opening.house is not None

    def forget(self) -> None:
        """Begin anew."""
        for each in self.known:
            each.table[0] = 0
            each.kept.clear()
        for each in self.kernels:
            each.plans[0] = each.missed = 0
            each.counts.clear()
            each.kept.clear()


TIERS = Tiers()


def register(kind: type, made: list[Any]) -> None:
    """Note all objects of a class that are made from now on."""
    begin = kind.__init__

    def beginning(self: Any, *given: Any) -> None:
        begin(self, *given)
        made.append(self)

    kind.__init__ = beginning  # type: ignore[method-assign]


@contextmanager
def in_python() -> Iterator[None]:
    """Let functions in Python do everything."""
    before = way.taken, way.back
    UNUSUAL.add(EAGER)
    way.taken, way.back = opening.perform, opening.drive
    try:
        yield
    finally:
        UNUSUAL.discard(EAGER)
        way.taken, way.back = before
