"""Right factors that are the same in all turns of a loop are brought into the order of tiles once, before the loop.

A product in blocks copies its right factor into panels, columns of a tile side by side (`codegen/contract`). In a recurrent net
the factor is a weight, as large as the other matrices together, and the copy takes up to half as long as the product. A map
makes the panels in front of the loop; the product then reads them where they lie.
"""

from __future__ import annotations

from collections.abc import Iterator

from lineal.codegen.contract.tiles import width
from lineal.codegen.formulas import formula_of
from lineal.codegen.kinds import kind_of
from lineal.codegen.target import host
from lineal.compiler.lowering.rules.elementwise import same
from lineal.compiler.lowering.support import supported
from lineal.compiler.nodes.node import Map, Product, Repeat, Rewind
from lineal.compiler.nodes.windows import Base, Window
from lineal.compiler.scheduling.tiled import in_blocks

__all__ = ["lay_out"]


def lay_out(loop: Repeat, numbers: Iterator[int]) -> list[Map]:
    """Let products in blocks of a loop's body read panels; return what makes these before it, as bases of these numbers."""
    body, known, made = loop.schedule, {}, []
    # what turns hand on, and the rows of a tape, lie behind what is given from outside
    given = loop.places[: loop.same if isinstance(loop, Rewind) else len(loop.args)]
    still = {base: place[:2] for base, place in zip(body.outside(), given) if not place[2]}
    for node in (group.nodes[0] for group in body.groups):
        if not (isinstance(node, Product) and len(node.b.shape) == 2 and node.b.base in still and in_blocks(node)):
            continue
        root, start = still[node.b.base]
        panels = in_panels(Window(root, node.b.shape, node.b.strides, start + node.b.offset))
        if panels is None or not supported(root.dtype):
            continue
        if panels not in known:
            made.append(copy(panels, next(numbers)))
            known[panels] = entered(loop, made[-1].out)
        node.b, node.laid = known[panels], True
    return made


def in_panels(b: Window) -> Window | None:
    """Return what shows a matrix panel by panel, each row by row; None if there are columns that fill no panel."""
    (k, n), (rows, columns) = b.shape, b.strides
    wide = width(kind_of(b.base.dtype), host())
    return Window(b.base, (n // wide, k, wide), (wide * columns, rows, columns), b.offset) if not n % wide else None


def copy(window: Window, number: int) -> Map:
    """Return the node that makes what a window shows as base `number`."""
    out = Base(number, window.shape, window.base.dtype, "made")
    return Map(out, formula_of(same, [kind_of(out.dtype)]), (window,), "copy")


def entered(loop: Repeat, made: Base) -> Window:
    """Give a base to the body of a loop; return the window on it there."""
    loop.args, loop.places = [*loop.args, Window(made, made.shape, made.strides)], [*loop.places, (made, 0, 0)]
    inside = Base(next(loop.schedule.numbers), made.shape, made.dtype, "input")
    loop.schedule.laid.append(inside)
    return Window(inside, inside.shape, inside.strides)
