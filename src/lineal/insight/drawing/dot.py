"""A diagram in the language of Graphviz, for pictures of its own making."""

from __future__ import annotations

import json

from lineal.insight.drawing.diagram import Diagram
from lineal.insight.drawing.svg import COLOURS

__all__ = ["dot"]


def dot(diagram: Diagram) -> str:
    """Return the diagram as text that `dot` reads."""
    lines = ["digraph {", '  node [shape=box, style="filled,rounded", fontname="monospace"]']
    lines += clustered(diagram, (), "  ")
    for each in diagram.arrows.values():
        label = f" [label={quoted(each.label)}]" if each.label else ""
        lines.append(f"  n{each.source} -> n{each.target}{label}")
    return "\n".join([*lines, "}"]) + "\n"


def clustered(diagram: Diagram, path: tuple[str, ...], indent: str) -> list[str]:
    """Return the lines of the boxes in a cluster, and of the clusters in it."""
    depth, lines = len(path), []
    below = [box.clusters[: depth + 1] for box in diagram.boxes if len(box.clusters) > depth and box.clusters[:depth] == path]
    for number, box in enumerate(diagram.boxes):
        if box.clusters == path:
            lines.append(f"{indent}n{number} [label={quoted(chr(10).join(box.lines))}, fillcolor={quoted(COLOURS[box.kind])}]")
    for each in dict.fromkeys(below):
        name = quoted("cluster " + " ".join(each))
        lines += [f"{indent}subgraph {name} {{", f"{indent}  label={quoted(each[-1])}"]
        lines += [*clustered(diagram, each, indent + "  "), f"{indent}}}"]
    return lines


def quoted(text: str) -> str:
    """Return a text as Graphviz quotes it."""
    return json.dumps(text, ensure_ascii=False)
