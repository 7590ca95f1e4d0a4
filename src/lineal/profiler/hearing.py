"""What a profile hears: which of lineal's functions run, for how long, and what they were given.

No recorder: who listens at the door would change what runs, and no program would run at all. CPython says when some of lineal's
functions begin and end, those of the door, of the backward pass and of compiled functions.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from types import CodeType, FrameType
from typing import Any, NamedTuple

from lineal.codegen.cpython.callwatch import CALLED, CallWatch
from lineal.codegen.once import once
from lineal.compiler.calling.function import CompiledFunction
from lineal.compiler.calling.program import Program
from lineal.core import Op, apply, door, write
from lineal.core.accumulation import accumulate
from lineal.core.backward import Pass
from lineal.nn import Module
from lineal.optim import Optimizer

__all__ = ["Heard", "Hearer", "hearer"]

Reader = Callable[[FrameType], "Heard | None"]


class Heard(NamedTuple):
    """What a frame has told of itself when it ends."""

    name: str
    kind: str
    op: Op | None = None
    xs: tuple = ()
    ys: tuple = ()


def reads_apply(frame: FrameType) -> Heard:
    """Return what ran through `apply`."""
    given = frame.f_locals
    y = given.get("y", ())
    ys = y if isinstance(y, tuple) else (y,)
    return Heard(given["op"].key, "op", given["op"], given["xs"], ys)


def reads_door(frame: FrameType) -> Heard | None:
    """Return what ran through a door itself; None if it went on to `apply`."""
    given = frame.f_locals
    if "y" not in given:
        return None
    xs = (given["input"], given["other"]) if "other" in given else (given["input"],)
    return Heard(given["op"].key, "op", given["op"], xs, (given["y"],))


def reads_pull(frame: FrameType) -> Heard:
    """Return which node was gone back through."""
    return Heard(frame.f_locals["node"].name(), "backward")


def reads_write(frame: FrameType) -> Heard:
    """Return which op wrote in place."""
    given = frame.f_locals
    return Heard(given["name"], "write", None, (given["target"], given["source"]))


def reads_compiled(frame: FrameType) -> Heard:
    """Return which compiled function was called."""
    return Heard(f"compiled {title(frame)}", "compiled")


def reads_compiling(frame: FrameType) -> Heard:
    """Return which function was traced and compiled."""
    return Heard(f"compiling {title(frame)}", "compiling")


def title(frame: FrameType) -> str:
    """Return the name of the function that a compiled one, whose method runs, was made of."""
    function = frame.f_locals["self"].function
    return getattr(function, "__name__", type(function).__name__)


def reads_host(frame: FrameType) -> Heard:
    """Return which op of a program the host did."""
    op = frame.f_locals["node"].op
    return Heard(f"{op.key} (host step)", "op", op)


def reads_step(frame: FrameType) -> Heard | None:
    """Return which optimizer made a step."""
    owner = frame.f_locals.get("self")
    return Heard(f"Optimizer.step#{type(owner).__name__}.step", "step") if isinstance(owner, Optimizer) else None


def reads_module(frame: FrameType) -> Heard:
    """Return which module was called."""
    return Heard(f"nn.Module: {type(frame.f_locals['module']).__name__}", "module")


def below(kind: type) -> Iterator[type]:
    """Yield a class and all that derive from it."""
    yield kind
    for each in kind.__subclasses__():
        yield from below(each)


def inner(function: Callable[..., Any], name: str) -> CodeType:
    """Return the code of a function that another one defines."""
    return next(each for each in function.__code__.co_consts if isinstance(each, CodeType) and each.co_name == name)


def codes(kind: type, name: str) -> Iterator[CodeType]:
    """Yield the code of a method as a class and those below it define it."""
    for each in below(kind):
        code = getattr(vars(each).get(name), "__code__", None)
        if code is not None:
            yield code


def readers() -> dict[CodeType, Reader]:
    """Return the functions that are heard, each with what reads its frame."""
    found: dict[CodeType, Reader] = {
        apply.__code__: reads_apply,
        inner(door.unary_door, "door"): reads_door,
        inner(door.binary_door, "door"): reads_door,
        write.__code__: reads_write,
        Pass.run.__code__: lambda frame: Heard("backward", "pass"),
        accumulate.__code__: lambda frame: Heard("AccumulateGrad", "backward"),
        CompiledFunction.__call__.__code__: reads_compiled,
        CompiledFunction.compiled.__code__: reads_compiling,
        Program.host.__code__: reads_host,
    }
    pulls = [door.binary_pull, door.linear_pull, door.unary_pull]
    found.update(dict.fromkeys([*(inner(each, "pull") for each in pulls), *codes(Op, "pull")], reads_pull))
    found.update(dict.fromkeys(codes(Optimizer, "step"), reads_step))
    return found


def reads_modules() -> dict[CodeType, Reader]:
    """Return what is heard too where calls of modules are wanted."""
    return {Module.__call__.__code__: reads_module}


Profile = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)


class Hearer:
    """Calls `began(time)` and `ended(time, frame, heard)` as the functions that are heard begin and end in this thread."""

    def __init__(self) -> None:
        self.readers: dict[CodeType, Reader] = {}
        self.callback = Profile(hear)
        self.watch = CallWatch(ctypes.cast(self.callback, ctypes.c_void_p).value or 0)
        self.began: Callable[[int], None] = lambda time: None
        self.ended: Callable[[int, FrameType, Heard | None], None] = lambda time, frame, heard: None

    def choose(self, modules: bool) -> None:
        """Find the functions to hear, classes that were defined by now included; calls of modules if they are wanted."""
        self.readers = {**readers(), **(reads_modules() if modules else {})}
        self.watch.hear(self.readers)

    def enable(self) -> None:
        """Begin to hear."""
        # `sys.setprofile` would make a dict of the variables of every function, and could not leave any out
        install = ctypes.pythonapi.PyEval_SetProfile
        install.restype, install.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p]
        install(self.watch.address, id(self))

    def disable(self) -> None:
        """Hear no longer: what a compiled function does while it is traced is not what it will do."""
        sys.setprofile(None)


def hear(hearer: Hearer, frame: FrameType, what: int, given: int | None) -> int:
    """Pass on that a function begins or ends; an error here is nobody's business but the profile's."""
    now = perf_counter_ns()
    if what == CALLED:
        hearer.began(now)
        return 0
    try:
        heard = hearer.readers[frame.f_code](frame)
    except (KeyError, AttributeError):
        # an error came before the function knew what it was given
        heard = None
    hearer.ended(now, frame, heard)
    return 0


@once
def hearer() -> Hearer:
    """Return the one that hears."""
    return Hearer()
