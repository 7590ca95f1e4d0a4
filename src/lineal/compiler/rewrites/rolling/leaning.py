"""Leaning: loops that were one op when they were traced make what somebody reads, and nothing else.

A layer's loop stacks all that its backward pass may read. Which of it is read is known when the whole trace is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from lineal.compiler import passes
from lineal.compiler.capturing.scanning import Scanned
from lineal.compiler.nodes.turns import Turn
from lineal.compiler.rewrites.draft import Draft
from lineal.compiler.rewrites.pieces import pieces
from lineal.compiler.rewrites.rolling.lines import is_view
from lineal.compiler.rewrites.rolling.summing import summed_at_once
from lineal.core.inplace import Copy
from lineal.tracing import Equation, Var

__all__ = ["lean"]


def lean(equations: Sequence[Equation], wanted: Sequence[Var], new: Callable[[np.ndarray], Var]) -> list[Equation]:
    """Return the equations, with loops that make what others read or is wanted, their sums at once."""
    read, found = set(wanted), []
    for each in reversed(equations):
        parts = leaner(each, read, new) if isinstance(each.op, Scanned) else [each]
        found += parts[::-1]
        read.update(var for part in parts for var in part.inputs)
    return found[::-1]


def leaner(loop: Equation, read: set[Var], new: Callable[[np.ndarray], Var]) -> list[Equation]:
    """Return the equations that make what is read of a loop."""
    op: Scanned = loop.op  # type: ignore[assignment]
    turn, turns, count = in_pieces(op.turn), op.turns or 0, len(op.turn.carried)
    ends = [pair for pair, end in zip(turn.carried, loop.outputs) if end in read]
    stacks = [(var, stack) for var, stack in zip(turn.stacked, loop.outputs[count:]) if stack in read]
    kept, inside = needed(turn, [*(to for _, to in ends), *(var for var, _ in stacks)])
    inputs = [*turn.constants, *(walk.var for walk in turn.walks), *(given for given, _ in turn.carried)]
    carried = [pair for pair in turn.carried if pair[0] in inside or pair in ends]
    staying = {*inside, *(given for given, _ in carried)}
    lighter = replace(
        turn,
        equations=kept,
        constants=[var for var in turn.constants if var in staying],
        walks=[walk for walk in turn.walks if walk.var in staying],
        carried=carried,
        stacked=[var for var, _ in stacks],
    )
    given = [outer for var, outer in zip(inputs, loop.inputs) if var in staying]
    made = [end for pair, end in zip(turn.carried, loop.outputs) if pair in carried]
    rolled, sums = summed_at_once(turns, lighter, given, [*made, *(stack for _, stack in stacks)], new, op.reverse)
    return [rolled, *sums] if rolled.outputs else sums


def in_pieces(turn: Turn) -> Turn:
    """Return a turn in which what is put together of pieces is made at once."""
    if not passes.enabled(pieces.__name__):
        return turn
    draft = Draft(turn.equations, [*turn.stacked, *(to for _, to in turn.carried)], turn.literals)
    pieces(draft)
    steps = [each for each in draft.equations if not is_view(each)]
    made = {var for each in steps for var in each.outputs}
    # a draft gives what leaves it its old name by a copy
    named = {each.outputs[0]: each.inputs[0] for each in steps if type(each.op) is Copy and each.inputs[0] in made}
    carried = [(given, named.get(to, to)) for given, to in turn.carried]
    stacked = [named.get(var, var) for var in turn.stacked]
    return replace(turn, equations=draft.equations, literals=draft.literals, carried=carried, stacked=stacked)


def needed(turn: Turn, wanted: Sequence[Var]) -> tuple[list[Equation], set[Var]]:
    """Return the equations of a turn that make what is wanted, now or by the turns behind it, and all that they read."""
    read, before = set(wanted), -1
    while len(read) > before:
        before = len(read)
        kept = []
        read.update(to for given, to in turn.carried if given in read)
        for each in reversed(turn.equations):
            if not read.isdisjoint(each.outputs):
                kept.append(each)
                read.update(each.inputs)
    return kept[::-1], read
