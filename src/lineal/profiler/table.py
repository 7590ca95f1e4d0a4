"""A profile as a table of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["table"]

UNITS = ("", "K", "M", "G", "T", "P")
GAP = "  "


def microseconds(time: float) -> str:
    """Return a time with its unit."""
    scale, unit = (1e6, "s") if time >= 1e6 else (1e3, "ms") if time >= 1e3 else (1, "us")
    return f"{time / scale:.3f}{unit}"


def memory(size: int) -> str:
    """Return a number of bytes with its unit."""
    power = min((abs(int(size)).bit_length() - 1) // 10, 3) if size else 0
    return f"{size / 1024**power:.2f} {('B', 'KB', 'MB', 'GB')[power]}" if power else f"{size} B"


def share(part: float, whole: float) -> str:
    """Return a part in percent."""
    return f"{100 * part / whole:.2f}%" if whole else "NaN"


def cut(text: str, width: int, behind: bool = False) -> str:
    """Return the end of a text that is too wide, or its beginning."""
    if width <= 0 or len(text) <= width:
        return text
    return "..." + text[3 - width :] if behind else text[: width - 3] + "..."


Column = tuple[str, Callable[[Any], str]]


def table(events: Any, rows: list[Any], widths: tuple[int, int, int], header: str | None) -> str:
    """Return some of the events as a table; shares are of the time of all of them."""
    columns = columns_of(events, rows, widths)
    cells = [[text(each) for _, text in columns] for each in rows]
    sizes = [max(map(len, (title, *(row[place] for row in cells)))) for place, (title, _) in enumerate(columns)]
    rule = GAP.join("-" * size for size in sizes)
    lines = [rule, line([title for title, _ in columns], sizes), rule, *(line(row, sizes) for row in cells), rule]
    if header is not None:
        lines[:0] = ["=" * len(rule), header]
    return "\n".join([*lines, f"Self CPU time total: {microseconds(events.self_cpu_time_total)}", ""])


def line(cells: list[str], sizes: list[int]) -> str:
    """Return a line of cells, all to the right as numbers are."""
    return GAP.join(f"{cell:>{size}}" for cell, size in zip(cells, sizes))


def columns_of(events: Any, rows: list[Any], widths: tuple[int, int, int]) -> list[Column]:
    """Return the titles of the columns that there is something for, and how their cells come of an event."""
    whole = events.self_cpu_time_total
    names, shapes, sources = widths
    columns: list[Column] = [
        ("Name", lambda each: cut(each.key, names)),
        ("Self CPU %", lambda each: share(each.self_cpu_time_total, whole)),
        ("Self CPU", lambda each: microseconds(each.self_cpu_time_total)),
        ("CPU total %", lambda each: share(each.cpu_time_total, whole)),
        ("CPU total", lambda each: microseconds(each.cpu_time_total)),
        ("CPU time avg", lambda each: microseconds(each.cpu_time)),
    ]
    if events.profile_memory:
        columns.append(("CPU Mem", lambda each: memory(each.cpu_memory_usage)))
        columns.append(("Self CPU Mem", lambda each: memory(each.self_cpu_memory_usage)))
    columns.append(("# of Calls", lambda each: str(each.count)))
    if any(each.input_shapes for each in rows):
        columns.append(("Input Shapes", lambda each: cut(str(each.input_shapes), shapes)))
    if any(each.stack for each in rows):
        columns.append(("Source Location", lambda each: cut(each.stack[0] if each.stack else "", sources, behind=True)))
    if events.with_flops:
        scale, unit = flops_unit(rows)
        columns.append((f"Total {unit}FLOPs", lambda each: f"{each.flops / scale:.3f}" if each.flops else "--"))
    return columns


def flops_unit(rows: list[Any]) -> tuple[float, str]:
    """Return the greatest unit in which the most expensive row is one or more, as a number and a letter."""
    most = max((each.flops for each in rows), default=0)
    power = 0
    while most >= 1000 ** (power + 1) and power < len(UNITS) - 1:
        power += 1
    return 1000.0**power, UNITS[power]
