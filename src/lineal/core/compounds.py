"""Ops of a call that is recalled, as one: what nobody differentiates is made by one kernel, of which there is a builtin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.replays import CONSTANT, GIVEN, MADE, STATE, Plan, Ref, Step
from lineal.core.op import AbstractTensor, Op

__all__ = ["Compound", "compounded"]

native: Any = later.module("lineal.codegen.native")
stepkernels: Any = later.module("lineal.codegen.stepkernels")

MOST = 8
"""How many inputs an op has at most to be done by a builtin."""


class Compound(Op):
    """What some ops make one after the other, and nobody differentiates; `returned` are the places of the results."""

    steps: tuple[Step, ...]
    returned: tuple[int, ...]
    differentiable = False
    no_vjp = "made only where no derivative is asked for"
    no_batch = "never met: it is no op of programs, but of calls that are recalled while nobody listens"
    no_lowering = "host step: never met, it is of calls that are recalled while nobody listens"
    host_only = "made only while there are NumPy's arrays alone"

    def eager(self, xp, *xs):
        made: list[Any] = []
        for op, given, width in self.steps:
            y = op.as_kernel()(xp, *[(xs if ref.kind == GIVEN else made)[ref.thing] for ref in given])
            made += [y] if width is None else y
        found = [made[place] for place in self.returned]
        return tuple(found) if len(found) > 1 else found[0]

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


def compounded(plan: Plan, given: Sequence[AbstractTensor], made: Sequence[AbstractTensor], state: AbstractTensor) -> Plan:
    """Return a plan, which has `made` these tensors of those given, with runs of ops as one where nothing has a history."""
    things = {GIVEN: given, MADE: made, STATE: (state,)}
    find = lambda ref: ref.thing if ref.kind == CONSTANT else things[ref.kind][ref.thing]
    places: dict[int, int] = {}
    """Where in the new plan is what was made."""
    steps: list[Step] = []
    first = count = 0
    for run in runs(plan.steps):
        after = first + sum([step.width or 1 for step in run])
        one = joined(run, first, used(plan, first, after), find) if len(run) > 1 else None
        kept = range(first, after) if one is None else used(plan, first, after)
        for step in run if one is None else (one,):
            refs = [ref._replace(thing=places[ref.thing]) if ref.kind == MADE else ref for ref in step.given]
            steps.append(step._replace(given=tuple(refs)))
            if one is None:
                for _ in range(step.width or 1):
                    places[first], first, count = count, first + 1, count + 1
        if one is not None:
            places.update({place: count + n for n, place in enumerate(kept)})
            first, count = after, count + len(kept)
    returned = tuple([ref._replace(thing=places[ref.thing]) for ref in plan.returned])
    return plan._replace(steps=tuple(steps), returned=returned)


def runs(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield steps in runs of ops between premises, draws and writes; the views that a run ends with are one of their own."""
    run: list[Step] = []
    for step in (*steps, None):
        if step is not None and isinstance(step.op, Op) and not step.op.premise:
            run.append(step)
            continue
        end = len(run)
        while end and run[end - 1].op.aliasing is not None:
            end -= 1
        yield from (part for part in (run[:end], run[end:], [step] if step else []) if part)
        run = []


def used(plan: Plan, first: int, after: int) -> tuple[int, ...]:
    """Return which of the things made from `first` on are read by steps that make those from `after` on, or returned."""
    read, count = {ref.thing for ref in plan.returned}, 0
    for step in plan.steps:
        read |= {ref.thing for ref in step.given if ref.kind == MADE and count >= after}
        count += step.width or 1
    return tuple(sorted(place for place in read if first <= place < after))


def joined(run: Sequence[Step], first: int, wanted: tuple[int, ...], find: Callable[[Ref], AbstractTensor]) -> Step | None:
    """Return a run of ops, whose results begin at `first`, as one that gives those `wanted`; None where there is no such op."""
    outer: list[Ref] = []
    inner: list[Step] = []
    for step in run:
        for ref in step.given:
            if (ref.kind != MADE or ref.thing < first) and ref not in outer:
                outer.append(ref)
        refs = [Ref(GIVEN, outer.index(ref)) if ref in outer else Ref(MADE, ref.thing - first) for ref in step.given]
        inner.append(step._replace(given=tuple(refs)))
    xs, ys = [[find(ref) for ref in refs] for refs in (outer, [Ref(MADE, place) for place in wanted])]
    if not wanted or not outer or len(outer) > MOST or any(x.node is not None for x in xs):
        return None
    if any(step.op.as_kernel() is None for step in run) or any(y.origin is not None for y in ys):
        return None
    op = Compound(tuple(inner), tuple([place - first for place in wanted]))
    arrays = [x.value for x in xs]
    if any(np.may_share_memory(y.value, array) for y in ys for array in arrays):
        return None
    try:
        stepkernels.plan(op.eager, arrays, np)
    except native.UNWRITABLE:
        return None
    op.__dict__.update(eager=stepkernels.stepwise(op.eager, np), settles=True)
    return Step(op, tuple(outer), len(wanted) if len(wanted) > 1 else None)
