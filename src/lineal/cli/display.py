"""What the commands show: a live bar on a terminal, plain lines in a pipe, tables on both."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lineal.train.callbacks import Callback
from lineal.train.progress import Bar, Lines

NARROW = 24
"""The columns that a table needs beside its names."""


def for_training(quiet: bool) -> list[Callback]:
    """Return what shows the progress of a run on this output."""
    console = Console(highlight=False)
    if quiet:
        return []
    return [Bar(console) if console.is_interactive else Lines()]


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and values: as a table on a terminal, as one line each in a pipe or where a table has no room."""
    console = Console(highlight=False)
    width = max(len(name) for name, _ in rows)
    if not console.is_terminal or console.width < width + NARROW:
        for name, value in rows:
            print(f"{name:<{width}}  {value}")
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(table)
