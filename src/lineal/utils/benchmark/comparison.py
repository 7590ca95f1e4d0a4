"""`Compare`: a table of measurements."""

from __future__ import annotations

from collections.abc import Iterable

from lineal.utils.benchmark.measurement import UNITS, WORDS, Measurement, plural, unit

__all__ = ["Compare"]


class Compare:
    """A table for each label: a row for each sub-label and number of threads, a column for each description."""

    def __init__(self, results: list[Measurement]):
        self._results: list[Measurement] = []
        self.extend_results(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements; ValueError for anything else."""
        results = list(results)
        for each in results:
            if not isinstance(each, Measurement):
                raise ValueError(f"Compare: expected measurements, got {type(each).__name__}")
        self._results += results

    def trim_significant_figures(self) -> None:
        """Do nothing: numbers are shown with one decimal."""

    def highlight_warnings(self) -> None:
        """Do nothing: measurements say themselves that they spread."""

    def colorize(self, rowwise: bool = False) -> None:
        """Do nothing: tables are plain text."""

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def __str__(self) -> str:
        groups: dict[str, list[Measurement]] = {}
        for each in Measurement.merge(self._results):
            groups.setdefault(each.task_spec.label or each.task_spec.stmt, []).append(each)
        return "\n".join(table(label, results) for label, results in groups.items())


def table(label: str, results: list[Measurement]) -> str:
    """Return the table of the measurements of one label."""
    chosen = unit(min(each.median for each in results))
    columns = list(dict.fromkeys(each.task_spec.description or "" for each in results))
    threads = sorted({each.task_spec.num_threads for each in results})
    rows: list[list[str]] = [["", *columns]]
    for count in threads:
        rows.append([f"{plural(count, 'thread')}:"])
        mine = [each for each in results if each.task_spec.num_threads == count]
        for name in dict.fromkeys(each.as_row_name for each in mine):
            cells = {each.task_spec.description or "": each.median / UNITS[chosen] for each in mine if each.as_row_name == name}
            rows.append([f"  {name}", *(f"{cells[each]:.1f}" if each in cells else "" for each in columns)])
    widths = [max(len(row[n]) for row in rows if n < len(row)) for n in range(len(columns) + 1)]
    lines = [
        "  |  ".join(cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in enumerate(zip(row, widths)))
        for row in rows
    ]
    width = max(map(len, lines))
    return "\n".join([f"[ {label} ]".center(width, "-"), *lines, f"\nTimes are in {WORDS[chosen]}s ({chosen})."])
