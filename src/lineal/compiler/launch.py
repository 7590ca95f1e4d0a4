"""The call of a program: fresh results, one native call, results put where they belong.

Small programs live from this path, so it is a closure over what the program knows, not methods: every attribute read counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, lift, modes
from lineal.core import op as engine
from lineal.core.op import next_id
from lineal.tracing import Var

if TYPE_CHECKING:
    from lineal.compiler.program import Program

__all__ = ["REFUSED", "fitting", "launching"]


class Refused:
    """What is returned for arguments that do not fit."""

    def __repr__(self) -> str:
        return "REFUSED"


REFUSED = Refused()
_empty = np.empty
_new = object.__new__
_grad_enabled = modes.grad_enabled.get


def fitting(program: Program) -> Callable[[Sequence[Any]], bool]:
    """Return the check of everything that the native entry does not check: histories, modes, guards."""
    needs = [isinstance(x, AbstractTensor) and x.node is not None for x in program.trace.arguments]
    grad, guards = _grad_enabled(), program.trace.guards

    def fits(args: Sequence[Any]) -> bool:
        try:
            if [x.node is not None for x in args] != needs or _grad_enabled() is not grad:
                return False
        except AttributeError:
            return False
        return not guards or all([guard() for guard in guards])  # noqa: C419 - a list is faster for the few there are

    return fits


def launching(program: Program) -> Callable[[Sequence[Any]], Any]:
    """Return the function that runs a program on tensors; it returns the function's result, or REFUSED."""
    trace, captured, made = program.trace, program.captured, program.made
    live = [(holder, key, np.zeros(())) for holder, key in trace.live.values()]
    run = program.run if not program.releases else alone(program.run, program.arena)
    arena, count, final = program.arena, len(trace.outputs), engine.final
    leaves = [leaf for leaf, _ in trace.grads]
    touched = [x for x, _ in trace.writes]
    single = isinstance(trace.result, Var)

    def launch(tensors: Sequence[Any]) -> Any:
        results = [_empty(shape, dtype) for shape, dtype in made]
        if live:
            status = run(*tensors, *captured, *refreshed(live), *results, arena)
        else:
            status = run(*tensors, *captured, *results, arena)
        if status is not None:
            return failed(trace.name, status)
        if touched:
            note(touched)
        if leaves:
            for leaf, grad in zip(leaves, results[count:]):
                g = _new(final)
                g.value = grad
                g.node = g.index = g.memory = g.origin = None
                leaf.derivative = g  # type: ignore[attr-defined]
        if not single:
            found = iter(results)
            return tree.transform(lambda each: lift(next(found)) if isinstance(each, Var) else each, trace.result)
        y = _new(final)
        y.value = results[0]
        y.node = y.index = y.memory = y.origin = None
        return y

    return launch


def refreshed(live: list[tuple[Any, Any, np.ndarray]]) -> list[np.ndarray]:
    """Return the arrays of the live numbers, as they are now."""
    for holder, key, place in live:
        place[()] = holder[key]
    return [place for _, _, place in live]


def note(touched: list[AbstractTensor]) -> None:
    """Let the engine know that tensors were written, so that no history relies on their old values."""
    now = next_id()
    for x in touched:
        if x.memory is not None:
            x.memory.version += 1
            x.memory.written = now


def failed(name: str, status: Any) -> Any:
    """Return REFUSED, or raise what a program's status means."""
    if status is REFUSED:
        return REFUSED
    raise IndexError(f"{name}: an index is out of range for the axis it selects from")


def alone(run: Callable[..., Any], arena: np.ndarray) -> Callable[..., Any]:
    """Return `run` with an arena of its own for a call during which another thread runs the program."""
    lock = threading.Lock()

    def guarded(*given: Any) -> Any:
        if not lock.acquire(False):
            return run(*given[:-1], np.empty_like(arena))
        try:
            return run(*given)
        finally:
            lock.release()

    return guarded
