"""A tensor as HTML, for notebooks: small tables with the numbers as they print."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import numpy as np

from lineal.base import later
from lineal.tensors.formatting import edges, figures, shortened, visible
from lineal.tensors.printoptions import options

__all__: list[str] = []

html: Any = later.module("html")

CELL = 'style="text-align:right;font-family:monospace;white-space:pre"'


def format_html(
    value: np.ndarray, *, requires_grad: bool = False, grad_fn: str | None = None, device: str = "cpu", kind: str = "tensor"
) -> str:
    """Return tables of a tensor that holds `value`: one for a matrix, a row or a number, else one for each matrix in it.

    What is shown of a large tensor follows the print options; of its matrices, the first and last `edgeitems`.
    """
    head = f"<div><div>{html.escape(caption(value, requires_grad, grad_fn, device, kind))}</div>"
    if value.size == 0 or (value.ndim and not options.edgeitems and value.size > options.threshold):
        return head + "</div>"
    lead, matrix = value.shape[:-2], value.shape[-2:]
    count = math.prod(lead)
    cuts = shortened(value.shape)[-2:]
    few = value.size > options.threshold and count > 2 * options.edgeitems
    places = [tuple(int(i) for i in np.unravel_index(each, lead)) if lead else () for each in edges(count, few)]
    cells = iter(figures(np.stack([visible(value[each], cuts) for each in places]))[0])
    per_table = math.prod(len(edges(size, cut)) for size, cut in zip(matrix, cuts))
    tables = [title(each) + table(list(islice(cells, per_table)), matrix, cuts) for each in places]
    return head + "".join(spread(tables, few, "<div>⋮</div>")) + "</div>"


def caption(value: np.ndarray, requires_grad: bool, grad_fn: str | None, device: str, kind: str) -> str:
    """Return the line above the tables."""
    words = [kind, f"shape {tuple(value.shape)}", value.dtype.name, device]
    if grad_fn is not None:
        words.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        words.append("requires_grad")
    return " · ".join(words)


def title(place: tuple[int, ...]) -> str:
    """Return the heading of the matrix at `place`; nothing for the only one of a matrix, row or number."""
    return f"<div>[{', '.join(map(str, place))}, :, :]</div>" if place else ""


def table(cells: list[str], shape: tuple[int, ...], cuts: tuple[bool, ...]) -> str:
    """Return a table of at most two dimensions, with the positions above and beside it."""
    if not shape:
        return f"<table>{line('td', [], cells)}</table>"
    across = [str(each) for each in edges(shape[-1], cuts[-1])]
    starts = range(0, len(cells), len(across))
    rows = [spread(cells[start : start + len(across)], cuts[-1], "…") for start in starts]
    above = spread(across, cuts[-1], "…")
    beside = [""]
    if len(shape) == 2:
        rows = spread(rows, cuts[0], ["⋮"] * len(above))
        beside = spread([str(each) for each in edges(shape[0], cuts[0])], cuts[0], "⋮")
    body = "".join(line("td", [place], row) for place, row in zip(beside, rows))
    return f"<table>{line('th', [''], above)}{body}</table>"


def spread(items: list, cut: bool, gap: object) -> list:
    """Return `items` with `gap` between the two edges if the dimension is cut."""
    return [*items[: options.edgeitems], gap, *items[options.edgeitems :]] if cut else items


def line(tag: str, places: list[str], cells: list[str]) -> str:
    """Return one row of a table: its position, then its cells."""
    front = "".join(f"<th>{place}</th>" for place in places)
    return f"<tr>{front}{''.join(f'<{tag} {CELL}>{html.escape(each)}</{tag}>' for each in cells)}</tr>"
