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
from lineal.compiler.nodes.buffers import Buffer, BufferView, dense
from lineal.compiler.nodes.node import Convolve, Map, Node, Product
from lineal.compiler.scheduling.grouping import Group, views
from lineal.compiler.scheduling.rows import Rows

__all__ = ["Tiled", "along", "in_tiles", "problem", "sizes_of", "work"]

MOST_ARRAYS = 2
"""How many arrays of as many numbers as there are sums are read and written beside these."""

Along = tuple[tuple[int, ...], bool]
Memory = Callable[[Buffer], Buffer]
Summing = Product | Convolve


class Tiled(Group):
    """A product or a convolution, and the maps that are made of its sums; `kept`: others read the sums too."""

    def __init__(self, sums: Summing, loop: Group, kept: bool, memory: Memory):
        super().__init__(loop.number, None)
        self.sums, self.kept = sums, kept
        self.sizes, self.factors = sizes_of(sums), [*views(sums)]
        self.maps = [node for node in loop.nodes if isinstance(node, Map)]
        self.nodes = [sums, *self.maps]
        self.elements = {sums.out, *(node.out for node in self.maps)}
        self.parts = self.room(loop.stored, memory)
        """Where parts of sums are kept, if they are made in several."""
        self.stored = [*([sums.out] if self.parts is sums.out else ()), *loop.stored]
        self.form = kept, self.stored.index(self.parts)

    def room(self, stored: Sequence[Buffer], memory: Memory) -> Buffer:
        """Return the sums' own memory if they are kept, else a result's that may hold parts of them, or need not."""
        if self.kept:
            return self.sums.out
        read = {memory(each.buffer) for each in self.reads()}
        fit = (each for each in stored if each.dtype == self.sums.out.dtype and memory(each) not in read)
        return next(fit, self.sums.out) if in_parts(self.sums) else stored[0]

    def external(self) -> list[Buffer]:
        return list(dict.fromkeys(each.buffer for each in self.reads()))

    def reads(self) -> Iterable[BufferView]:
        """Yield the views through which memory is read."""
        for node in self.nodes:
            for view in views(node):
                if view.buffer.source != "literal" and view.buffer not in self.elements:
                    yield view


def sizes_of(node: Summing) -> tuple[int, ...]:
    """Return the sizes of sums: rows and columns, of a convolution images, channels and places."""
    if isinstance(node, Product):
        return node.out.shape[-2:]
    return (*node.out.shape[:2], math.prod(node.out.shape[2:]))


def in_parts(node: Summing) -> bool:
    """Return whether sums may be made in several parts, which need memory."""
    depth = node.a.shape[-1] if isinstance(node, Product) else math.prod(node.w.shape[1:])
    return depth > Tiles.depth


def work(node: Product) -> int:
    """Return how many multiplications each product of a node takes."""
    return math.prod(node.out.shape[-2:]) * node.a.shape[-1]


def problem(node: Product, general: bool = False, spread: bool = False) -> choice.Product:
    """Return which products a node takes."""
    m, n = node.out.shape[-2:]
    kind = kind_of(node.a.buffer.dtype)
    return choice.Product(m, n, node.a.shape[-1], kind, True, node.b.strides[-1] == 1, general, spread, node.laid)


def along(view: BufferView, sizes: Sequence[int]) -> Along | None:
    """Return how a view lies along sums of such sizes; None if it has not one stride for each of them.

    That is how far neighbours are apart along all axes but the last, and whether it has a number for each of the last.
    """
    dims: list[tuple[int, int]] = []
    for size, step in zip(view.shape, view.strides):
        if size == 1:
            continue
        if dims and dims[-1][1] == step * size:
            size *= dims.pop()[0]
        dims.append((size, step))
    found = [taken(dims, size) for size in reversed(sizes)]
    if None in found or found[0] not in (0, 1):
        return None
    return tuple(found[:0:-1]), found[0] == 1 or sizes[-1] == 1  # type: ignore[arg-type]


def taken(dims: list[tuple[int, int]], count: int) -> int | None:
    """Take an axis of so many elements off the last of merged dimensions; return its stride, None if it has not one."""
    if count == 1:
        return 0
    if not dims or dims[-1][0] % count:
        return None
    size, step = dims.pop()
    if size > count:
        dims.append((size // count, step * count))
    return step


def in_tiles(
    groups: Sequence[Group | Rows], wanted: Iterable[Buffer], written: Sequence[tuple[Buffer, Buffer]], general: bool = False
) -> list[Group | Rows]:
    """Return the groups, products and loops over their sums as one; `wanted` is read afterwards, `written` lies elsewhere.

    In a `general` program that is done for convolutions alone.
    """
    targets = dict(written)
    memory: Memory = lambda buffer: targets.get(buffer, buffer).root
    found = list(groups)
    for group in groups:
        node = group.nodes[0]
        if not (isinstance(node, Convolve) or (isinstance(node, Product) and not general and in_blocks(node))):
            continue
        place = found.index(group)
        after = next((n for n in range(place + 1, len(found)) if reads(found[n], node.out)), None)
        if after is None or not takes(found[after], node, memory) or not free(found[place + 1 : after], node, memory):
            continue
        others = any(reads(each, node.out) for each in found[after + 1 :])
        found[after] = Tiled(node, found[after], others or node.out in set(wanted), memory)  # type: ignore[arg-type]
        del found[place]
    for number, each in enumerate(found):
        each.number = number
    return found


def in_blocks(node: Product) -> bool:
    """Return whether a product of two matrices is done in blocks."""
    if len(node.out.shape) != 2:
        return False
    # what is too small for blocks but has to be copied is left to its own routine
    narrow = kind_of(node.a.buffer.dtype).is_narrow
    worth = work(node) > choice.MOST_WRITTEN and choice.multiplied_by(problem(node)) == BLOCKS and node.out.dtype.kind == "f"
    return node.laid or narrow or worth


def reads(group: Group | Rows, buffer: Buffer) -> bool:
    """Return whether a group reads a buffer."""
    return any(buffer in node.reads for node in group.nodes)


def takes(group: Group | Rows, sums: Summing, memory: Memory) -> bool:
    """Return whether a group is a loop of maps over some sums, which writes to no memory of theirs or of their factors."""
    if type(group) is not Group:
        return False
    own = owned(sums, memory)
    if len(group.stored) + len(matrices(group, sums.out)) > MOST_ARRAYS:
        return False
    return all(isinstance(node, Map) and runs_along(node, sums, group, own, memory) for node in group.nodes)


def owned(sums: Summing, memory: Memory) -> set[Buffer]:
    """Return the memory of sums and of their factors."""
    return {memory(each) for each in (*sums.reads, *sums.writes)}


def matrices(group: Group, sums: Buffer) -> set[BufferView]:
    """Return the views of a group, but those on the sums, that show as many numbers as there are sums."""
    found = (view for node in group.nodes for view in views(node) if view.buffer not in {sums, *group.elements})
    return {each for each in found if all(step or size == 1 for size, step in zip(each.shape, each.strides))}


def runs_along(node: Map, sums: Summing, group: Group, own: set[Buffer], memory: Memory) -> bool:
    """Return whether a map of a group is made sum by sum, of what lies along the sums, and in none of `own` memory."""
    sizes, out = sizes_of(sums), node.out
    if math.prod(node.space) != math.prod(sizes) or node.after:
        return False
    if out in group.stored and (memory(out) in own or not is_made(out, sizes)):
        return False
    return all(isinstance(arg, BufferView) and fits(arg, sums.out, sizes, group) for arg in node.args)


def is_made(buffer: Buffer, sizes: Sequence[int]) -> bool:
    """Return whether a buffer lies along the sums."""
    found = along(BufferView(buffer, buffer.shape, buffer.strides), sizes)
    return found is not None and found[1]


def fits(view: BufferView, sums: Buffer, sizes: Sequence[int], group: Group) -> bool:
    """Return whether an argument of a map is the sum, made in the loop itself, or lies along the sums."""
    if view.buffer.source == "literal":
        return True
    if view.buffer is sums:
        return view.offset == 0 and all(n == 1 or a == b for n, a, b in zip(view.shape, view.strides, dense(view.shape)))
    if view.buffer in group.elements:
        return view.whole
    return along(view, sizes) is not None


def free(between: Sequence[Group | Rows], sums: Summing, memory: Memory) -> bool:
    """Return whether sums may be made after some groups instead of before them."""
    own = owned(sums, memory)
    for group in between:
        nodes: list[Node] = list(group.nodes)
        if any(node.stops for node in nodes) or any(memory(buffer) in own for node in nodes for buffer in node.writes):
            return False
        if any(memory(buffer) is memory(sums.out) for node in nodes for buffer in node.reads):
            return False
    return True
