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
from lineal.ops.structural.axes import Permute
from lineal.ops.structural.embedding import Embed
from lineal.ops.structural.joining import Cat
from lineal.ops.structural.slicing import Select
from lineal.ops.structural.slicing import Slice as Narrow
from lineal.ops.structural.stacking import Stack
from lineal.ops.structural.windows import Fold, Unfold
from lineal.tracing import Equation, Var

__all__ = ["pieces"]

FEWEST = 8
"""How many slices are put together at least."""


def pieces(draft: Draft) -> None:
    """x[i] of x with x[i] = y is y; x with all of its slices written is their stack, and so is a sum of slices in zeros.

    A sum of windows in zeros is what takes windows from an array gives back: they may overlap. If each begins where another
    ends, all along an axis, as the derivatives of what `chunk` gives do, it is what they are joined.
    """
    join_parts(draft)
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
        return None if found is None else added(draft, each, *found)

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


def join_parts(draft: Draft) -> None:
    """Join what is added up in zeros where it lies side by side, all along an axis."""
    if sum(isinstance(each.op, (Embed, EmbedItems)) for each in draft.equations) > 1:
        draft.rewrite(lambda each: joined(draft, each))


def joined(draft: Draft, each: Equation) -> tuple[Var, ...] | None:
    """Return what a sum is where it is one of windows in zeros that lie side by side, all along an axis."""
    if label(each) != "add" or any(label(reader) == "add" for reader in draft.readers(each.outputs[0])):
        return None
    parts = [lone_part(draft, each, var) for var in addends(draft, each)]
    shape, storage = tuple(each.outputs[0].spec.shape), each.outputs[0].spec.storage
    axes = {axes[0][0] if len(axes) == 1 and axes[0][1] is not None else None for axes, _, _ in filter(None, parts)}
    if None in parts or None in axes or len(axes) > 1:
        return None
    (dim,) = axes
    spans = sorted((places[0], axes[0][1], n) for n, (axes, places, _) in enumerate(parts))  # type: ignore[misc]
    ends = [start + size for start, size, _ in spans]  # type: ignore[operator]
    if [start for start, _, _ in spans] != [0, *ends[:-1]] or ends[-1] != shape[dim]:  # type: ignore[index]
        return None
    sources = [parts[n][2] for _, _, n in spans]  # type: ignore[index]
    return (draft.put(Cat(dim), [draft.renamed.get(var, var) for var in sources], (shape, storage)),)  # type: ignore[arg-type]


def lone_part(draft: Draft, each: Equation, var: Var) -> tuple[Family, Places, Var] | None:
    """Return the family and the place of an addend that is a part in zeros, which nobody else reads, and what lies there."""
    maker = draft.maker(var)
    alone = maker is not None and draft.reads[var] == 1 and (maker.grad == each.grad or not draft.remembers)
    found = embedded(maker) if alone and maker is not None else None
    return None if found is None or maker is None else (*found, maker.inputs[0])


Axis = tuple[int, int | None]
"""An axis along which parts of an array lie, and how long they are there: windows; slices have no length."""
Family = tuple[Axis, ...]
Places = tuple[int, ...]
"""Where a part lies along each axis of its family."""


def summed(draft: Draft, each: Equation) -> tuple[dict[Family, dict[Places, Var]], list[Var]] | None:
    """Return of a sum of parts in zeros the parts by their family and place, and what else is added, else None."""
    if label(each) != "add" or any(label(reader) == "add" for reader in draft.readers(each.outputs[0])):
        return None
    leaves = addends(draft, each)
    if len(leaves) < FEWEST:
        return None
    families: dict[Family, dict[Places, Var]] = {}
    rest: list[Var] = []
    for var in leaves:
        found = lone_part(draft, each, var)
        if found is None or found[1] in families.get(found[0], ()):
            rest.append(var)
        else:
            families.setdefault(found[0], {})[found[1]] = var
    rest += [var for parts in families.values() if len(parts) < FEWEST for var in parts.values()]
    families = {family: parts for family, parts in families.items() if len(parts) >= FEWEST}
    return (families, rest) if families else None


def added(draft: Draft, each: Equation, families: dict[Family, dict[Places, Var]], rest: list[Var]) -> Any:
    """Return the sum of parts in zeros, each family of them at one go, and of the rest; None if all lie apart."""
    shape, storage = tuple(each.outputs[0].spec.shape), each.outputs[0].spec.storage
    terms: list[Var] = []
    changed = False
    for axes, parts in families.items():
        sources = {place: draft.makers[var].inputs[0] for place, var in parts.items()}
        made = on_grid(draft, sources, axes, shape)
        changed = changed or made is not None
        terms += parts.values() if made is None else made
    if not changed:
        return None
    total, *others = [draft.renamed.get(var, var) for var in (*terms, *rest)]
    for var in others:
        total = draft.put(each.op, (total, var), (shape, storage))
    return (total,)


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


def embedded(each: Equation) -> tuple[Family, Places] | None:
    """Return the family and the place of the part that zeros have, if that is what an equation makes."""
    if isinstance(each.op, Embed):
        return part_of(each.op.view, each.op.shape)
    if isinstance(each.op, EmbedItems):
        return part_of(slice_op(each.op.items), each.op.shape)
    return None


def part_of(op: Op, shape: Sequence[int]) -> tuple[Family, Places] | None:
    """Return the family and the place of what a view op shows: a slice, or a window, of some axes."""
    if isinstance(op, Select):
        return ((op.dim, None),), (op.place,)
    items: tuple[Any, ...] = op.items if isinstance(op, Items) else ()
    if isinstance(op, Narrow):
        items = (*[(0, size, 1) for size in shape[: op.dim]], (op.start, op.stop, op.step))
    if None in items:
        return None
    spans = [(n, item if isinstance(item, tuple) else (item, None, 1)) for n, item in enumerate(items)]
    moved = [(n, span) for n, span in spans if span != (0, shape[n], 1)]
    if not moved or any(step != 1 or (stop is not None and stop <= start) for _, (start, stop, step) in moved):
        return None
    axes = tuple([(n, None if stop is None else stop - start) for n, (start, stop, _) in moved])
    return axes, tuple([start for _, (start, _, _) in moved])


def even(parts: dict[int, Var]) -> tuple[list[int], int] | None:
    """Return the places in order, and how far they lie apart; None if that differs, or the parts' shapes do."""
    places = sorted(parts)
    steps = {b - a for a, b in pairwise(places)}
    return (places, steps.pop()) if len(steps) == 1 and len({parts[each].spec for each in places}) == 1 else None


def on_grid(draft: Draft, parts: dict[Places, Var], axes: Family, shape: Shape) -> tuple[Var, ...] | None:
    """Return zeros with all the parts along some axes, along that of the inner loop first; None if they lie apart."""
    outer = slowest(list(parts))
    axis, size = axes[outer]
    rows: dict[int, dict[Places, Var]] = {}
    for place, var in parts.items():
        rows.setdefault(place[outer], {})[(*place[:outer], *place[outer + 1 :])] = var
    if len({tuple(sorted(row)) for row in rows.values()}) > 1:
        return None
    if len(axes) > 1:
        # of a slice, the axes behind it come one before
        rest = tuple([(n - (size is None and n > axis), each) for n, each in (*axes[:outer], *axes[outer + 1 :])])
        made = {place: on_grid(draft, row, rest, part_shape(axis, size, shape)) for place, row in rows.items()}
    else:
        made = {place: (row[()],) for place, row in rows.items()}
    whole = {place: found[0] for place, found in made.items() if found is not None}
    if len(whole) < len(rows):
        return None
    return along(draft, whole, axis, shape) if size is None else overlapping(draft, whole, axis, size, shape)


def slowest(places: Sequence[Places]) -> int:
    """Return along which axis parts, in the order in which they were added, lie elsewhere least often."""
    changes = [sum(a[n] != b[n] for a, b in pairwise(places)) for n in range(len(places[0]))]
    return changes.index(min(changes))


def part_shape(axis: int, size: int | None, shape: Shape) -> Shape:
    """Return the shape of a part along an axis."""
    return (*shape[:axis], *(() if size is None else (size,)), *shape[axis + 1 :])


def along(draft: Draft, parts: dict[int, Var], dim: int, shape: Shape) -> tuple[Var, ...] | None:
    """Return zeros with slices along `dim`, of which there may be one alone; None if they lie apart."""
    if len(parts) > 1:
        return together(draft, parts, dim, shape, None)
    ((place, var),) = parts.items()
    var = draft.renamed.get(var, var)
    return (draft.put(Embed(Select(dim, place), shape), (var,), (shape, var.spec.storage)),)


def together(draft: Draft, parts: dict[int, Var], dim: int, shape: Shape, base: Var | None) -> tuple[Var, ...] | None:
    """Return the array with all the slices along `dim`, in `base` or zeros where some are missing; None if they lie apart."""
    found = even(parts)
    if found is None:
        return None
    places, step = found
    storage, stacked = parts[places[0]].spec.storage, side_by_side(draft, parts, places, dim)
    if len(places) == shape[dim]:
        return (stacked,)
    view = Narrow(dim, places[0], places[-1] + 1, step)
    op, inputs = (Embed(view, shape), (stacked,)) if base is None else (ViewScatter((view,)), (base, stacked))
    return (draft.put(op, inputs, (shape, storage)),)


def overlapping(draft: Draft, parts: dict[int, Var], dim: int, size: int, shape: Shape) -> tuple[Var, ...] | None:
    """Return zeros with all the windows of `size` along `dim`, or the only one, added up; None if they lie apart."""
    if len(parts) == 1:
        ((place, var),) = parts.items()
        var = draft.renamed.get(var, var)
        return (draft.put(Embed(Narrow(dim, place, place + size, 1), shape), (var,), (shape, var.spec.storage)),)
    found = even(parts)
    if found is None:
        return None
    places, step = found
    storage, stacked = parts[places[0]].spec.storage, side_by_side(draft, parts, places, dim)
    before, after, length = shape[:dim], shape[dim + 1 :], places[-1] - places[0] + size
    # who takes windows from an array puts their elements last
    order = (*range(dim + 1), *range(dim + 2, len(shape) + 1), dim + 1)
    turned = draft.put(Permute(order), (stacked,), ((*before, len(places), *after, size), storage))
    part = (*before, length, *after)
    whole = draft.put(Fold(Unfold(dim, size, step), part), (turned,), (part, storage))
    if length == shape[dim]:
        return (whole,)
    return (draft.put(Embed(Narrow(dim, places[0], places[0] + length, 1), shape), (whole,), (shape, storage)),)


def side_by_side(draft: Draft, parts: dict[int, Var], places: Sequence[int], dim: int) -> Var:
    """Return the stack of parts, in the order of their places."""
    xs = [draft.renamed.get(parts[each], parts[each]) for each in places]
    shape = tuple(xs[0].spec.shape)
    return draft.put(Stack(dim), xs, ((*shape[:dim], len(xs), *shape[dim:]), xs[0].spec.storage))
