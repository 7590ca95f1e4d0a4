"""`compile`: a function of tensors that becomes a native program when it is called."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from lineal.base import tree
from lineal.compiler.derivative import DifferentiableProgram
from lineal.compiler.launch import REFUSED
from lineal.compiler.program import Program
from lineal.compiler.trace import traced
from lineal.core import AbstractTensor, Leaf, is_grad_enabled, modes

__all__ = ["CompiledFunction", "compile", "explain"]

MOST_PROGRAMS = 64
"""How many programs one function keeps; the one longest unused goes first."""
MOST_TRIES = 3
"""How often a function may leave new tensors behind (an optimizer's state) before it is taken to do so always."""
MANY = 8
"""From how many compilations on each one is reported."""


class CompiledFunction:
    """A function that runs as a native program for every kind of arguments it has met before."""

    def __init__(self, function: Callable[..., Any]):
        functools.update_wrapper(self, function)
        self.function = function
        self.programs: OrderedDict[Any, list[Program | DifferentiableProgram]] = OrderedDict()
        self.last: Program | DifferentiableProgram | None = None
        self.tries = 0
        self.compilations = 0
        self.eager: str | None = None
        """Why the function is left to run eagerly, if it is."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        last = self.last
        if last is not None and not kwargs and last.fits(args):
            result = last.launch(args)
            if result is not REFUSED:
                return result
        return self.called(args, kwargs)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def called(self, args: tuple, kwargs: dict) -> Any:
        """Run the program for these arguments, or the function itself to make one."""
        if self.eager is not None or modes.recorder.get() is not None:
            return self.function(*args, **kwargs)
        key = signature(args, kwargs)
        for program in self.programs.get(key, ()):
            if program.trace.holds():
                self.programs.move_to_end(key)
                self.last = program
                return program(args, kwargs)
        return self.compiled(key, args, kwargs)

    def compiled(self, key: Any, args: tuple, kwargs: dict) -> Any:
        """Run the function, and make a program of what it did for the next call with such arguments."""
        result, trace, left = traced(self.function, args, kwargs)
        if trace.refusal is not None:
            self.give_up(trace.refusal)
            return result
        if not trace.differentiable and left():
            self.tries += 1
            if self.tries > MOST_TRIES:
                self.give_up("every call leaves new tensors behind outside the function")
            return result
        try:
            program = DifferentiableProgram(trace) if trace.differentiable else Program(trace)
        except Exception as error:
            self.give_up(f"{type(error).__name__}: {error}")
            return result
        self.keep(key, program)
        return result

    def keep(self, key: Any, program: Program | DifferentiableProgram) -> None:
        """Remember a program; forget the one longest unused if there are too many."""
        self.compilations += 1
        if self.compilations > MANY:
            warnings.warn(
                f"compile: {self.function.__name__} is compiled for the {self.compilations}th time, now for {describe(key)}; "
                "it is called with ever new shapes or settings",
                stacklevel=5,
            )
        self.programs.setdefault(key, []).append(program)
        self.programs.move_to_end(key)
        while len(self.programs) > MOST_PROGRAMS:
            self.programs.popitem(last=False)

    def give_up(self, reason: str) -> None:
        """Let the function run eagerly from now on, with one warning."""
        self.eager = reason
        warnings.warn(f"compile: {self.function.__name__} runs eagerly: {reason}", stacklevel=5)


def signature(args: tuple, kwargs: dict) -> Any:
    """Return what of the arguments and of the modes decides which program may run."""
    words: list[Any] = [is_grad_enabled(), modes.inference.get(), len(args), *kwargs]
    for each in tree.leaves((args, kwargs)):
        if isinstance(each, AbstractTensor):
            value = each.value
            kind = 0 if each.node is None else 1 if isinstance(each.node, Leaf) else 2
            words.append((type(each), value.shape, value.dtype, value.strides, kind))
        else:
            words.append((type(each), each if is_hashable(each) else id(each)))
    return tuple(words)


def is_hashable(given: Any) -> bool:
    """Return whether `given` can be part of a key."""
    try:
        hash(given)
    except TypeError:
        return False
    return True


def describe(key: Any) -> str:
    """Return the tensors' part of a signature in words."""
    return ", ".join(f"{each[2]}{list(each[1])}" for each in key if isinstance(each, tuple) and len(each) == 5)


def compile(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Return `function` compiled: its first call runs eagerly and is written down, later ones run as native programs.

    The function may do what a training step does: forward, `backward()`, an optimizer's `step()`. Parameters, optimizer state
    and whatever else it reaches stay live. `mode`, `fullgraph`, `dynamic` and `backend` are accepted for PyTorch's sake.
    """
    unknown = options.keys() - {"mode", "fullgraph", "dynamic", "backend", "options", "disable"}
    if unknown:
        raise TypeError(f"compile: unexpected options {sorted(unknown)}")
    if function is None:
        return lambda given: compile(given, **options)
    return function if options.get("disable") else CompiledFunction(function)


def explain(function: Any) -> Callable[..., str]:
    """Return a function that calls `function` and returns what became of it: graph, kernels, host steps, bytes and FLOPs."""
    made = function if isinstance(function, CompiledFunction) else CompiledFunction(function)

    def explained(*args: Any, **kwargs: Any) -> str:
        for _ in range(MOST_TRIES + 1):
            made(*args, **kwargs)
            if made.eager is not None:
                return f"{made.function.__name__} runs eagerly: {made.eager}"
            for program in made.programs.get(signature(args, kwargs), ()):
                if program.trace.holds():
                    return program.explain()
        return f"{made.function.__name__} is not compiled yet"

    return explained
