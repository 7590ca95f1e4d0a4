"""Donation: a block that begins as a copy of another one, which nobody reads any more, takes over its memory; the copy goes.

So a write into a part of an array touches that part only. What is donated is a block made in the program, or a captured tensor
that is to take the block's value in the end. All reads of the old value must come before the first write into a part, or read,
in the very loop that writes, the element that is written.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, RunSum, dense
from lineal.compiler.nodes.node import Join, Map, Node, Scatter
from lineal.compiler.scheduling.grouping import views
from lineal.compiler.scheduling.rows import Rows

__all__ = ["donate"]


class Order:
    """Who makes and who reads what, and when."""

    def __init__(self, rows: Iterable[Rows]):
        self.makers: dict[Buffer, Map | Node] = {}
        self.rows: dict[int, Rows] = {}
        self.readers: dict[Buffer, list[tuple[Node, BufferView]]] = {}
        for each in rows:
            for node in each.nodes:
                self.rows[id(node)] = each
                for buffer in node.writes:
                    self.makers[buffer] = node
                for view in views(node):
                    self.readers.setdefault(view.buffer, []).append((node, view))

    def settled(self, node: Node, last: int) -> bool:
        """Return whether what `node` writes is written after the last rows that may give the call back.

        A scatter looks at its indices before it writes.
        """
        number = self.rows[id(node)].number
        return number > last or (number == last and isinstance(node, Scatter))

    def late(self, old: Buffer, copy: Node, rest: list[Node]) -> bool:
        """Return whether somebody but `copy` reads `old` when a part of it may have been written."""
        first = min(self.rows[id(node)].number for node in rest)
        for node, view in self.readers.get(old, ()):
            rows = self.rows[id(node)]
            if node is not copy and rows.number >= first and not self.together(node, view, rest):
                return True
        return False

    def together(self, node: Node, view: BufferView, rest: list[Node]) -> bool:
        """Return whether a node reads only the element that the one write, later in the same loop, replaces."""
        rows = self.rows[id(node)]
        if len(rest) != 1 or len(rows.groups) != 1 or not isinstance(node, Map) or not isinstance(rest[0], Map):
            return False
        nodes, write = rows.nodes, rest[0]
        if (
            not any(each is write for each in nodes)
            or view not in node.args
            or any(isinstance(each, (Chosen, RunSum)) for each in node.args)
        ):
            return False
        place = write.out.inside
        assert place is not None
        alike = (view.offset, view.shape, view.strides) == (place.offset, place.shape, place.strides)
        order = {id(each): n for n, each in enumerate(nodes)}
        return alike and order[id(node)] <= order[id(write)]


def donate(rows: list[Rows], kept: set[Buffer], written: dict[Buffer, Buffer], settled: int) -> tuple[list[Rows], set[Buffer]]:
    """Let blocks take over memory; return the rows that are left, and the blocks that lie in the tensors they are written to.

    `kept` are buffers whose own memory is needed, `written` tells for a buffer the one from outside that takes its value. Rows
    up to number `settled` may end in giving the call back, so none of them writes to memory from outside.
    """
    order, moved = Order(rows), set()
    joins = [node for each in rows for node in each.nodes if isinstance(node, Join)]
    # from the last on, since what takes over a block may live in memory from outside
    for node in reversed(joins):
        block, (first, *others) = node.out, node.parts
        copy = order.makers.get(first)
        rest = [order.makers[part] for part in others]
        if not rest or not isinstance(copy, Map) or not copy.formula.is_copy or not whole_copy(copy, block):
            continue
        old = copy.args[0].buffer  # type: ignore[union-attr]
        if order.late(old, copy, rest):
            continue
        if old is written.get(block.root):
            if not all(order.settled(each, settled) for each in rest):
                continue
            node.parts = others
            moved.add(block.root)
        elif old.source == "made" and old.inside is None and old not in kept:
            node.parts = [old, *others]
            old.inside = BufferView(block, block.shape, block.strides)
        else:
            continue
        for each in rest:
            # the writes that came after the copy come after what it copied
            each.after = tuple(old if buffer is first else buffer for buffer in each.after)  # type: ignore[attr-defined]
        remove(order.rows[id(copy)], copy)
    left = [each for each in rows if each.groups]
    for number, each in enumerate(left):
        each.number = number
    return left, moved


def whole_copy(copy: Map, block: Buffer) -> bool:
    """Return whether a copy fills a block with another dense one of its kind, element for element."""
    (view,) = copy.args
    if not isinstance(view, BufferView) or view.buffer.source in ("literal", "live") or not view.whole:
        return False
    buffer = view.buffer
    return (
        buffer.dtype == block.dtype and buffer.shape == block.shape and buffer.strides == dense(buffer.shape) == block.strides
    )


def remove(rows: Rows, node: Node) -> None:
    """Take a node out of its loop."""
    for group in rows.groups:
        group.nodes = [each for each in group.nodes if each is not node]
    rows.groups = [group for group in rows.groups if group.nodes]
