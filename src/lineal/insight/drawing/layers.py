"""Where the boxes of a diagram lie: in layers from top to bottom, so that arrows lead down and cross seldom.

Layers by the longest way to a box; order in each by the mean of the neighbours' places, down and up in turn; then places
across, as near to the neighbours' as the boxes' widths allow (Sugiyama, Tagawa, Toda 1981; the last step by isotonic
regression).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lineal.insight.drawing.diagram import Diagram

__all__ = ["Placement", "placed"]

SWEEPS = 12
"""How often the order, and then the places, are made better, down and up."""
BESIDE = 24.0
"""How much room is between boxes of one layer."""
BEND = 12.0
"""How wide the place is in which an arrow passes a layer."""


class Placement:
    """For each box its layer and the middle of its place across; for each long arrow where it passes the layers between."""

    def __init__(self, diagram: Diagram, widths: Sequence[float]):
        self.count = len(diagram.boxes)
        self.widths = list(widths)
        self.layer = ranks(diagram)
        self.bends: dict[tuple[int, int], list[int]] = {}
        """The places, numbered after the boxes, in which an arrow passes the layers between its ends."""
        self.pairs: list[tuple[int, int]] = []
        for source, target in diagram.arrows:
            self.pass_through(source, target)
        self.up: list[list[int]] = [[] for _ in self.layer]
        self.down: list[list[int]] = [[] for _ in self.layer]
        for source, target in self.pairs:
            self.down[source].append(target)
            self.up[target].append(source)
        self.rows: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for number, row in enumerate(self.layer):
            self.rows[row].append(number)

    def pass_through(self, source: int, target: int) -> None:
        """Enter an arrow as short ones from layer to layer."""
        way = [source]
        for row in range(self.layer[source] + 1, self.layer[target]):
            way.append(len(self.layer))
            self.layer.append(row)
            self.widths.append(BEND)
        self.bends[source, target] = way[1:]
        self.pairs.extend(zip(way, [*way[1:], target]))

    def ordered(self) -> None:
        """Order each layer so that arrows cross seldom."""
        place = [float(n) for n in range(len(self.layer))]
        for sweep in range(SWEEPS):
            near, rows = (self.up, self.rows) if sweep % 2 == 0 else (self.down, self.rows[::-1])
            for row in rows:
                wanted = {n: sum(place[m] for m in near[n]) / len(near[n]) if near[n] else place[n] for n in row}
                row.sort(key=wanted.__getitem__)
                for position, n in enumerate(row):
                    place[n] = position

    def across(self) -> list[float]:
        """Return the middles of the places across, as near to the neighbours' as widths allow."""
        x = [0.0] * len(self.layer)
        for row in self.rows:
            for position, n in enumerate(self.settled(row, [0.0] * len(row))):
                x[row[position]] = n
        for sweep in range(SWEEPS):
            near, rows = (self.up, self.rows) if sweep % 2 == 0 else (self.down, self.rows[::-1])
            for row in rows:
                wanted = [sum(x[m] for m in near[n]) / len(near[n]) if near[n] else x[n] for n in row]
                for n, found in zip(row, self.settled(row, wanted)):
                    x[n] = found
        return x

    def settled(self, row: list[int], wanted: list[float]) -> list[float]:
        """Return the places nearest to the wanted ones, in least squares, that leave each its room."""
        offsets = [0.0]
        for left, right in pairwise(row):
            offsets.append(offsets[-1] + (self.widths[left] + self.widths[right]) / 2 + BESIDE)
        blocks: list[tuple[float, int]] = []
        for each, offset in zip(wanted, offsets):
            total, count = each - offset, 1
            while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
                before = blocks.pop()
                total, count = total + before[0], count + before[1]
            blocks.append((total, count))
        free = [total / count for total, count in blocks for _ in range(count)]
        return [each + offset for each, offset in zip(free, offsets)]


def ranks(diagram: Diagram) -> list[int]:
    """Return the layer of each box: one below the lowest that leads to it; what nothing leads to is right above its first."""
    count = len(diagram.boxes)
    down: list[list[int]] = [[] for _ in range(count)]
    open_ways = [0] * count
    for source, target in diagram.arrows:
        down[source].append(target)
        open_ways[target] += 1
    sources = [n for n in range(count) if not open_ways[n]]
    layer, ready = [0] * count, list(sources)
    while ready:
        number = ready.pop()
        for target in down[number]:
            layer[target] = max(layer[target], layer[number] + 1)
            open_ways[target] -= 1
            if not open_ways[target]:
                ready.append(target)
    for number in sources:
        if down[number]:
            layer[number] = min(layer[target] for target in down[number]) - 1
    return layer


def placed(diagram: Diagram, widths: Sequence[float]) -> tuple[Placement, list[float]]:
    """Return the placement of a diagram, and where boxes and bends lie across."""
    placement = Placement(diagram, widths)
    placement.ordered()
    return placement, placement.across()
