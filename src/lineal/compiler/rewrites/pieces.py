"""Rewrites of what is made, or read, slice by slice: `out[n] = y` in a loop, and the gradient of a loop that reads `x[n]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from lineal.base.spec import Shape
from lineal.compiler.rewrites.draft import Draft, label
from lineal.core import Op, ViewScatter
from lineal.core.inplace import Renumber
from lineal.ops.indexing.basic import Embed as EmbedItems
from lineal.ops.indexing.basic import Slice as Items
from lineal.ops.indexing.basic import slice_op
from lineal.ops.structural.embedding import Embed
from lineal.ops.structural.slicing import Select
from lineal.ops.structural.slicing import Slice as Narrow
from lineal.ops.structural.stacking import Stack
from lineal.tracing import Equation, Var

__all__ = ["pieces"]

FEWEST = 8
"""How many slices are put together at least."""


def pieces(draft: Draft) -> None:
    """x[i] of x with x[i] = y is y; x with all of its slices written is their stack, and so is a sum of slices in zeros."""
    if sum(isinstance(each.op, (ViewScatter, Embed, EmbedItems)) for each in draft.equations) < FEWEST:
        return
    if not draft.remembers:
        # numbers that are written without a history are these numbers
        draft.rewrite(lambda each: each.inputs[1:] if type(each.op) is Renumber else None)
    forward(draft)
    ends = {chain[-1][2].outputs[0]: chain for chain in written(draft)}
    sums = {root: found for each in draft.equations if (found := summed(draft, each)) for root in each.outputs}

    def rule(each: Equation) -> tuple[Var, ...] | None:
        chain = ends.get(each.outputs[0]) if each.outputs else None
        if chain is not None:
            base, shape = draft.renamed.get(var := chain[0][2].inputs[0], var), tuple(each.outputs[0].spec.shape)
            made = together(draft, {place: var for _, place, _, var in chain}, chain[0][0], shape, base)
            # what is written over has a derivative still: zero
            return made if made is not None and remembered(draft, made[0], each.outputs[0]) else None
        found = sums.get(each.outputs[0]) if each.outputs else None
        if found is None:
            return None
        parts, dim, rest = found
        made = together(draft, parts, dim, tuple(each.outputs[0].spec.shape), None)
        if made is not None:
            for var in rest:
                like = (each.outputs[0].spec.shape, each.outputs[0].spec.storage)
                made = (draft.put(each.op, (*made, draft.renamed.get(var, var)), like),)
        return made

    draft.rewrite(rule)


def selecting(op: Op, ndim: int) -> tuple[int, int] | None:
    """Return the axis and the place of the slice that a view op shows, if that is what it does."""
    if isinstance(op, Select):
        return op.dim, op.place
    if not isinstance(op, Items) or any(item is None for item in op.items):
        return None
    numbers = [n for n, item in enumerate(op.items) if not isinstance(item, tuple)]
    return (numbers[0], op.items[numbers[0]]) if len(numbers) == 1 and ndim > len(op.items) - 1 else None


def whole_beside(op: Op, axis: int, shape: Sequence[int]) -> bool:
    """Return whether a view op shows all of the other axes."""
    items = op.items if isinstance(op, Items) else ()
    return all(item == (0, shape[n], 1) for n, item in enumerate(items) if n != axis)


def slice_of(op: Op, shape: Sequence[int]) -> tuple[int, int] | None:
    """Return the axis and the place of the whole slice that a view op shows of an array, None if it shows something else."""
    found = selecting(op, len(shape))
    return found if found is not None and whole_beside(op, found[0], shape) else None


# reading what was written


def forward(draft: Draft) -> None:
    """Let who reads a slice read what was written to it last."""

    def rule(each: Equation) -> tuple[Var, ...] | None:
        if not isinstance(each.op, (Select, Items)) or (draft.remembers and not each.grad):
            return None
        x = each.inputs[0]
        wanted = slice_of(each.op, x.spec.shape)
        if wanted is None:
            return None
        found = start = x
        while (maker := draft.maker(x)) is not None:
            write = written_by(maker)
            if write is None or write[0] != wanted[0]:
                break
            if write[1] == wanted[1]:
                if remembered(draft, write[3], start):
                    return (write[3],)
                break
            x = maker.inputs[0]
            found = x if remembered(draft, x, start) else found
        if found is start:
            return None
        return (draft.put(each.op, (found,), (each.outputs[0].spec.shape, each.outputs[0].spec.storage)),)

    draft.rewrite(rule)


def remembered(draft: Draft, one: Var, other: Var) -> bool:
    """Return whether a variable may stand for another one, as far as its history goes: it leads back to as much."""
    return not draft.remembers or draft.leads(one) == draft.leads(other)


def written_by(each: Equation) -> tuple[int, int, Equation, Var] | None:
    """Return the axis and the place of the slice that an equation writes, itself, and what it writes there."""
    if not isinstance(each.op, ViewScatter) or len(each.op.path) != 1:
        return None
    base, source = each.inputs
    found = slice_of(each.op.path[0], base.spec.shape)
    if found is None or source.spec != like_slice(base, found[0]):
        return None
    return (*found, each, source)


def like_slice(x: Var, axis: int) -> Any:
    """Return the spec of a slice."""
    shape = tuple(x.spec.shape)
    return type(x.spec)((*shape[:axis], *shape[axis + 1 :]), x.spec.storage)


def written(draft: Draft) -> Iterator[list[tuple[int, int, Equation, Var]]]:
    """Yield the chains of writes to slices along one axis where nobody else reads what is in between."""
    chains: dict[Var, list[tuple[int, int, Equation, Var]]] = {}
    for each in draft.equations:
        write = written_by(each)
        if write is not None:
            before = chains.pop(each.inputs[0], []) if draft.reads[each.inputs[0]] == 1 else []
            if before and before[-1][0] != write[0]:
                before = []
            before.append(write)
            chains[each.outputs[0]] = before
    yield from (chain for chain in chains.values() if len(chain) >= FEWEST)


# adding slices up


def summed(draft: Draft, each: Equation) -> tuple[dict[int, Var], int, list[Var]] | None:
    """Return of a sum of slices in zeros the slices by their places, their axis, and what else is added, else None."""
    if label(each) != "add" or any(label(reader) == "add" for reader in draft.readers(each.outputs[0])):
        return None
    leaves = addends(draft, each)
    if len(leaves) < FEWEST:
        return None
    parts: dict[int, Var] = {}
    rest: list[Var] = []
    axes = set()
    for var in leaves:
        maker = draft.maker(var)
        alone = maker is not None and draft.reads[var] == 1 and (maker.grad == each.grad or not draft.remembers)
        found = embedded(maker) if alone and maker is not None else None
        if found is None or found[1] in parts:
            rest.append(var)
            continue
        axes.add(found[0])
        parts[found[1]] = maker.inputs[0]  # type: ignore[union-attr]
    return (parts, axes.pop(), rest) if len(axes) == 1 and len(parts) >= FEWEST else None


def addends(draft: Draft, each: Equation) -> list[Var]:
    """Return what a sum adds up, where nobody else reads what is in between."""
    found: list[Var] = []
    waiting = list(each.inputs[::-1])
    while waiting:
        var = waiting.pop()
        maker = draft.maker(var)
        if (
            maker is not None
            and label(maker) == "add"
            and draft.reads[var] == 1
            and (maker.grad == each.grad or not draft.remembers)
            and maker.inputs[0].spec == maker.inputs[1].spec
        ):
            waiting += maker.inputs[::-1]
        else:
            found.append(var)
    return found


def embedded(each: Equation) -> tuple[int, int] | None:
    """Return the axis and the place of the slice that zeros have, if that is what an equation makes."""
    if isinstance(each.op, Embed):
        return slice_of(each.op.view, each.op.shape)
    if isinstance(each.op, EmbedItems):
        return slice_of(slice_op(each.op.items), each.op.shape)
    return None


def together(draft: Draft, parts: dict[int, Var], dim: int, shape: Shape, base: Var | None) -> tuple[Var, ...] | None:
    """Return the array with all the slices along `dim`, in `base` or zeros where some are missing; None if they lie apart."""
    places = sorted(parts)
    parts = {place: draft.renamed.get(var, var) for place, var in parts.items()}
    steps = {b - a for a, b in pairwise(places)}
    if len(steps) != 1 or len({parts[each].spec for each in places}) != 1:
        return None
    (step,), spec = steps, parts[places[0]].spec
    stacked = draft.put(
        Stack(dim), [parts[each] for each in places], ((*shape[:dim], len(places), *shape[dim + 1 :]), spec.storage)
    )
    if len(places) == shape[dim]:
        return (stacked,)
    view = Narrow(dim, places[0], places[-1] + 1, step)
    op, inputs = (Embed(view, shape), (stacked,)) if base is None else (ViewScatter((view,)), (base, stacked))
    return (draft.put(op, inputs, (shape, spec.storage)),)
