"""The page: one file of HTML with all that it needs, which loads nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from lineal.base import later
from lineal.base.version import __version__
from lineal.insight.drawing.pictures import Drawing
from lineal.insight.summaries import Summary

__all__ = ["Page"]

plotly: Any = later.module("plotly.offline")

FOLDER = Path(__file__).parent
NO_PLOTLY = 'Curves are drawn by plotly: pip install "lineal[view]". These are their last values.'


@dataclass
class Page:
    """What a page shows; sections of which there is nothing are left out.

    `programs` are made by `program_data`, `eager` says why there are none; `runs` are points (x, y) by curve by run.
    """

    title: str
    drawing: Drawing | None = None
    summary: Summary | None = None
    programs: Sequence[Mapping[str, Any]] = ()
    eager: str = ""
    runs: Mapping[str, Mapping[str, Sequence[tuple[int, float | None]]]] = field(default_factory=dict)

    @property
    def html(self) -> str:
        """The page as text. It runs only scripts of its own, and nothing of what it shows can be one."""
        nonce = secrets.token_urlsafe(16)
        data = {"programs": self.programs, "runs": self.runs}
        draws = bool(self.runs or self.programs) and importlib.util.find_spec("plotly") is not None
        scripts = [plotly.get_plotlyjs()] if draws else []
        scripts.append(text_of("page.js"))
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data: blob:"
        head = [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(self.title)}</title><style>{text_of('page.css')}</style></head><body>",
            f"<header><h1>{escape(self.title)}</h1><nav></nav></header><main>",
        ]
        held = f'<script type="application/json" id="data" nonce="{nonce}">{embedded(data)}</script>'
        ends = [f'<script nonce="{nonce}">{each}</script>' for each in scripts]
        foot = f"</main><footer>lineal {escape(__version__)}</footer>"
        return "\n".join([*head, *self.sections(draws), foot, held, *ends, "</body></html>\n"])

    def sections(self, draws: bool) -> list[str]:
        """Return the sections that there are."""
        found = [graph(self.drawing.svg)] if self.drawing is not None else []
        if self.summary is not None:
            found.append(section("Layers", f'<div class="wide">{self.summary._repr_html_()}</div>'))
        if self.programs or self.eager:
            why = f"<p>It runs eagerly: {escape(self.eager)}</p>" if self.eager else ""
            found.append(section("Program", f'{why}<div id="programs"></div>'))
        if self.runs:
            note = "" if draws else f"<p>{escape(NO_PLOTLY)}</p>"
            found.append(section("Runs", f'{note}<div id="runs"></div>'))
        return found

    def save(self, path: str | Path) -> None:
        """Write the page into a file."""
        Path(path).write_text(self.html, encoding="utf-8")


def text_of(name: str) -> str:
    """Return a file that stands beside this one."""
    return (FOLDER / name).read_text(encoding="utf-8")


def section(name: str, inner: str) -> str:
    """Return a section with its heading."""
    return f'<section id="{name.lower()}-section"><h2>{name}</h2>{inner}</section>'


def graph(svg: str) -> str:
    """Return the section of a picture, with what finds its way in it."""
    tools = (
        '<div class="tools"><input id="search" type="search" placeholder="Search ( / )" aria-label="Search the graph">'
        '<span id="hits" role="status"></span><button id="closer" aria-label="Zoom in">+</button>'
        '<button id="farther" aria-label="Zoom out">−</button><button id="whole" aria-label="Show all">⤢</button></div>'
    )
    hint = "Wheel, + and − zoom, dragging and arrows move, 0 shows all; a click or Enter tells more of a box."
    shown = f'<div id="graph" tabindex="0" role="group" aria-label="Graph. {hint}">{svg}</div>'
    return section("Graph", f'{tools}{shown}<p class="hint">{hint}</p><pre id="told" role="status" hidden></pre>')


def embedded(data: Any) -> str:
    """Return data as JSON in which nothing ends a script's element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
