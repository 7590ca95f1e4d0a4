"""Native ways past Python: prepared by a thread once ops are called often, since LLVM may not be loaded yet.

They are doors, `apply`, the loop of the backward pass, and kernels of ops that are kept and applied again and again.
"""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from lineal.base import later
from lineal.base.blas import EAGER
from lineal.base.config import defaults
from lineal.base.platforms import UNUSUAL
from lineal.core import modes
from lineal.core import op as engine
from lineal.core.apply import alias, arrayed, fail, perform, several, synchronize, tell, way
from lineal.core.backward import drive, in_order
from lineal.core.calling import recallable
from lineal.core.op import AbstractTensor, Memory, Node, Op, View, next_id
from lineal.core.plans import Plan
from lineal.core.sites import frame_at, outside, site

applying: Any = later.module("lineal.codegen.cpython.applying")
backward: Any = later.module("lineal.codegen.cpython.backward")
doors: Any = later.module("lineal.codegen.cpython.doors")
recalling: Any = later.module("lineal.core.recalling")
recalls: Any = later.module("lineal.codegen.cpython.recalling")
histories: Any = later.module("lineal.codegen.cpython.histories")
stepkernels: Any = later.module("lineal.codegen.stepkernels")
threading: Any = later.module("threading")

A = TypeVar("A", bound=Op)

HOT, WARM = 1000, 100
"""After how many calls native code is asked for, and after how many it is taken for one more kernel, if it is there already."""
BRIEFLY = 5e-4
"""How long, in seconds, others hold the interpreter against the thread that prepares: it reads files, and waits after each."""
EVERY = 32
"""Of how many ops that `apply` does with a kernel in Python one is looked at."""
countdown = np.full(1, EVERY)
PASSING: set[type] = set()
"""The subclasses of tensors, beside which native code takes those of `engine.final`, that are nothing but tensors to an op."""


class Opening:
    """What is native, or None: the doors of single ops, and `apply`."""

    house: Any = None
    asked = False
    ways: tuple[Callable[..., Any], Callable[..., Any]]
    """What ops and backward passes take where there is a house."""

    def door(self, number: int, *given: Any) -> Callable[..., Any] | None:
        """Return the native door of an op of so many inputs; None if there is none, or none yet."""
        if self.house is not None:
            return doors.opened(self.house, doors.Door(*given), number)
        self.ask()
        return None

    def ask(self) -> None:
        """Let a thread prepare what is native, once."""
        if not self.asked and EAGER.get() == "native" and engine.final is not AbstractTensor and modes.fast:
            self.asked = True
            threading.Thread(target=self.attempt, name="lineal doors").start()

    def attempt(self) -> None:
        """Prepare what is native, unless the program ends meanwhile: then nothing more can be loaded, and nobody needs it."""
        usual = sys.getswitchinterval()
        try:
            sys.setswitchinterval(min(usual, BRIEFLY))
            self.prepare()
        except RuntimeError:
            if threading.main_thread().is_alive():
                raise
        finally:
            if math.isclose(sys.getswitchinterval(), min(usual, BRIEFLY)):
                sys.setswitchinterval(usual)

    def prepare(self) -> None:
        """Write and link the code."""
        house = histories.House(
            *(engine.final, PASSING, Node, Memory, View, modes.grad_enabled, modes.recorder, modes.error_state, modes.silent),
            *(vars(modes), UNUSUAL, synchronize, next_id, frame_at, outside, site),
        )
        if doors.library(house) is not None:
            known = (Op, Plan, modes.Inference, perform, arrayed, several, alias, tell, fail, countdown, sampled)
            self.ways = (
                applying.opened(house, applying.Application(*known)) or perform,
                backward.opened(house, drive, in_order) or drive,
            )
            if EAGER.get() == "native":
                way.taken, way.back = self.ways
            self.house = house
            given = house, way, self.ways[0], defaults, recalling.Recall
            recallable.begin(lambda function: recalls.recalled(*given, function) or function)


opening = Opening()


def calls(often: int = HOT) -> Callable[[], None]:
    """Return what is to be called at every call of a door; StopIteration once that was often."""
    return itertools.repeat(None, often).__next__


def counted() -> Callable[..., Any]:
    """Return `perform`, which asks for native code once it was called often."""
    count = calls()

    def counting(op: Op, *xs: AbstractTensor) -> Any:
        try:
            count()
        except StopIteration:
            way.taken = perform
            opening.ask()
        return perform(op, *xs)

    return counting


way.taken = counted()


def get_eager_calls() -> str:
    """Return the setting of `set_eager_calls`; at first the environment variable LINEAL_EAGER, else "native"."""
    return EAGER.get()


def set_eager_calls(name: str) -> None:
    """Choose what does the ops and backward passes of eager code: builtins in emitted code, or functions in Python.

    "native": builtins, once ops are called often. "python": the functions that define what they do, always. Numbers are the
    same to the last bit; a choice is for those who look for a fault, or measure.
    """
    EAGER.set(name)
    if name == "python":
        way.taken, way.back = perform, drive
        UNUSUAL.add(EAGER)
    else:
        way.taken, way.back = (counted(), drive) if opening.house is None else opening.ways
        UNUSUAL.discard(EAGER)


def settled(make: type[A], most: int = 1024) -> Callable[..., A]:
    """Return what makes ops of a class and keeps them, by their attributes; kernels of those applied often are builtins."""

    @functools.lru_cache(most)
    def kept(*given: Any) -> A:
        op = make(*given)
        settle(op, op.eager)
        return op

    return kept


def settle(op: Op, kernel: Callable[..., Any]) -> None:
    """Let `kernel(xp, *arrays)` be what an op computes with, and a builtin of it once that was often."""
    count, turns = calls(WARM), 0

    def eager(xp: Any, *xs: Any) -> Any:
        nonlocal count, turns
        try:
            count()
        except StopIteration:
            count, turns = calls(WARM), turns + 1
            if turns * WARM >= HOT:
                opening.ask()
            if opening.house is not None:
                op.__dict__["eager"] = stepkernels.stepwise(kernel, np)
        return kernel(xp, *xs)

    op.__dict__.update(eager=eager, settles=True)


def sampled(op: Op) -> None:
    """Let an op that is met a second time among those that are looked at have a builtin as its kernel: it is kept, and hot."""
    countdown[0] = EVERY
    kernel = op.as_kernel() if op.by_arrays and op.effect is None and not op.host_only else None
    if kernel is None:
        return
    if "met" in op.__dict__:
        op.__dict__.update(eager=stepkernels.stepwise(kernel, np), settles=True)
    else:
        op.__dict__["met"] = True
