"""A trace: the pure equations of one call, and everything a later call must check, fill in and put back."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Self

import numpy as np

from lineal.base import tree
from lineal.base.dtypes import NARROW
from lineal.base.layouts import uncommon_steps
from lineal.compiler.capturing import effects
from lineal.compiler.capturing.capture import Capture, running
from lineal.compiler.capturing.guards import (
    Clear,
    Defaults,
    Guard,
    Histories,
    Holding,
    Hooks,
    Looking,
    Multiplied,
    Options,
    Settings,
    Unchanged,
)
from lineal.compiler.capturing.listening import Hearing
from lineal.compiler.capturing.reading import Reading
from lineal.compiler.capturing.reads import ContentsRead, EntryRead, State
from lineal.compiler.capturing.results import Finder, Results
from lineal.compiler.nodes.turns import Mark
from lineal.core import AbstractTensor, Leaf, no_grad
from lineal.ops.premise import Expectation
from lineal.tracing import Equation, Var, strides

__all__ = ["Still", "Trace", "name_of", "traced"]


@dataclass(eq=False)
class Trace:
    """What one call did to tensors.

    `captured` are the tensors the function reached otherwise than through its arguments; they stay live, as do the numbers in
    `live`. `writes` and `grads` are put into tensors of the user's after each call.
    """

    name: str
    arguments: list[AbstractTensor]
    """The tensors in the arguments of the call that was traced."""
    inputs: list[Var]
    captured: dict[Var, AbstractTensor]
    literals: dict[Var, np.ndarray]
    live: dict[Var, tuple[Any, Any]]
    equations: list[Equation]
    result: Results
    """What the function returns."""
    outputs: list[Var]
    """The variables of the new tensors in it."""
    writes: list[tuple[AbstractTensor, Var]]
    grads: list[tuple[AbstractTensor, Var]]
    layouts: list[tuple[int, ...] | None] = field(default_factory=list)
    """The strides in elements of the outputs, then of the grads, as eager code leaves them; None, or nothing, for C order."""
    given: list[tuple[Any, Any]] = field(default_factory=list)
    """Leaves whose grad is set to a tensor from outside, or to None."""
    lent: list[tuple[int, AbstractTensor]] = field(default_factory=list)
    """The places of captured tensors that are grads, and the leaves whose grads they are: each call takes what is there."""
    steps: dict[Var, tuple[int, ...]] = field(default_factory=dict)
    """How the arrays from outside lie: their strides, in elements."""
    effects: dict[Var, np.ndarray] = field(default_factory=dict)
    """What ops with an effect gave."""
    guards: list[Guard] = field(default_factory=list)
    alike: list[tuple[int, int]] = field(default_factory=list)
    """Pairs of places of arguments that are the same tensor."""
    bound: list[int] = field(default_factory=list)
    """The places of arguments that are given grads here, so that another tensor cannot stand for them."""
    reads: list[tuple[Var, int]] = field(default_factory=list)
    """Numbers that Python read on the way, as int64, and what they were: a later call may branch elsewhere."""
    loops: list[Mark] = field(default_factory=list)
    """The loops that end when a number says so, turn by turn."""
    open_ended: bool = False
    """Whether one of these takes as many turns as each call does, of which no number is told."""
    changed: str | None = None
    """What of Python's state the function read and changed, if anything, so that another call would do something else."""
    rewritten: str | None = None
    """How it wrote to a constant of its own, if it did."""
    refusal: str | None = None
    differentiable: bool = False
    """Whether somebody may call backward on the result."""

    def laid(self) -> list[tuple[Var, tuple[int, ...] | None]]:
        """Return the variables of the outputs, then of the grads, each with its layout."""
        return list(zip_longest((*self.outputs, *(var for _, var in self.grads)), self.layouts))

    @property
    def path(self) -> tuple[int, ...]:
        """The numbers that were read, in order."""
        return tuple(number for _, number in self.reads)

    def may_go(self, known: tuple[int, ...]) -> bool:
        """Return whether a call may go this way whose first numbers are known: loops told turn by turn have read others."""
        return self.open_ended or self.path[: len(known)] == known

    @property
    def expects(self) -> bool:
        """Whether it holds expectations, of which eager code would warn."""
        return any(isinstance(each.op, Expectation) for each in self.equations)

    def unconditional(self) -> Trace:
        """Return the trace without expectations."""
        return replace(self, equations=[each for each in self.equations if not isinstance(each.op, Expectation)])

    def moved(self) -> bool:
        """Return whether a captured tensor has another dtype, shape or layout than it had."""
        return any(
            (x.value.shape, x.value.dtype, strides(x.value)) != (tuple(var.spec.shape), var.spec.storage, self.steps[var])
            for var, x in self.captured.items()
        )

    def holds(self, tensors: Sequence[Any]) -> bool:
        """Return whether what the trace relied upon is still so for a call with such tensors in its arguments."""
        return self.suits(tensors) and all(guard() for guard in self.guards)

    def suits(self, tensors: Sequence[Any]) -> bool:
        """Return whether the arguments stand to one another, and to leaves, as they did: the same ones are the same."""
        if not all(tensors[place] is self.arguments[place] for place in self.bound):
            return False
        return all(tensors[a].value is tensors[b].value for a, b in self.alike)

    @property
    def loose(self) -> bool:
        """Whether any tensors of the right kind may be the arguments, and the same tensors are captured in every call."""
        return not (self.bound or self.alike or self.lent)


class Still:
    """A context in which the garbage collector waits: a program is made of many objects, which it would look at in vain.

    Several threads may be in such contexts at once; the last that leaves lets it go on.
    """

    lock = threading.Lock()
    inside = 0
    enabled = False

    def __enter__(self) -> Self:
        with Still.lock:
            if not Still.inside:
                Still.enabled = gc.isenabled()
            Still.inside += 1
            gc.disable()
        return self

    def __exit__(self, *exception: object) -> None:
        with Still.lock:
            Still.inside -= 1
            if Still.enabled and not Still.inside:
                gc.enable()


class Youth(Still):
    """A context that tells what was made inside: what the garbage collector's youngest generation has more than before."""

    def __enter__(self) -> Self:
        super().__enter__()
        gc.collect(0)
        # No thread can collect while another one does, held up in a finalizer: what is young then stays so. It is held, for
        # nothing new may come to lie where it lies.
        self.older = gc.get_objects(generation=0)
        self.mark: list[None] = []
        return self

    def made(self) -> set[int]:
        """Return the identities of what was made since."""
        return set(map(id, gc.get_objects(generation=0))).difference(map(id, self.older))

    def is_known(self, made: set[int]) -> bool:
        """Return whether that is all: another thread may have let the collector take what is young for old."""
        return id(self.mark) in made


def name_of(function: Callable[..., Any]) -> str:
    """Return how messages call a function, which may be any object that can be called."""
    found = getattr(function, "__name__", None)
    return found if isinstance(found, str) else type(function).__name__


def traced(function: Callable[..., Any], args: tuple, kwargs: dict) -> tuple[Any, Trace, Callable[[bool], int]]:
    """Run `function`; return its result, the trace of what it did, and a count of tensors that it left behind elsewhere."""
    capture = Capture()
    for x in tree.leaves((args, kwargs)):
        if isinstance(x, AbstractTensor):
            capture.argument(x)
    with Youth() as youth:
        reading = Reading(function, args, kwargs, capture.saw)
        with Hearing(reading):
            result = running(capture, function, args, kwargs)
        young = youth.made()
        refusal, changed, state, tensors = reading.settle(young)
        rewritten = effects.rewritten_constant(capture, young)
        if not youth.is_known(young):
            refusal, rewritten = None, "runs while another thread collects garbage"
    capture.outside |= tensors
    with no_grad():
        found = trace_of(capture, result, name_of(function))
    found.refusal = found.refusal or refusal
    if any(issubclass(type(each), (Iterator, Awaitable, AsyncIterator)) for each in tree.leaves(result)):
        found.refusal = found.refusal or "it returns an iterator or a coroutine, which goes on when the call is over"
    # whose memory can be reached both ways is the argument it was
    owned = [each for x in tensors.values() for each in (x, *(() if x.origin is None else (x.origin.base,)))]
    arrays = {id(each.value) for each in owned}
    found.bound += [n for n, x in enumerate(found.arguments) if id(x.value) in arrays and n not in found.bound]
    found.changed, found.rewritten = changed or capture.changed(), rewritten
    found.guards.append(state)
    kept = [each for each in tree.leaves(result) if isinstance(each, AbstractTensor)]
    if not found.differentiable:
        for x in kept:
            if not isinstance(x.node, Leaf) and capture.place(x).storage.captured is None:
                # its history was gone back through; programs return the numbers alone, too
                x.node = x.index = None
    kept += [leaf.grad for leaf, _ in found.grads]  # type: ignore[attr-defined]
    # a view keeps alive what it looks into
    known = {id(each.value) for x in kept for each in (x, *(() if x.origin is None else (x.origin.root, x.origin.base)))}
    return result, found, effects.survivors(capture, known)


def trace_of(capture: Capture, result: Any, name: str) -> Trace:
    """Return the trace of what a capture heard."""
    returned = Finder(capture, result)
    grads, given = effects.grads(capture)
    inputs = capture.inputs
    found = Trace(
        name=name,
        arguments=capture.arguments,
        inputs=inputs,
        captured=capture.captured,
        literals=capture.literals,
        live=capture.live,
        equations=capture.equations,
        result=returned.results,
        outputs=returned.outputs,
        writes=effects.written(capture),
        grads=grads,
        layouts=[*returned.layouts, *(uncommon_steps(leaf.derivative.value) for leaf, _ in grads)],  # type: ignore[attr-defined]
        given=given,
        lent=effects.lent(capture),
        alike=[(inputs.index(var), n) for n, var in enumerate(inputs) if inputs.index(var) != n],
        steps=capture.steps,
        effects=capture.effects,
        reads=capture.read_numbers,
        loops=[each for each in capture.loops if each.stop and each.single],
        refusal=capture.refusal
        or effects.rebound(capture)
        or effects.remembering(capture)
        or effects.overlap(capture)
        or effects.regraded(capture)
        or effects.halved(capture)
        or effects.leads_inside(capture, (x for x in tree.leaves(result) if isinstance(x, AbstractTensor)))
        or (capture.by_hand if returned.differentiable else None),
        differentiable=returned.differentiable,
    )
    concerned = capture.found.keys() | capture.graded.keys()
    found.bound = [place for place, x in enumerate(found.arguments) if id(x) in concerned]
    found.guards = guards_of(capture, found)
    return found


def guards_of(capture: Capture, found: Trace) -> list[Guard]:
    """Return what must be so for the trace to be what a later call would do."""
    guards: list[Guard] = [Defaults()]
    if any(var.spec.storage in NARROW for each in found.equations for var in each.inputs):
        guards.append(Multiplied())
    if capture.modules or capture.relied:
        guards.append(Unchanged(list(capture.modules.values()), capture.relied))
    guards += [Options(holder, relied) for holder, relied in capture.assumed.values()]
    # what the function itself has set is no matter of its caller's
    outer = [each for each in capture.settings if each[0].get() is each[1]]
    guards += [Settings(outer)] if outer else []
    reads: list[Any] = [(EntryRead(holder, key), value) for holder, key, value in capture.fixed]
    kept = [value for _, _, value in capture.relied]
    kept += [value for holder, _ in capture.assumed.values() for value in holder.values()]
    held = [ContentsRead(each) for each in {id(each): each for each in kept if isinstance(each, (list, dict))}.values()]
    reads += [(each, each.now()) for each in held]
    guards += [State(reads)] if reads else []
    lent = {id(leaf) for _, leaf in found.lent}
    clear = [leaf for leaf, grad in capture.found.values() if grad is None]
    known = [(leaf, grad) for leaf, grad in capture.found.values() if grad is not None and id(leaf) not in lent]
    guards.append(Histories(list(capture.captured.values())))
    # what is captured of a view is what it looks into
    whole = {id(x) for x in capture.captured.values()}
    views = [x for x, _ in capture.alive if id(x) in capture.outside and id(x) not in whole]
    guards += [Looking(views)] if views else []
    guards += [Clear(clear)] if clear else []
    guards += [Holding(known)] if known else []
    leaves = [x for x in (*capture.captured.values(), *capture.arguments) if isinstance(x.node, Leaf)]
    guards += [Hooks(leaves)] if leaves and found.grads else []
    return guards
