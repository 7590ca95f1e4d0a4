"""`draw`: a model, a function, a trace or a tensor's history as a picture."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineal.core import AbstractTensor
from lineal.insight.drawing.diagram import Diagram
from lineal.insight.drawing.dot import dot
from lineal.insight.drawing.histories import diagram_of_graph, diagram_of_history
from lineal.insight.drawing.models import diagram_of_calls
from lineal.insight.drawing.svg import svg
from lineal.insight.summaries import evaluating
from lineal.nn import Module
from lineal.tracing import Graph

__all__ = ["Drawing", "draw"]


class Drawing:
    """A picture: shown by notebooks, written by `save`; `svg` and `dot` are its texts."""

    def __init__(self, diagram: Diagram):
        self.diagram = diagram

    @property
    def svg(self) -> str:
        """The picture in SVG."""
        return svg(self.diagram)

    @property
    def dot(self) -> str:
        """The diagram in the language of Graphviz."""
        return dot(self.diagram)

    @property
    def html(self) -> str:
        """A page with the picture."""
        return f'<!doctype html>\n<meta charset="utf-8">\n{self.svg}'

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file that ends in .svg, .html, .dot or .gv; ValueError for others."""
        texts = {".svg": "svg", ".html": "html", ".dot": "dot", ".gv": "dot"}
        suffix = Path(path).suffix
        if suffix not in texts:
            raise ValueError(f"Drawing.save: expected a path that ends in {', '.join(texts)}, got {os.fspath(path)!r}")
        Path(path).write_text(getattr(self, texts[suffix]), encoding="utf-8")


def draw(
    what: Any, *inputs: Any, depth: int | None = None, params: Mapping[str, AbstractTensor] | None = None, **kwargs: Any
) -> Drawing:
    """Return a picture of a model or function as it runs on inputs, of a trace, or of a tensor's history.

    Modules are boxes, those with others in them frames; from `depth` on they are boxes too. Words on arrows are shapes.
    `params` names the leaves of a history. TypeError for anything else, RuntimeError for a tensor without a history.
    """
    if isinstance(what, AbstractTensor):
        return Drawing(diagram_of_history(what, params or {}))
    if isinstance(what, Graph):
        return Drawing(diagram_of_graph(what))
    if isinstance(what, Module):
        with evaluating(what):
            return Drawing(diagram_of_calls(what, inputs, kwargs, depth))
    if not callable(what):
        raise TypeError(f"draw: expected a module, a function, a trace or a tensor, got {type(what).__name__}")
    return Drawing(diagram_of_calls(what, inputs, kwargs, depth))
