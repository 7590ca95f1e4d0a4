"""The call of a program: fresh results, one native call, results put where they belong.

Small programs live from this path, so it is a closure over what the program knows, not methods: every attribute read counts.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.codegen.batched.heap import give_back
from lineal.codegen.cpython.refusal import REFUSED, refuse
from lineal.compiler.kernels.status import MOST_TOLD, PLACES, UNEXPECTED, UNMET
from lineal.core import AbstractTensor, lift, modes
from lineal.core import op as engine
from lineal.core.apply import memory_of
from lineal.core.op import next_id

if TYPE_CHECKING:
    from lineal.compiler.calling.program import Program
    from lineal.compiler.capturing.trace import Trace

__all__ = ["REFUSED", "Grads", "Unmet", "calling", "failed", "fitting", "launching", "present", "refuse"]


class Unmet(Exception):  # noqa: N818
    """A call's numbers are not what the trace relied on. Nothing is written yet; another program, or the function, is to run.

    `known` are the numbers that the function would read first, as far as the program has found out. `lenient`: what was not
    met is an expectation, of which eager code warns.
    """

    def __init__(self, known: tuple[int, ...] = (), lenient: bool = False):
        super().__init__()
        self.known = known
        self.lenient = lenient


_empty = np.empty
_array = np.ndarray
_references = sys.getrefcount
_new = object.__new__
_grad_enabled = modes.grad_enabled.get
_recorder = modes.recorder.get
_anomaly = modes.anomaly.get
_autocast = modes.autocast.get


def fitting(program: Program) -> Callable[[Sequence[Any]], bool]:
    """Return the check of everything that the native entry does not check: histories, modes, guards."""
    trace = program.trace
    needs = program.histories[: len(trace.arguments)]
    grad, lower, guards, loose = _grad_enabled(), _autocast(), trace.guards, trace.loose

    def fits(args: Sequence[Any]) -> bool:
        try:
            if [x.node is not None for x in args] != needs or _grad_enabled() is not grad:
                return False
            if _recorder() is not None or _anomaly() or _autocast() is not lower:
                return False
        except AttributeError:
            return False
        if not loose and not trace.suits(args):
            return False
        for guard in guards:  # noqa: SIM110 - a generator takes longer than the two or three guards
            if not guard():
                return False
        return True

    return fits


def calling(fits: Callable[[Sequence[Any]], bool], launch: Callable[[Sequence[Any]], Any]) -> Callable[..., Any]:
    """Return the call of a program on positional tensors; it returns the function's result, or REFUSED."""
    return lambda *args: launch(args) if fits(args) else REFUSED


def launching(program: Program) -> Callable[[Sequence[Any]], Any]:
    """Return the function that runs a program on tensors that are known to fit; it returns the result, or REFUSED."""
    trace, captured, count = program.trace, program.captured, len(program.trace.outputs)
    made = program.made[:count]
    live = [(holder, key, np.zeros(())) for holder, key in trace.live.values()]
    constant = [place for _, _, place in live]
    run = alone(program)
    arena, grads, final = program.arena, program.grads, engine.final
    lent, given, single, laid = trace.lent, trace.given, trace.result.single, program.laid
    places = places_of(trace, captured)
    touched = [x for x, _ in trace.writes if id(x) not in places]
    passed = [places[id(x)] for x, _ in trace.writes if id(x) in places]

    def launch(tensors: Sequence[Any]) -> Any:
        for holder, key, place in live:
            place[()] = holder[key]
        results = [_empty(shape, dtype) for shape, dtype in made]
        known = captured if not lent else present(captured, lent)
        if grads is None:
            status = run(*tensors, *known, *constant, *results, arena)
        else:
            status = run(*tensors, *known, *constant, *results, *grads.arrays(), arena)
        if status is not None:
            return failed(trace, status)
        if passed:
            note([*touched, *map((*tensors, *known).__getitem__, passed)])
        elif touched:
            note(touched)
        if grads is not None and grads.fresh:
            grads.hand_out()
        for place, seen in laid:
            results[place] = as_seen(results[place], seen)
        for leaf, grad in given:
            leaf.derivative = grad
        if not single:
            return trace.result.assembled(list(map(lift, results)), tensors)
        y = _new(final)
        y.value = results[0]
        y.node = y.index = y.memory = y.origin = None
        return y

    return launch


def places_of(trace: Trace, captured: list[Any]) -> dict[int, int]:
    """Return where, among arguments and captured tensors, those stand that may be others at each call."""
    given = [*trace.arguments, *captured]
    return {id(given[n]): n for n in (*range(len(trace.arguments)), *(len(trace.arguments) + place for place, _ in trace.lent))}


def present(captured: list[Any], lent: Sequence[tuple[int, Any]]) -> list[Any]:
    """Return the captured tensors, with the grads that leaves have now where grads were captured."""
    found = list(captured)
    for place, leaf in lent:
        found[place] = leaf.derivative
    return found


def as_seen(array: np.ndarray, seen: tuple[tuple[int, ...], tuple[int, ...]] | None) -> np.ndarray:
    """Return an array in C order, or its elements with another shape and strides."""
    return array if seen is None else _array(seen[0], array.dtype, array, 0, seen[1])


LARGE = 1 << 24
"""From how many bytes of grads on memory is given back when the first are handed out."""


class Grads:
    """The grads that a program leaves at leaves; the tensors of the call before are filled again if nobody else holds them."""

    def __init__(self, leaves: list[Any], made: Sequence[tuple], again: bool = True):
        self.leaves = leaves
        self.again = again
        """Whether tensors are filled again at all."""
        self.made = made
        """The shape and dtype of each array that is filled, and the shape and strides in which its grad is seen, if others."""
        self.held = [lift(as_seen(_empty(*given), seen)) for given, seen in made]
        self.table = np.array([id(g) for g in self.held], np.uintp)
        """Where the held tensors are, for native code."""
        self.numbered = list(enumerate(leaves))
        self.fresh, self.first = False, True
        """Whether the leaves do not have the tensors yet, and whether they never had any."""

    def arrays(self) -> list[np.ndarray]:
        """Return the arrays to be filled."""
        held, found = self.held, []
        for place, leaf in self.numbered:
            g = held[place]
            if not self.again or leaf.derivative is not g or _references(g) > ALONE or _references(g.value) > ALONE_ARRAY:
                g = self.renewed(place)
            elif self.made[place][1] is not None and _references(g.value.base) > ALONE_BASE:
                # views of it look into what it looks into itself
                g = self.renewed(place)
            found.append(g.value if self.made[place][1] is None else g.value.base)
        return found

    def renewed(self, place: int) -> AbstractTensor:
        """Return a new tensor for a grad."""
        given, seen = self.made[place]
        g = self.held[place] = lift(as_seen(_empty(*given), seen))
        self.table[place] = id(g)
        self.fresh = True
        return g

    def hand_out(self) -> None:
        """Let the filled tensors be the leaves' grads."""
        for leaf, g in zip(self.leaves, self.held):
            leaf.derivative = g
        self.fresh = False
        if self.first and sum(g.value.nbytes for g in self.held) > LARGE:
            # the grads of eager calls are gone, whose memory would lie beside that of these
            give_back()
        self.first = False


def lone() -> tuple[int, ...]:
    """Measure what `getrefcount` says inside `arrays` of a tensor that only its leaf and `held` hold, and its arrays."""
    counts = []

    class Leaf:
        derivative: Any = None

    leaf, held = Leaf(), [lift(as_seen(np.zeros(1), ((1,), (8,))))]
    leaf.derivative = held[0]
    for place, each in enumerate([leaf]):
        g = held[place]
        if each.derivative is g:
            counts = [_references(g), _references(g.value), _references(g.value.base)]
    return tuple(counts)


ALONE, ALONE_ARRAY, ALONE_BASE = lone()


def note(touched: list[AbstractTensor]) -> None:
    """Let the engine know that tensors were written, so that no history relies on their old values."""
    now = next_id()
    for x in touched:
        memory = memory_of(x)
        memory.version += 1
        memory.written = now


def failed(trace: Trace, status: Any) -> Any:
    """Return REFUSED, or raise Unmet with what a program's status tells."""
    if status is REFUSED:
        return REFUSED
    number, place = divmod(status, PLACES)
    if place <= UNMET:
        raise Unmet(lenient=status == UNEXPECTED)
    known = trace.path[: place - UNMET - 1]
    raise Unmet((*known, number) if abs(number) < MOST_TOLD else known)


def alone(program: Program) -> Callable[..., Any]:
    """Return the run of a program, with an arena of its own for a call during which another thread runs it."""
    run, arena = program.run, program.arena
    if program.arenas is not None or not program.releases:
        return run
    lock = threading.Lock()

    def guarded(*given: Any) -> Any:
        if not lock.acquire(False):
            return run(*given[:-1], np.empty_like(arena))
        try:
            return run(*given)
        finally:
            lock.release()

    return guarded
