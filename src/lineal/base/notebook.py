"""What notebooks show of an object: tables and texts as HTML, in which all that is given is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Text", "preformatted", "table"]

LEFT, RIGHT = "text-align:left;white-space:pre", "text-align:right;font-family:monospace"
NUMBER = frozenset("0123456789.,+-e%× ")


def table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Return a table with a line above it; columns of numbers are flush right."""
    cells = [[str(each) for each in row] for row in rows]
    columns = list(zip(*cells)) or [()] * len(header)
    styles = [RIGHT if all(NUMBER.issuperset(each) for each in column) else LEFT for column in columns]
    body = "".join(line("td", row, styles) for row in cells)
    above = f"<caption style='text-align:left'>{escape(caption)}</caption>" if caption else ""
    return f"<table>{above}<thead>{line('th', header, styles)}</thead><tbody>{body}</tbody></table>"


def line(tag: str, cells: Sequence[str], styles: Sequence[str]) -> str:
    """Return one row of a table."""
    shown = (f"<{tag} style='{style}'>{escape(each)}</{tag}>" for each, style in zip(cells, styles))
    return f"<tr>{''.join(shown)}</tr>"


def preformatted(text: str) -> str:
    """Return a text whose lines stay as they are."""
    return f"<pre>{escape(text)}</pre>"


class Text(str):
    """A text that notebooks show line by line, instead of in quotes."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return preformatted(self)
