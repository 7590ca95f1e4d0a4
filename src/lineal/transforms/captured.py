"""What a transformed function reaches without being given it: tensors that it may read, but not write to.

A write would leave a history that leads into the transform, or happen once where a transform runs the function twice. So the
tensors in closures, globals, defaults and attributes are looked for when the function writes for the first time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from lineal.base import ownership, tree
from lineal.core import AbstractTensor, modes
from lineal.ops.random.generator import Generator

__all__ = ["guarding"]

MOST = 100_000
"""How many objects are looked at."""
CLOSED = (bool, int, float, complex, str, bytes, type(None), np.ndarray, np.generic, Generator)


def guarding(func: Callable[..., Any], given: Any) -> modes.Setting:
    """Return a context in which writes to tensors that `func` captured are refused; those in the nest `given` are its own."""
    return modes.Setting((modes.guard, Guard(func, given, modes.guard.get())))


class Guard:
    """Refuses writes to what a function captured."""

    def __init__(self, func: Callable[..., Any], given: Any, outer: Callable[[AbstractTensor, str], None] | None):
        self.func = func
        self.given = {id(x): x for x in tree.leaves(given) if isinstance(x, AbstractTensor)}
        self.outer = outer
        self.reached: dict[int, AbstractTensor] | None = None

    def __call__(self, target: AbstractTensor, name: str) -> None:
        """Raise RuntimeError if `target` is, or looks into, a captured tensor."""
        base = target if target.origin is None else target.origin.base
        if id(base) in self.given:
            return
        if self.reached is None:
            self.reached = {id(x): x for x in reachable(self.func)}
        memory = target.memory
        if id(base) in self.reached or (memory is not None and any(x.memory is memory for x in self.reached.values())):
            raise RuntimeError(
                f"{name}: during a grad (vjp, jvp, jacrev, ...) transform, the function attempted an in-place operation that "
                f"would mutate a captured tensor (shape {list(target.value.shape)}); pass it to the function as an argument, "
                "or write into a clone()"
            )
        if self.outer is not None:
            self.outer(target, name)


def reachable(func: Callable[..., Any]) -> Iterator[AbstractTensor]:
    """Yield the tensors that a function can get at otherwise than through its arguments."""
    stack: list[Any] = [func]
    seen: dict[int, Any] = {}
    while stack and len(seen) < MOST:
        each = stack.pop()
        if id(each) in seen or isinstance(each, (*CLOSED, ModuleType)):
            continue
        seen[id(each)] = each
        if isinstance(each, AbstractTensor):
            yield each
        else:
            stack += held(each)


def held(thing: Any) -> list[Any]:
    """Return what a function, container or object holds."""
    if isinstance(thing, FunctionType):
        return by_function(thing)
    if isinstance(thing, MethodType):
        return [thing.__func__, thing.__self__]
    if isinstance(thing, functools.partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, (list, tuple, set, frozenset)):
        return list(thing)
    if is_ours(thing if isinstance(thing, type) else type(thing)):
        return [] if isinstance(thing, type) else list(getattr(thing, "__dict__", {}).values())
    if isinstance(thing, type):
        return [part for each in thing.__mro__ if not is_ours(each) for part in vars(each).values()]
    slots = [getattr(thing, name, None) for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return [type(thing), *getattr(thing, "__dict__", {}).values(), *slots]


def is_ours(kind: type) -> bool:
    """Return whether a class is lineal's or built in, so that its methods reach nothing of the user's."""
    return kind.__module__ == "builtins" or ownership.is_ours(kind.__module__)


def by_function(function: FunctionType) -> list[Any]:
    """Return what a function's variables, defaults and globals stand for."""
    found: list[Any] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values(), *vars(function).values()]
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    if ownership.is_ours(function.__module__):
        return found
    names = named(function.__code__)
    for name in names & function.__globals__.keys():
        value = function.__globals__[name]
        if isinstance(value, ModuleType) and not ownership.is_ours(value.__name__):
            found += [vars(value)[each] for each in names & vars(value).keys()]
        found.append(value)
    return found


@functools.cache
def named(code: CodeType) -> frozenset[str]:
    """Return the names of globals and attributes in code, and in the functions written within it."""
    inner = [named(each) for each in code.co_consts if isinstance(each, CodeType)]
    return frozenset(code.co_names).union(*inner)
