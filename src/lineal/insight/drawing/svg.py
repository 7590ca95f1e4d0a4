"""A diagram as a picture in SVG, which browsers and notebooks show."""

from __future__ import annotations

from html import escape

from lineal.insight.drawing.diagram import Box, Diagram
from lineal.insight.drawing.layers import placed

__all__ = ["COLOURS", "svg"]

COLOURS = {
    "input": "#dbeafe",
    "output": "#dbeafe",
    "module": "#dcfce7",
    "op": "#f3f4f6",
    "parameter": "#fef3c7",
    "leaf": "#fef3c7",
    "node": "#f3f4f6",
}
"""What boxes are filled with, by their kinds."""
LETTER, LINE = 7.0, 15.0
"""How wide a letter, and how high a line is, in the font below."""
INSIDE, BETWEEN, MARGIN, AROUND = 10.0, 46.0, 30.0, 7.0
"""The room around a box's text, between layers, around the picture, and around what lies in a cluster."""
STYLE = (
    ".drawing text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#111827}"
    ".drawing .label{font-size:10px;fill:#6b7280}.drawing rect{stroke:#9ca3af}"
    ".drawing .cluster{fill:#00000008;stroke:#d1d5db}.drawing path{fill:none;stroke:#9ca3af}"
)
"""The rules hold within the picture alone, since others may stand beside it on a page."""
HEAD = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0L8 4L0 8z" style="fill:#9ca3af;stroke:none"/></marker>'
)


class Rectangle:
    """A place in the picture, by its edges."""

    def __init__(self, left: float, top: float, right: float, bottom: float):
        self.left, self.top, self.right, self.bottom = left, top, right, bottom

    def grown(self, by: float) -> Rectangle:
        """Return it with room around it."""
        return Rectangle(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def meets(self, other: Rectangle) -> bool:
        """Return whether two overlap."""
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom

    def tag(self, look: str) -> str:
        """Return it as an element."""
        size = f'width="{self.right - self.left:.1f}" height="{self.bottom - self.top:.1f}" rx="4"'
        return f'<rect x="{self.left:.1f}" y="{self.top:.1f}" {size} {look}/>'


def svg(diagram: Diagram) -> str:
    """Return the picture as text."""
    widths = [max(map(len, box.lines)) * LETTER + 2 * INSIDE for box in diagram.boxes]
    placement, x = placed(diagram, widths)
    lines = [[len(diagram.boxes[n].lines) for n in row if n < len(widths)] for row in placement.rows]
    heights = [max(counts, default=1) * LINE + INSIDE for counts in lines]
    tops = [0.0]
    for height in heights:
        tops.append(tops[-1] + height + BETWEEN)
    boxes = []
    for number, box in enumerate(diagram.boxes):
        row = placement.layer[number]
        top = tops[row] + (heights[row] - len(box.lines) * LINE - INSIDE) / 2
        left = x[number] - widths[number] / 2
        boxes.append(Rectangle(left, top, left + widths[number], top + len(box.lines) * LINE + INSIDE))
    middles = [(tops[row] + heights[row] / 2) for row in placement.layer]
    ways = []
    for (source, target), bends in placement.bends.items():
        points = [(x[source], boxes[source].bottom), *((x[n], middles[n]) for n in bends), (x[target], boxes[target].top)]
        ways.append(arrow(points, diagram.arrows[source, target].label))
    drawn = [*clusters(diagram, boxes), *ways, *map(filled, diagram.boxes, boxes)]
    frame = around(boxes).grown(MARGIN)
    view = f"{frame.left:.1f} {frame.top:.1f} {frame.right - frame.left:.1f} {frame.bottom - frame.top:.1f}"
    size = f'width="{frame.right - frame.left:.0f}" height="{frame.bottom - frame.top:.0f}"'
    body = "\n".join([f"<style>{STYLE}</style><defs>{HEAD}</defs>", *drawn])
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" viewBox="{view}" {size}>\n{body}\n</svg>\n'


def around(rectangles: list[Rectangle]) -> Rectangle:
    """Return the smallest rectangle around some."""
    edges = [(each.left, each.top, each.right, each.bottom) for each in rectangles] or [(0.0, 0.0, 0.0, 0.0)]
    left, top, right, bottom = zip(*edges)
    return Rectangle(min(left), min(top), max(right), max(bottom))


def clusters(diagram: Diagram, boxes: list[Rectangle]) -> list[str]:
    """Return the frames around boxes that belong together, the outer ones first; none where another box would lie in it."""
    members: dict[tuple[str, ...], list[int]] = {}
    for number, box in enumerate(diagram.boxes):
        for depth in range(1, len(box.clusters) + 1):
            members.setdefault(box.clusters[:depth], []).append(number)
    deepest = max(map(len, members), default=0)
    found = []
    for path in sorted(members, key=len):
        around_it = deepest - len(path) + 1
        frame = around([boxes[n] for n in members[path]]).grown(AROUND * around_it)
        frame.top -= LINE / 2 * around_it
        others = (n for n in range(len(boxes)) if n not in members[path])
        if not any(frame.meets(boxes[n]) for n in others):
            label = f'<text class="label" x="{frame.left + 4:.1f}" y="{frame.top + 10:.1f}">{escape(path[-1])}</text>'
            found.append(frame.tag('class="cluster"') + label)
    return found


def filled(box: Box, place: Rectangle) -> str:
    """Return a box with its text."""
    middle = (place.left + place.right) / 2
    lines = [
        f'<text x="{middle:.1f}" y="{place.top + INSIDE / 2 + LINE * (n + 0.8):.1f}" text-anchor="middle">{escape(line)}</text>'
        for n, line in enumerate(box.lines)
    ]
    told = f' data-place="{escape(box.place)}"><title>{escape(box.place)}</title>' if box.place else ">"
    return f'<g class="box"{told}' + place.tag(f'fill="{COLOURS[box.kind]}"') + "".join(lines) + "</g>"


def arrow(points: list[tuple[float, float]], label: str) -> str:
    """Return an arrow through some points, upright at each, and its word."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for right, below in rest:
        half = (y + below) / 2
        path += f"C{x:.1f} {half:.1f} {right:.1f} {half:.1f} {right:.1f} {below:.1f}"
        x, y = right, below
    drawn = f'<path d="{path}" marker-end="url(#tip)"/>'
    if not label:
        return drawn
    (first, start), (second, end) = points[0], points[1]
    place = f'x="{(first + second) / 2 + 4:.1f}" y="{(start + end) / 2 + 3:.1f}"'
    return f'{drawn}<text class="label" {place}>{escape(label)}</text>'
