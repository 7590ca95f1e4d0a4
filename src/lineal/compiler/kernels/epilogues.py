"""Epilogues: what the maps of a tiled group make of sums, as data for the routine that sums up."""

from __future__ import annotations

from typing import Any, NamedTuple

from lineal.codegen.contract.problem import Epilogue, Made
from lineal.codegen.formulas import Number
from lineal.codegen.kinds import kind_of
from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.tiled import Tiled, along

__all__ = ["Sheet", "epilogue_of", "sheets_of"]


class Sheet(NamedTuple):
    """What lies along sums: a buffer, how many elements on, and how far neighbours are apart along all axes but the last."""

    buffer: Buffer
    offset: int
    steps: tuple[int, ...]


def epilogue_of(group: Tiled) -> Epilogue:
    """Return what is made of the sums of a group."""
    args = arguments(group)
    values, known = {group.sums.out: 0}, {view: 1 + n for n, view in enumerate(args)}

    def operand(arg: Any) -> int | Number:
        if arg.buffer.source == "literal":
            return Number(arg.number)
        return values[arg.buffer] if arg.buffer in values else known[arg]

    steps = []
    for node in group.maps:
        stored = node.out in group.stored
        steps.append(Made(node.formula, tuple(map(operand, node.args)), kind_of(node.out.dtype).name, stored))
        values[node.out] = len(args) + len(steps)
    moves = tuple((kind_of(each.buffer.dtype).name, along(each, group.sizes)[1]) for each in args)  # type: ignore[index]
    return Epilogue(tuple(steps), moves, group.kept)


def arguments(group: Tiled) -> list[BufferView]:
    """Return the views that the maps read beside the sums."""
    own = set(map(id, group.factors))
    return list(dict.fromkeys(each for each in group.reads() if id(each) not in own))


def sheets_of(group: Group, out: Buffer, sizes: tuple[int, ...]) -> list[Sheet]:
    """Return what a routine is given of sums (or parts of them), results and arguments."""
    if not isinstance(group, Tiled):
        return [Sheet(out, 0, along(whole(out), sizes)[0])]  # type: ignore[index]
    stored = [node.out for node in group.maps if node.out in group.stored]
    views = [*map(whole, (group.parts, *stored)), *arguments(group)]
    return [Sheet(each.buffer, each.offset, along(each, sizes)[0]) for each in views]  # type: ignore[index]


def whole(buffer: Buffer) -> BufferView:
    """Return the view on a buffer as it lies."""
    return BufferView(buffer, buffer.shape, buffer.strides)
