"""`compile`: a function of tensors that becomes a native program when it is called."""

from __future__ import annotations

import functools
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar, overload

import numpy as np

from lineal.base import tree
from lineal.base.config import defaults
from lineal.base.notebook import Text
from lineal.compiler.calling.derivative import DifferentiableProgram
from lineal.compiler.calling.launch import REFUSED, Unmet, refuse
from lineal.compiler.calling.program import Program
from lineal.compiler.calling.sizes import Sizes
from lineal.compiler.capturing.holding import module_of
from lineal.compiler.capturing.listening import is_foreign
from lineal.compiler.capturing.raw import dict_of, is_nest, lookup
from lineal.compiler.capturing.trace import name_of, traced
from lineal.compiler.nodes.blame import reason
from lineal.compiler.rewrites import with_endings
from lineal.core import AbstractTensor, Leaf, is_grad_enabled, modes
from lineal.tensors import strided

__all__ = ["CompiledFunction", "compile", "explain"]

F = TypeVar("F", bound=Callable[..., Any])

MOST_PROGRAMS = 64
"""How many kinds of arguments one function keeps programs for, and how many for one kind; what is longest unused goes first."""
MOST_SIZES = 1 << 10
"""How many kinds of arguments more whose programs share code with others, and are small."""
MOST_TRIES = 3
"""How often a function may leave new tensors behind (an optimizer's state) before it is taken to do so always."""
MOST_MISSED = 3
"""How often a program's expectations may be in vain, and eager code warn, before it goes on without them."""
MANY = 8
"""From how many compilations on each one is reported."""


class CompiledFunction:
    """A function that runs as a native program for every kind of arguments it has met before.

    A `silent` one is lineal's own: nobody is warned of what is left to eager code.
    """

    def __init__(self, function: Callable[..., Any], silent: bool = False):
        functools.update_wrapper(self, function, updated=())
        self.function, self.silent = function, silent
        self.programs: OrderedDict[Any, list[Program | DifferentiableProgram]] = OrderedDict()
        self.last: Program | DifferentiableProgram | None = None
        """The program that ran last."""
        self.fast: Callable[..., Any] = refuse
        """Its call, if its arguments were positional tensors."""
        self.key: Any = None
        """The kind of its arguments."""
        self.tries = 0
        self.compilations = 0
        self.traces = 0
        """How often the function has been gone through to make a program."""
        self.sizes = Sizes()
        """Which programs are made for arguments that differ in sizes alone."""
        self.warned = False
        """Whether it was said that some arguments are left to eager code."""
        self.eager: str | None = None
        """Why the function is left to run eagerly, if it is."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        known, tried = (), []
        if not kwargs:
            try:
                result = self.fast(*args)
            except Unmet as unmet:
                known = unmet.known
                result = self.branched(args, known) if known else REFUSED
                if not known and self.last is not None:
                    self.last.missed += unmet.lenient
                    tried = [self.last]
            if result is not REFUSED:
                return result
        return self.called(args, kwargs, known, tried)

    def __getattr__(self, name: str) -> Any:
        """Return what is the function's: a module's parameters and methods, what users have set."""
        if name == "function":
            raise AttributeError(name)
        return getattr(self.function, name)

    def __reduce__(self) -> tuple:
        """Copies and pickles are made of the function, and compiled anew."""
        return CompiledFunction, (self.function,)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def called(self, args: tuple, kwargs: dict, known: tuple[int, ...], tried: list) -> Any:
        """Run the program for these arguments, or the function itself to make one.

        `known` are the first of the numbers by which the function branches, `tried` the programs that could not run. A program
        that meets other numbers than it was traced with gives the call back, before it has written anything, and tells how far
        it came.
        """
        if self.eager is not None or modes.recorder.get() is not None or modes.anomaly.get():
            return self.function(*args, **kwargs)
        tensors: list[Any] = [x for x in tree.leaves((args, kwargs)) if isinstance(x, AbstractTensor)]
        if not all(x.layout is strided for x in tensors):
            # a program would have to follow the pattern of a sparse argument
            return self.function(*args, **kwargs)
        key = signature(args, kwargs)
        if key in self.sizes.left:
            return self.function(*args, **kwargs)
        while (program := self.candidate(key, tensors, known, tried)) is not None:
            tried.append(program)
            try:
                result = program.launch(tensors)
            except Unmet as unmet:
                known = max(known, unmet.known, key=len)
                program.missed += unmet.lenient
                continue
            if result is not REFUSED:
                self.run_next(key, program, program.call if len(tensors) == len(args) and not kwargs else refuse)
                return result
        if not tried and self.sizes.first(key):
            return self.function(*args, **kwargs)
        return self.compiled(key, args, kwargs, tried)

    def branched(self, args: tuple, known: tuple[int, ...]) -> Any:
        """Run the program for arguments like those of the last call whose trace begins with the known numbers; or REFUSED."""
        for program in self.programs.get(self.key, ()):
            if program.trace.may_go(known):
                try:
                    result = program.call(*args)
                except Unmet:
                    return REFUSED
                if result is not REFUSED:
                    self.run_next(self.key, program, program.call)
                return result
        return REFUSED

    def run_next(self, key: Any, program: Program | DifferentiableProgram, call: Callable[..., Any]) -> None:
        """Let a program be the first that is tried for the next call."""
        self.prefer(key, program)
        self.key, self.last, self.fast = key, program, call

    def candidate(self, key: Any, tensors: list, known: tuple[int, ...], tried: list) -> Program | DifferentiableProgram | None:
        """Return the program used last, of those not tried yet, whose trace holds and begins with the known numbers."""
        for program in self.programs.get(key, ()):
            if program in tried or program.hot or not program.trace.may_go(known):
                continue
            if program.trace.holds(tensors):
                return program
        return None

    def prefer(self, key: Any, program: Program | DifferentiableProgram) -> None:
        """Let a program be the first that is tried for its kind of arguments; forget what is longest unused."""
        several = self.programs.setdefault(key, [])
        several[:] = [program, *(each for each in several if each is not program)][:MOST_PROGRAMS]
        self.programs.move_to_end(key)
        if len(self.programs) > MOST_PROGRAMS + min(len(self.sizes.bound), MOST_SIZES):
            self.programs.popitem(last=False)

    def compiled(self, key: Any, args: tuple, kwargs: dict, tried: list) -> Any:
        """Run the function, and make a program of what it did for the next call with such arguments.

        A program that was `tried` and read the same numbers is replaced if what it had captured lies elsewhere by now; else
        it cannot run on these arguments at all.
        """
        if not getattr(sys, "_is_gil_enabled", bool)() and hasattr(sys, "_is_gil_enabled"):
            self.give_up("Python runs without its lock, and threads would share a program's memory")
            return self.function(*args, **kwargs)
        self.traces += 1
        result, heard, left = traced(self.function, args, kwargs)
        trace = with_endings(heard)
        same = next((each for each in tried if each.trace.path == trace.path), None)
        if same is not None and not same.trace.moved():
            if same.missed >= MOST_MISSED:
                self.expect_nothing(key, same, trace.arguments)
            return result
        if same is not None:
            self.programs[key].remove(same)
        if trace.refusal is not None:
            self.give_up(trace.refusal)
            return result
        left_behind = not trace.differentiable and left(self.tries == MOST_TRIES)
        if trace.changed is not None or trace.rewritten is not None or left_behind:
            self.tries += 1
            if self.tries > MOST_TRIES:
                done = f"changes {trace.changed}" if trace.changed else trace.rewritten
                self.give_up(f"every call {done or 'leaves new tensors behind outside the function'}")
            return result
        hot = any(each.hot for each in self.programs.get(key, ()))
        if hot:
            self.fast = refuse
        try:
            program = self.made(key, heard, trace, hot)
        except Exception as error:
            self.give_up(reason(error))
            return result
        self.tries = 0
        if program is not None:
            self.keep(key, program)
        elif key in self.sizes.left:
            self.left_eager()
        return result

    def made(self, key: Any, heard: Any, trace: Any, hot: bool) -> Any:
        """Return the program of a trace, or if it has loops of which there is no code, of what was heard turn by turn."""
        try:
            return self.sizes.program(key, trace, hot)
        except Exception:
            unrolled = with_endings(heard, True) if trace.open_ended else trace
            if unrolled is trace or unrolled.refusal is not None:
                raise
            return self.sizes.program(key, unrolled, hot)

    def expect_nothing(self, key: Any, program: Program | DifferentiableProgram, given: list[Any]) -> None:
        """Let another program, for arguments as `given`, go on where eager code would warn, as it did often enough."""
        trace = program.trace.unconditional()
        # programs that share code have let go of their arguments
        trace.arguments = [new if old is None else old for old, new in zip(trace.arguments, given)]
        made = self.sizes.program(key, trace)
        if made is not None:
            self.programs[key].remove(program)
            self.prefer(key, made)
            self.fast = refuse

    def keep(self, key: Any, program: Program | DifferentiableProgram) -> None:
        """Remember a program; forget the one longest unused if there are too many."""
        more, self.compilations = self.sizes.compilations > self.compilations, self.sizes.compilations
        if more and self.compilations > MANY:
            self.warn(
                f"compile: {name_of(self.function)} is compiled for the {self.compilations}th time, now for {describe(key)}; "
                "it is called with ever new shapes or settings, or branches by ever new numbers"
            )
        self.prefer(key, program)

    def left_eager(self) -> None:
        """Say once that some arguments are left to eager code."""
        if not self.warned:
            self.warned = True
            self.warn(
                f"compile: {name_of(self.function)} runs eagerly for some arguments: {self.sizes.reason}; "
                "pad or bucket what varies to a few sizes"
            )

    def give_up(self, reason: str) -> None:
        """Let the function run eagerly from now on, with one warning."""
        self.eager = reason
        self.warn(f"compile: {name_of(self.function)} runs eagerly: {reason}")

    def warn(self, message: str) -> None:
        """Warn whoever called the function."""
        if not self.silent:
            warnings.warn(message, stacklevel=6)


SIMPLE = (bool, int, float, complex, str, bytes, type(None))


making: ContextVar[type[CompiledFunction]] = ContextVar("making", default=CompiledFunction)
"""What `compile` makes of a function."""


def signature(args: tuple, kwargs: dict) -> Any:
    """Return what of the arguments and of the modes decides which program may run."""
    return (is_grad_enabled(), modes.inference.get(), modes.autocast.get(), defaults.dtype, word(args), word(kwargs))


def word(given: Any) -> Any:
    """Return what decides of one argument: a tensor's type, layout and history, a nest's form, a number's bits."""
    if isinstance(given, AbstractTensor):
        value = given.value
        kind = 0 if given.node is None else 1 if isinstance(given.node, Leaf) else 2
        return (type(given), value.shape, value.dtype, value.strides, kind)
    if not is_nest(given):
        return simple_word(given)
    if isinstance(given, (list, tuple)):
        return (type(given), tuple(map(word, given)))
    return (type(given), tuple(given), tuple(map(word, given.values())))


def simple_word(given: Any) -> Any:
    """Return what decides of an argument that is neither a tensor nor a nest."""
    if isinstance(given, (float, complex)):
        # 0.0 == -0.0, and no NaN equals another
        return (type(given), given.hex() if isinstance(given, float) else (given.real.hex(), given.imag.hex()))
    if isinstance(given, np.ndarray) and not given.dtype.hasobject:
        return (type(given), given.shape, given.dtype, given.tobytes())
    if is_foreign(module_of(type(given))) and is_hashable(given):
        return (type(given), given)
    return (type(given), frozen_fields(given) or Identified(given))


def frozen_fields(given: Any) -> Any:
    """Return the fields of a frozen dataclass if they are numbers and words; else None: users' equality is not asked."""
    own, how = dict_of(given), lookup(type(given), "__dataclass_params__")
    if own is None or not getattr(how, "frozen", False) or not all(type(each) in SIMPLE for each in own.values()):
        return None
    return tuple((name, word(each)) for name, each in own.items())


class Identified:
    """A thing that equals only itself; kept, so that no other takes its identity."""

    def __init__(self, thing: Any):
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identified) and other.thing is self.thing


def is_hashable(given: Any) -> bool:
    """Return whether `given` can be part of a key."""
    try:
        hash(given)
    except TypeError:
        return False
    return True


def describe(key: Any) -> str:
    """Return the tensors' part of a signature in words."""
    found: list[str] = []
    stack = [key]
    while stack:
        each = stack.pop()
        if isinstance(each, tuple) and each and isinstance(each[0], type) and issubclass(each[0], AbstractTensor):
            found.append(f"{each[2]}{list(each[1])}")
        elif isinstance(each, tuple):
            stack += reversed(each)
    return ", ".join(found)


@overload
def compile(function: F, **options: Any) -> F: ...
@overload
def compile(function: None = None, **options: Any) -> Callable[[F], F]: ...
def compile(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Return `function` compiled: its first call runs eagerly and is written down, later ones run as native programs.

    The function may do what a training step does: forward, `backward()`, an optimizer's `step()`. Parameters, optimizer state
    and whatever else it reaches stay live. It may branch by truth values and whole numbers that it reads from tensors: each
    branch is written down when it is first taken. Sizes may vary: from the third on they share code (`sizes.py`).
    `mode`, `fullgraph`, `dynamic` and `backend` are accepted for PyTorch's sake.
    """
    unknown = options.keys() - {"mode", "fullgraph", "dynamic", "backend", "options", "disable"}
    if unknown:
        raise TypeError(f"compile: unexpected options {sorted(unknown)}")
    if function is None:
        return lambda given: compile(given, **options)
    if not callable(function):
        raise TypeError(f"compile: expected a function or a module, got {type(function).__name__}")
    return function if options.get("disable") else making.get()(function)


def explain(function: Any, *, memory: bool = False) -> Callable[..., str]:
    """Return a function that calls `function` and returns what became of it: graph, kernels, host steps, bytes and FLOPs.

    With `memory`, which arrays the program needs during a call, where they lie and when.
    """
    made = function if isinstance(function, CompiledFunction) else CompiledFunction(function)

    def explained(*args: Any, **kwargs: Any) -> str:
        for _ in range(MOST_TRIES + 3):
            made(*args, **kwargs)
            if made.eager is not None:
                return f"{name_of(made.function)} runs eagerly: {made.eager}"
            key = signature(args, kwargs)
            if key in made.sizes.left:
                return f"{name_of(made.function)} runs eagerly for these arguments: {made.sizes.reason}"
            tensors = [x for x in tree.leaves((args, kwargs)) if isinstance(x, AbstractTensor)]
            for program in made.programs.get(key, ()):
                if program.trace.holds(tensors):
                    return program.explain(memory)
        return f"{name_of(made.function)} is not compiled yet"

    return lambda *args, **kwargs: Text(explained(*args, **kwargs))
