"""The call of a program: fresh results, one native call, results put where they belong.

Small programs live from this path, so it is a closure over what the program knows, not methods: every attribute read counts.
"""

from __future__ import annotations

import sys
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
_references = sys.getrefcount
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
        for guard in guards:  # noqa: SIM110 - a generator takes longer than the two or three guards
            if not guard():
                return False
        return True

    return fits


def launching(program: Program) -> Callable[[Sequence[Any]], Any]:
    """Return the function that runs a program on tensors; it returns the function's result, or REFUSED."""
    trace, captured, count = program.trace, program.captured, len(program.trace.outputs)
    made = program.made[:count]
    live = [(holder, key, np.zeros(())) for holder, key in trace.live.values()]
    constant = [place for _, _, place in live]
    run = program.run if not program.releases else alone(program.run, program.arena)
    arena, final = program.arena, engine.final
    grads = Grads([leaf for leaf, _ in trace.grads], program.made[count:]) if trace.grads else None
    touched = [x for x, _ in trace.writes]
    single = isinstance(trace.result, Var)

    def launch(tensors: Sequence[Any]) -> Any:
        for holder, key, place in live:
            place[()] = holder[key]
        results = [_empty(shape, dtype) for shape, dtype in made]
        if grads is None:
            status = run(*tensors, *captured, *constant, *results, arena)
        else:
            status = run(*tensors, *captured, *constant, *results, *grads.arrays(), arena)
        if status is not None:
            return failed(trace.name, status)
        if touched:
            note(touched)
        if grads is not None and grads.fresh:
            grads.hand_out()
        if not single:
            found = iter(results)
            return tree.transform(lambda each: lift(next(found)) if isinstance(each, Var) else each, trace.result)
        y = _new(final)
        y.value = results[0]
        y.node = y.index = y.memory = y.origin = None
        return y

    return launch


class Grads:
    """The grads that a program leaves at leaves; the tensors of the call before are filled again if nobody else holds them."""

    def __init__(self, leaves: list[Any], made: Sequence[tuple]):
        self.leaves = leaves
        self.made = made
        self.held = [lift(_empty(shape, dtype)) for shape, dtype in made]
        self.numbered = list(enumerate(leaves))
        self.fresh = False
        """Whether the leaves do not have the tensors yet."""

    def arrays(self) -> list[np.ndarray]:
        """Return the arrays to be filled."""
        held, found = self.held, []
        for place, leaf in self.numbered:
            g = held[place]
            if leaf.derivative is not g or _references(g) > ALONE or _references(g.value) > ALONE_ARRAY:
                g = held[place] = lift(_empty(*self.made[place]))
                self.fresh = True
            found.append(g.value)
        return found

    def hand_out(self) -> None:
        """Let the filled tensors be the leaves' grads."""
        for leaf, g in zip(self.leaves, self.held):
            leaf.derivative = g
        self.fresh = False


def lone() -> tuple[int, int]:
    """Measure what `getrefcount` says inside `arrays` of a tensor that only its leaf and `held` hold, and of its array."""
    counts = []

    class Leaf:
        derivative: Any = None

    leaf, held = Leaf(), [lift(np.zeros(1))]
    leaf.derivative = held[0]
    for place, each in enumerate([leaf]):
        g = held[place]
        if each.derivative is g:
            counts = [_references(g), _references(g.value)]
    return counts[0], counts[1]


ALONE, ALONE_ARRAY = lone()


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
