"""Right factors that are the same in all turns of a loop are brought into the order of tiles once, before the loop.

A product in blocks copies its right factor into panels, columns of a tile side by side (`codegen/contract`). In a recurrent net
the factor is a weight, as large as the other matrices together, and the copy takes up to half as long as the product. Maps make
the panels in front of the loop, and products read them where they lie. Then small products, and those of a few rows, are worth
blocks too: two of h (m, k) by (k, 4 k) take 0.3 to 0.9 of the time for m = 1 to 16 and k = 64 to 256 (Zen 4, 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Iterator

from lineal.codegen import choice
from lineal.codegen.contract.tiles import width
from lineal.codegen.kinds import kind_of
from lineal.codegen.target import host
from lineal.compiler.lowering.lowered import Lowered
from lineal.compiler.lowering.support import supported
from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.nodes.node import Join, Node, Product, Repeat, Rewind
from lineal.compiler.scheduling.copies import copied, whole
from lineal.compiler.scheduling.tiled import work

__all__ = ["laid_out", "lay_out"]

LEAST = 1 << 12
"""From how many multiplications on a product is done in blocks whose right factor is laid out for it."""


def laid_out(body: Lowered, loop: Repeat, numbers: Iterator[int]) -> dict[BufferView, Buffer]:
    """Let products of a loop's body read panels; return of which matrices, and what stands for them, of these numbers."""
    # what turns hand on, and the rows of a tape, lie behind what is given from outside
    places = loop.places[: loop.same if isinstance(loop, Rewind) else len(loop.args)]
    given = [body.views[var].buffer for var in body.trace.inputs]
    still = {buffer: place[:2] for buffer, place in zip(given, places) if not place[2]}
    found: dict[BufferView, Buffer] = {}
    for node in body.nodes:
        if isinstance(node, Product) and node.b.buffer in still and is_worthwhile(node):
            root, start = still[node.b.buffer]
            matrix = BufferView(root, node.b.shape, node.b.strides, start + node.b.offset)
            if matrix not in found:
                found[matrix] = Buffer(next(numbers), shape_of(matrix), root.dtype, "input")
            node.b, node.laid = whole(found[matrix]), True
    return found


def is_worthwhile(node: Product) -> bool:
    """Return whether a product is done in blocks if its right factor is laid out; it may have as few rows as it likes."""
    shortest = min(node.out.shape[-1], node.a.shape[-1])
    least = min(LEAST, choice.MOST_WRITTEN)
    narrow = kind_of(node.b.buffer.dtype).is_narrow
    return (
        not narrow
        and len(node.out.shape) == 2
        and shortest >= choice.SHORTEST
        and work(node) >= least
        and supported(node.out.dtype)
    )


def shape_of(matrix: BufferView) -> tuple[int, int, int]:
    """Return the shape of a matrix in panels: how many there are, and of each the rows and the columns."""
    (k, n), wide = matrix.shape, width(kind_of(matrix.buffer.dtype), host())
    return -(-n // wide), k, wide


def lay_out(loop: Repeat, numbers: Iterator[int]) -> list[Node]:
    """Return what makes the panels that a loop's body reads, before the loop, as buffers of these numbers."""
    nodes: list[Node] = []
    for matrix in loop.schedule.laid:
        nodes += in_panels(matrix, numbers)
        (made,) = nodes[-1].writes
        loop.args, loop.places = [*loop.args, whole(made)], [*loop.places, (made, 0, 0)]
    return nodes


def in_panels(matrix: BufferView, numbers: Iterator[int]) -> list[Node]:
    """Return the nodes that put a matrix into panels, the last of which is filled up with zeros; the last node makes them."""
    (_, n), (rows, columns), dtype = matrix.shape, matrix.strides, matrix.buffer.dtype
    count, k, wide = shape_of(matrix)
    full, rest = divmod(n, wide)
    panels = lambda many: BufferView(matrix.buffer, (many, k, wide), (wide * columns, rows, columns), matrix.offset)
    if not rest:
        return [copied(panels(count), next(numbers))]
    block, last = Buffer(next(numbers), (count, k, wide), dtype, "made"), full * k * wide
    zero = Buffer(next(numbers), (), dtype, "literal", value=0.0)
    parts = [
        (BufferView(matrix.buffer, (k, rest), (rows, columns), matrix.offset + full * wide * columns), (wide, 1), last),
        (BufferView(zero, (k, wide - rest), (0, 0)), (wide, 1), last + rest),
        *([(panels(full), block.strides, 0)] if full else []),
    ]
    made = [copied(each, next(numbers), BufferView(block, each.shape, steps, place)) for each, steps, place in parts]
    return [*made, Join(block, [each.out for each in made])]
