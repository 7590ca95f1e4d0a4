"""What the commands show: a live bar on a terminal, plain lines in a pipe, tables on both, JSON on request."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lineal.train.callbacks import Callback
from lineal.train.progress import Bar, Lines

NARROW = 24
"""The columns that a table needs beside its names."""
PIPE, ENDLESS = 130, 1 << 16
"""How wide tables in a pipe are, and a console on which no table is folded."""


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


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table or, where the terminal has no room for it, each row by itself, a line for each column."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=PIPE)
    table = Table(*columns)
    for row in rows:
        table.add_row(*map(Text, row))
    if Console(width=ENDLESS).measure(table).maximum <= console.width:
        console.print(table)
        return
    for row in rows:
        show_rows(list(zip(columns, row)))
        print()


def show_json(data: Mapping[str, Any]) -> None:
    """Print a result for programs; numbers that are not finite, which JSON has not, are null."""
    print(json.dumps(finite(data), indent=2, ensure_ascii=False))


def finite(data: Any) -> Any:
    """Return data with None for numbers that are not finite."""
    if isinstance(data, Mapping):
        return {name: finite(each) for name, each in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(each) for each in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


@contextlib.contextmanager
def stdout_apart(apart: bool) -> Iterator[None]:
    """Let what is printed within the block, by other processes too, go to stderr, so that stdout is for the result alone."""
    if not apart:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)
