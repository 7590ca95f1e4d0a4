"""Large products and what follows them: a loop over their sums is done tile by tile, while the sums are at hand.

A bias, an activation, a residual, a scale, a conversion, an optimizer's update of a gradient: whatever is computed element by
element from the sums, and from arrays that lie along them by rows. The sums themselves need memory only if others read them,
or if they are made in several parts.

Tiles read and write short stretches of many rows, which is worse for the processor's prefetching than one long pass. So a loop
over many arrays, such as an optimizer's update, stays one: with six arrays beside the sums, tiles took 5 % longer, with one or
two up to 20 % less, the more the shorter the sums (k = 64 to 1024, two processors with AVX-512, 2026-11-30).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from lineal.codegen import choice
from lineal.codegen.choice import BLOCKS
from lineal.codegen.contract.tiles import Tiles
from lineal.codegen.kinds import kind_of
from lineal.compiler.nodes.node import Map, Node, Product
from lineal.compiler.nodes.windows import Base, Window, dense
from lineal.compiler.scheduling.grouping import Group, windows
from lineal.compiler.scheduling.rows import Rows

__all__ = ["Tiled", "along", "in_tiles", "problem", "work"]

MOST_ARRAYS = 2
"""How many arrays of as many numbers as there are sums are read and written beside these."""

Along = tuple[int, bool]
Memory = Callable[[Base], Base]


class Tiled(Group):
    """A product, and the maps that are made of its sums; `kept`: others read the sums too."""

    def __init__(self, product: Product, loop: Group, kept: bool):
        super().__init__(loop.number, None)
        self.product = product
        self.kept = kept
        self.maps = [node for node in loop.nodes if isinstance(node, Map)]
        self.nodes = [product, *self.maps]
        self.elements = {product.out, *(node.out for node in self.maps)}
        self.in_parts = product.a.shape[-1] > Tiles.depth
        """Whether sums are made in several parts, which need memory."""
        self.stored = [*([product.out] if kept or self.in_parts else ()), *loop.stored]

    def external(self) -> list[Base]:
        return list(dict.fromkeys(each.base for each in self.reads()))

    def reads(self) -> Iterable[Window]:
        """Yield the windows through which memory is read."""
        for node in self.nodes:
            for window in windows(node):
                if window.base.source != "literal" and window.base not in self.elements:
                    yield window


def work(node: Product) -> int:
    """Return how many multiplications each product of a node takes."""
    return math.prod(node.out.shape[-2:]) * node.a.shape[-1]


def problem(node: Product, general: bool = False, spread: bool = False) -> choice.Product:
    """Return which products a node takes."""
    m, n = node.out.shape[-2:]
    kind = kind_of(node.out.dtype)
    return choice.Product(m, n, node.a.shape[-1], kind, True, node.b.strides[-1] == 1, general, spread, node.laid)


def along(window: Window, width: int) -> Along | None:
    """Return how far the rows of a window are apart, and whether it has a number for each column; None if it is not so."""
    *lead, (size, last) = [*zip(window.shape, window.strides)] or [(1, 0)]
    if size != width or last not in (0, 1):
        return None
    step, count = 0, 1
    for n, each in reversed(lead):
        if n > 1 and count > 1 and each != step * count:
            return None
        step, count = (each, n) if count == 1 else (step, count * n)
    return step, last == 1


def in_tiles(
    groups: Sequence[Group | Rows], wanted: Iterable[Base], written: Sequence[tuple[Base, Base]]
) -> list[Group | Rows]:
    """Return the groups, products and loops over their sums as one; `wanted` is read afterwards, `written` lies elsewhere."""
    targets = dict(written)
    memory: Memory = lambda base: targets.get(base, base).root
    found = list(groups)
    for group in groups:
        node = group.nodes[0]
        if not (isinstance(node, Product) and len(node.out.shape) == 2 and in_blocks(node)):
            continue
        place = found.index(group)
        after = next((n for n in range(place + 1, len(found)) if reads(found[n], node.out)), None)
        if after is None or not takes(found[after], node, memory) or not free(found[place + 1 : after], node, memory):
            continue
        others = any(reads(each, node.out) for each in found[after + 1 :])
        found[after] = Tiled(node, found[after], others or node.out in set(wanted))  # type: ignore[arg-type]
        del found[place]
    for number, each in enumerate(found):
        each.number = number
    return found


def in_blocks(node: Product) -> bool:
    """Return whether a product is done in blocks."""
    # what is too small for blocks but has to be copied is left to its own routine
    worth = work(node) > choice.MOST_WRITTEN and choice.multiplied_by(problem(node)) == BLOCKS and node.out.dtype.kind == "f"
    return node.laid or worth


def reads(group: Group | Rows, base: Base) -> bool:
    """Return whether a group reads a base."""
    return any(base in node.reads for node in group.nodes)


def takes(group: Group | Rows, product: Product, memory: Memory) -> bool:
    """Return whether a group is a loop of maps over the sums of a product, which writes to no memory of the product's."""
    if type(group) is not Group:
        return False
    own = {memory(each) for each in (product.a.base, product.b.base, product.out)}
    if len(group.stored) + len(matrices(group, product.out)) > MOST_ARRAYS:
        return False
    return all(isinstance(node, Map) and runs_along(node, product.out, group, own, memory) for node in group.nodes)


def matrices(group: Group, sums: Base) -> set[Window]:
    """Return the windows of a group, but those on the sums, that show as many numbers as there are sums."""
    found = (window for node in group.nodes for window in windows(node) if window.base not in {sums, *group.elements})
    return {each for each in found if all(step or size == 1 for size, step in zip(each.shape, each.strides))}


def runs_along(node: Map, sums: Base, group: Group, own: set[Base], memory: Memory) -> bool:
    """Return whether a map of a group is made sum by sum, of what lies along the sums, and in none of `own` memory."""
    width, out = sums.shape[-1], node.out
    if math.prod(node.space) != math.prod(sums.shape) or node.after:
        return False
    if out in group.stored and (memory(out) in own or not is_made(out, width)):
        return False
    return all(isinstance(arg, Window) and fits(arg, sums, width, group) for arg in node.args)


def is_made(base: Base, width: int) -> bool:
    """Return whether a base lies along the sums."""
    found = along(Window(base, base.shape, base.strides), width)
    return found is not None and found[1]


def fits(window: Window, sums: Base, width: int, group: Group) -> bool:
    """Return whether an argument of a map is the sum, made in the loop itself, or lies along the sums."""
    if window.base.source == "literal":
        return True
    if window.base is sums:
        return window.offset == 0 and all(
            n == 1 or a == b for n, a, b in zip(window.shape, window.strides, dense(window.shape))
        )
    if window.base in group.elements:
        return window.whole
    return along(window, width) is not None


def free(between: Sequence[Group | Rows], product: Product, memory: Memory) -> bool:
    """Return whether a product may be done after some groups instead of before them."""
    own = {memory(each) for each in (product.a.base, product.b.base, product.out)}
    for group in between:
        nodes: list[Node] = list(group.nodes)
        if any(node.stops for node in nodes) or any(memory(base) in own for node in nodes for base in node.writes):
            return False
        if any(memory(base) is memory(product.out) for node in nodes for base in node.reads):
            return False
    return True
