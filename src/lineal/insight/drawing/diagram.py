"""A diagram: boxes, some of which lie in clusters, and arrows between them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Arrow", "Box", "Diagram"]


class Box(NamedTuple):
    """A box: lines of text, a kind that decides its colour, the clusters it lies in, from the outermost, its source line."""

    lines: tuple[str, ...]
    kind: str
    clusters: tuple[str, ...] = ()
    place: str = ""


class Arrow(NamedTuple):
    """An arrow from one box to another, by their numbers, with a word on it."""

    source: int
    target: int
    label: str = ""


class Diagram:
    """Boxes by number, and arrows, which make no cycle."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.arrows: dict[tuple[int, int], Arrow] = {}

    def add(self, kind: str, *lines: str, clusters: tuple[str, ...] = (), place: str = "") -> int:
        """Add a box and return its number."""
        self.boxes.append(Box(lines, kind, clusters, place))
        return len(self.boxes) - 1

    def join(self, source: int, target: int, label: str = "") -> None:
        """Add an arrow, unless there is one between the two."""
        if source != target:
            self.arrows.setdefault((source, target), Arrow(source, target, label))
