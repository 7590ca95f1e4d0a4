"""Summing: what turns add up of products of their own is one product of what they stack.

If every turn makes s' = s + aᵀ b, then the last one leaves s + Aᵀ B, where A and B hold the rows of all turns, one below the
other. So the gradient of a weight that every step uses is one long product, and no turn reads and writes as many numbers as the
weight has. Sums over rows, the gradients of biases, are taken together in the same way where their rows are stacked anyway.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lineal.compiler.nodes.turns import Rolled, Turn
from lineal.compiler.rewrites.draft import label
from lineal.compiler.rewrites.rolling.lines import is_view
from lineal.compiler.rewrites.rolling.stacking import chained, like
from lineal.ops.broadcasting import SumToShape
from lineal.ops.contraction.products import MatMul
from lineal.ops.structural.reshape import View
from lineal.ops.structural.slicing import Select
from lineal.tracing import Equation, Var

__all__ = ["summed_at_once"]

MOST_BYTES = 1 << 28
"""How much memory the stacks of one sum may take."""

New = Callable[[np.ndarray], Var]


class Addition(NamedTuple):
    """What is carried at a place: every turn adds to it what a step makes, seen by views, and nobody else reads any of it."""

    place: int
    add: Equation
    views: list[Equation]
    step: Equation


def summed_at_once(
    turns: int, turn: Turn, inputs: Sequence[Var], outputs: Sequence[Var], new: New, reverse: bool = False
) -> tuple[Equation, list[Equation]]:
    """Return the equation of a loop, and those behind it that make what its turns would only have added up."""
    added = additions(turns, turn)
    steps = {id(part) for each in added for part in (each.add, *each.views, each.step)}
    whole = in_order(turns, turn, inputs, reverse)
    rows = list(dict.fromkeys(var for each in added for var in each.step.inputs if var not in (*turn.stacked, *whole)))
    places, count = {each.place for each in added}, len(turn.carried)
    kept = [n for n in range(count) if n not in places]
    stacks = [new(like(var, turns)) for var in rows]
    starts, ends = inputs[len(inputs) - count :], outputs[:count]
    lighter = Turn(
        [each for each in turn.equations if id(each) not in steps],
        turn.literals,
        turn.constants,
        turn.walks,
        [turn.carried[n] for n in kept],
        turn.last,
        [*turn.stacked, *rows],
    )
    given = (*inputs[: len(inputs) - count], *(starts[n] for n in kept))
    made = (*(ends[n] for n in kept), *outputs[count:], *stacks)
    stacked = {**whole, **dict(zip(lighter.stacked, made[len(made) - len(lighter.stacked) :]))}
    behind = [more for each in added for more in total(each, starts[each.place], ends[each.place], stacked, new)]
    return Equation(Rolled(turns, lighter, None, reverse), given, made, False), behind


def in_order(turns: int, turn: Turn, inputs: Sequence[Var], reverse: bool) -> dict[Var, Var]:
    """Return by the variables that walk along all rows of something, as the turns stack theirs, what that is."""
    first = Select(0, turns - 1 if reverse else 0)
    roots = inputs[len(turn.constants) :]
    return {
        walk.var: root
        for walk, root in zip(turn.walks, roots)
        if walk.first == first and walk.at(turns - 1) == Select(0, turns - 1 - first.place) and root.spec.shape[0] == turns
    }


def additions(turns: int, turn: Turn) -> list[Addition]:
    """Return what is carried only to be added to, where it is better done at once."""
    makers = {var: each for each in turn.equations for var in each.outputs}
    wanted = [*(made for _, made in turn.carried), *turn.last, *turn.stacked]
    reads = Counter([*wanted, *(var for each in turn.equations for var in each.inputs)])
    found = []
    for place, (given, made) in enumerate(turn.carried):
        add = makers.get(made)
        others = [] if add is None or label(add) != "add" else [var for var in add.inputs if var is not given]
        if add is None or len(others) != 1 or any(reads[var] != 1 for var in (given, made, *others)):
            continue
        step, views = makers.get(others[0]), []
        while step is not None and is_view(step) and reads[step.inputs[0]] == 1:
            views.insert(0, step)
            step = makers.get(step.inputs[0])
        if step is not None and others[0].spec == given.spec and turn.literals.keys().isdisjoint(step.inputs):
            found.append(Addition(place, add, views, step))
    products = [each for each in found if is_worthwhile(each.step, turns)]
    rows = {*turn.stacked, *(var for each in products for var in each.step.inputs)}
    return [*products, *(each for each in found if type(each.step.op) is SumToShape and each.step.inputs[0] in rows)]


def is_worthwhile(step: Equation, turns: int) -> bool:
    """Return whether a step is a product aᵀ b whose factors are less to write than the sum is to read and write."""
    if type(step.op) is not MatMul or (step.op.left, step.op.right) != (True, False):
        return False
    (a, b), (y,) = ([var.spec for var in each] for each in (step.inputs, step.outputs))
    if len(y.shape) != 2 or y.storage.name not in ("float32", "float64"):
        return False
    numbers = math.prod(a.shape) + math.prod(b.shape)
    return numbers <= 2 * math.prod(y.shape) and turns * numbers * y.storage.itemsize <= MOST_BYTES


def total(each: Addition, start: Var, end: Var, stacked: dict[Var, Var], new: New) -> list[Equation]:
    """Return the equations that make the sum over all turns of what the turns stack, and add it to what was there before."""
    rows = [stacked[var] for var in each.step.inputs]
    views: list[Equation] = []
    if type(each.step.op) is MatMul:
        for place, stack in enumerate(rows):
            turns, height, width = stack.spec.shape
            views += chained([View((turns * height, width))], stack, new)
            rows[place] = views[-1].outputs[0]
    made = new(like(each.step.outputs[0]))
    seen = chained([view.op for view in each.views], made, new)
    whole = seen[-1].outputs[0] if seen else made
    return [
        *views,
        Equation(each.step.op, tuple(rows), (made,), False),
        *seen,
        Equation(each.add.op, (start, whole), (end,), each.add.grad),
    ]
