"""Signatures: what the code of a group depends on, as a value; groups of one signature share their code.

A group is data: its nodes, their formulas and views. Buffers are numbered in the order in which they are met, so that the same
work on other memory has the same signature, and the layers of a deep net are written once.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

from lineal.codegen.formulas import Number
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, Pick, Place, RunSum
from lineal.compiler.nodes.node import Call, Node
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.rows import Rows

__all__ = ["signature"]

NOT_CODE = frozenset(("label", "after", "work", "symbols", "natives"))
"""What of a node says nothing about its code."""


def signature(group: Group | Rows) -> Any:
    """Return what the code of a group depends on."""
    numbered = Numbered()
    words = [numbered.of_group(each) for each in (group.groups if isinstance(group, Rows) else [group])]
    rows = (group.outer, tuple(sorted(map(numbered.buffer, group.local)))) if isinstance(group, Rows) else None
    return tuple(words), rows, tuple(numbered.records)


class Numbered:
    """Buffers by number, with a record of each: all that code knows of it."""

    def __init__(self) -> None:
        self.numbers: dict[Buffer, int] = {}
        self.records: list[tuple] = []

    def buffer(self, buffer: Buffer) -> int:
        """Return the number of a buffer."""
        if buffer not in self.numbers:
            self.numbers[buffer] = len(self.numbers)
            number = Number(buffer.value) if buffer.source == "literal" else None
            self.records.append((buffer.shape, buffer.strides, buffer.dtype, number))
        return self.numbers[buffer]

    def of_group(self, group: Group) -> tuple:
        """Return what the code of a group depends on, but for its buffers."""
        nodes = tuple([self.of_node(node) for node in group.nodes])
        return group.space, group.axes, group.form, nodes, tuple([self.buffer(each) for each in group.stored])

    def of_node(self, node: Node) -> tuple:
        """Return what the code of a node depends on."""
        kind = type(node)
        return kind, *[self.of(getattr(node, name)) for name in names(kind)]

    def of(self, what: Any) -> Any:
        """Return something as a value."""
        if isinstance(what, Buffer):
            return self.buffer(what)
        if isinstance(what, BufferView):
            return self.buffer(what.buffer), what.shape, what.strides, what.offset
        if isinstance(what, Call):
            return what
        if isinstance(what, (tuple, list)):
            return tuple([self.of(each) for each in what])
        if isinstance(what, (Place, Chosen, Pick, RunSum)):
            return type(what), *[self.of(getattr(what, name)) for name in names(type(what))]
        return Number(what) if isinstance(what, float) else what


@cache
def names(kind: type) -> tuple[str, ...]:
    """Return the names of what code depends on."""
    return tuple([each.name for each in fields(kind) if each.name not in NOT_CODE])
