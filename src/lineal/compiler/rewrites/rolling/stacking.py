"""Stacking: slices of one thing, put side by side again, are that thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from lineal.core import Op
from lineal.ops.indexing.basic import slice_op
from lineal.ops.structural.axes import Permute, Unsqueeze
from lineal.ops.structural.joining import Cat
from lineal.ops.structural.reshape import View
from lineal.ops.structural.slicing import Select
from lineal.ops.structural.stacking import Stack
from lineal.tracing import Equation, Var

__all__ = ["chained", "like", "restacked"]


FEWEST = 8
"""How many slices, one after the other, are looked at as one part."""

New = Callable[[np.ndarray], Var]


def like(var: Var, turns: int | None = None) -> np.ndarray:
    """Return an array of a variable's type, or of so many of them."""
    shape = tuple(var.spec.shape)
    return np.broadcast_to(np.empty((), var.spec.storage), shape if turns is None else (turns, *shape))


def restacked(equations: Sequence[Equation], new: New) -> list[Equation]:
    """Return the equations; what stacks or joins slices of one thing in order becomes a view of it."""
    slices: dict[Var, Equation] = {}
    found: list[Equation] = []
    for each in equations:
        if type(each.op) is Select:
            slices[each.outputs[0]] = each
        found += joined(each, slices, new) if type(each.op) in (Stack, Cat) else [each]
    return found


def joined(equation: Equation, slices: dict[Var, Equation], new: New) -> list[Equation]:
    """Return the equations that join whole parts of what slices are of, or the equation itself if there are no such parts."""
    runs = runs_of([slices.get(var) for var in equation.inputs])
    if all(len(run) < FEWEST for run in runs):
        return [equation]
    (y,), dim, place = equation.outputs, equation.op.dim, 0  # type: ignore[attr-defined]
    stacks, found, parts = type(equation.op) is Stack, [], []
    for run in runs:
        xs, place = equation.inputs[place : place + len(run)], place + len(run)
        views = [part(run, dim, stacks)] if len(run) >= FEWEST else [[Unsqueeze((dim,))] if stacks else [] for _ in xs]
        for ops, x in zip(views, xs):
            root = slices[x].inputs[0] if len(run) >= FEWEST else x
            made = chained(ops, root, new)
            found += made
            parts.append(made[-1].outputs[0] if made else root)
    if len(parts) > 1:
        return [*found, Equation(Cat(dim), tuple(parts), (y,), False)]
    return [*found[:-1], Equation(found[-1].op, found[-1].inputs, (y,), False)]


def runs_of(views: Sequence[Any]) -> list[list[Any]]:
    """Return what is joined, taken apart where the next one is not the next slice of the same thing."""
    runs: list[list[Any]] = []
    step = 0
    for view in views:
        last = runs[-1][-1] if runs else None
        ahead = 0
        if view is not None and last is not None and view.inputs == last.inputs and view.op.dim == last.op.dim:
            ahead = view.op.place - last.op.place
        if ahead and (len(runs[-1]) == 1 or ahead == step):
            step = ahead
            runs[-1].append(view)
        else:
            runs.append([view])
    return runs


def part(run: Sequence[Any], dim: int, stacks: bool) -> list[Op]:
    """Return the view ops that show slices of one thing side by side along `dim`, where there is a new axis if it `stacks`."""
    shape = run[0].inputs[0].spec.shape
    axis, first, last = run[0].op.dim, run[0].op.place, run[-1].op.place
    step = run[1].op.place - first
    stop = last + step
    order = [n for n in range(len(shape)) if n != axis]
    order.insert(dim, axis)
    items = (*((0, size, 1) for size in shape[:axis]), (first, stop if stop >= 0 else None, step))
    ops: list[Op] = [slice_op(items), Permute(tuple(order))]
    if not stacks:
        slice_shape = tuple(run[0].outputs[0].spec.shape)
        ops.append(View((*slice_shape[:dim], len(run) * slice_shape[dim], *slice_shape[dim + 1 :])))
    return ops


def chained(ops: Iterable[Op], x: Var, new: New) -> list[Equation]:
    """Return the equations by which view ops, one after the other, look at a variable."""
    found = []
    array = like(x)
    for op in ops:
        array = op.eager(np, array)
        found.append(Equation(op, (x,), (new(array),), False))
        x = found[-1].outputs[0]
    return found
