"""Ratios as they were measured over time: collected, drawn as one picture, and held against each other.

    python benchmarks/history.py --collect              # history.json anew, from what docs/measurements.md was in each commit
    lineal bench --json > now.json
    python benchmarks/history.py --add now.json         # a new point for each workload of `lineal bench`
    python benchmarks/history.py --check                # exit code 1 if the last point of a series is 5 % below the one before
    python benchmarks/history.py --accept WHY           # ... unless the file says why it may be
    python benchmarks/history.py --plot history.png

A ratio is another library's time over lineal's: more is better. Two points are compared if they were measured alike, that is if
the page, or the machine and the versions, said the same of them; `benchmarks/compare.py` compares two builds in one run.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lineal.base import later

# matplotlib may be absent
matplotlib_figure: Any = later.module("matplotlib.figure")

HERE = Path(__file__).resolve().parent
FILE, PAGE = HERE / "history.json", "docs/measurements.md"
BENCH = "lineal bench"
LEAST = 0.95
"""Which part of the ratio before has to be left."""
RATIO = re.compile(r".+ / (lineal|compiled)|median ratio")
OVER = re.compile(r"time over lineal's")
"""Says of a table that each of its cells has a ratio forward and one with backward, or milliseconds and a ratio."""
NUMBER, PAIR = re.compile(r"\d[\d,]*(?:\.\d+)?"), re.compile(r"(\d[\d,]*(?:\.\d+)?), (\d+(?:\.\d+)?)\b.*")


class Point(NamedTuple):
    """A ratio: when and how it was measured, of what, and which columns of the table it is of."""

    date: str
    table: str
    workload: str
    columns: str
    ratio: float
    how: str
    """What the page says above the table, or machine and versions: points with other words are not compared."""
    source: str
    """The commit in which the page had it first, or the command."""
    why: str = ""
    """Why it may be below the point before."""

    @property
    def series(self) -> tuple[str, str, str, str]:
        """What points are compared by."""
        return self.table, self.workload, self.columns, self.how


class Table(NamedTuple):
    """A table of the page: its heading, the words since that, those right above it, its header and its rows."""

    heading: str
    section: str
    how: str
    header: list[str]
    rows: list[list[str]]


def tables(page: str) -> Iterator[Table]:
    """Yield the tables of a page."""
    heading, section, words = "", [], []
    lines = page.splitlines()
    place = 0
    while place < len(lines):
        line = lines[place]
        if line.startswith("#"):
            heading, section, words = line.lstrip("# "), [], []
        elif line.startswith("|"):
            end = next((n for n in range(place, len(lines)) if not lines[n].startswith("|")), len(lines))
            header, _, *rows = [[cell.strip() for cell in each.strip("|").split("|")] for each in lines[place:end]]
            yield Table(heading, " ".join(section), " ".join(words), header, rows)
            place, words = end, []
        elif line.strip():
            words.append(line.strip())
            section.append(line.strip())
        place += 1


def cells(table: Table) -> Iterator[tuple[str, str, float]]:
    """Yield workload, columns and ratio of a table; an empty first cell means that of the row above."""
    above = ""
    for row in table.rows:
        above = row[0] or above
        turns = [row[n] for n, name in enumerate(table.header) if name == "turns"]
        workload = ", ".join([above, *turns])
        for name, cell in list(zip(table.header, row))[1:]:
            pair = PAIR.fullmatch(cell)
            if RATIO.fullmatch(name) and NUMBER.fullmatch(cell):
                yield workload, name, float(cell.replace(",", ""))
            elif pair and OVER.search(table.section) and "milliseconds" in table.section:
                yield workload, f"{name}: time over lineal's", float(pair[2])
            elif pair and OVER.search(table.section):
                yield workload, f"{name}: forward", float(pair[1].replace(",", ""))
                yield workload, f"{name}: with backward", float(pair[2])


def collected() -> list[Point]:
    """Return the ratios of all commits that changed the page, where they differ from those before; oldest first."""
    git = lambda *argv: subprocess.run(["git", *argv], cwd=HERE.parent, capture_output=True, text=True, check=True).stdout
    found: list[Point] = []
    last: dict[tuple, float] = {}
    for line in git("log", "--reverse", "--format=%h %as", "--", PAGE).splitlines():
        commit, date = line.split()
        for table in tables(git("show", f"{commit}:{PAGE}")):
            for workload, columns, ratio in cells(table):
                point = Point(date, table.heading, workload, columns, ratio, table.how, commit)
                if last.get(point.series) != ratio:
                    found.append(point)
                last[point.series] = ratio
    return found


def measured(told: dict[str, Any], date: str) -> list[Point]:
    """Return the ratios of what `lineal bench --json` printed."""
    how = f"{told['machine']}, {told['processors']} processors; {told['versions']}"
    return [
        Point(date, BENCH, workload, f"{rival} / lineal", seconds[rival] / seconds["lineal"], how, BENCH)
        for workload, seconds in told["seconds"].items()
        for rival in seconds
        if rival != "lineal"
    ]


def regressions(points: list[Point], least: float = LEAST) -> list[Point]:
    """Return the last points of series that are below `least` times the one before, and have no reason."""
    series: dict[tuple, list[Point]] = {}
    for point in points:
        series.setdefault(point.series, []).append(point)
    pairs = [each[-2:] for each in series.values() if len(each) > 1]
    return [new for old, new in pairs if new.ratio < least * old.ratio and not new.why]


def kept(points: list[Point], before: list[Point]) -> list[Point]:
    """Return points with the reasons that they had, and behind them those that are not the page's."""
    reasons = {each._replace(why=""): each.why for each in before}
    own = [each for each in before if each.source == BENCH]
    return [each._replace(why=reasons.get(each, "")) for each in points] + own


def read() -> list[Point]:
    """Return the points of the file."""
    return [Point(**each) for each in json.loads(FILE.read_text(encoding="utf-8"))]


def write(points: list[Point]) -> None:
    """Write the file, a line for each point."""
    lines = ",\n".join(json.dumps(each._asdict(), ensure_ascii=False) for each in points)
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def draw(points: list[Point], path: Path) -> None:
    """Draw all ratios into a picture: a panel for each table, a line for each series, over what they were recorded in."""
    tables = list(dict.fromkeys(each.table for each in points))
    sources = list(dict.fromkeys(each.source for each in sorted(points, key=lambda each: each.date)))
    dates = {each.source: each.date for each in points}
    figure = matplotlib_figure.Figure(figsize=(9, 2.8 * len(tables)), layout="constrained")
    for ax, table in zip(figure.subplots(len(tables), squeeze=False)[:, 0], tables):
        lines: dict[tuple, list[Point]] = {}
        for each in points:
            if each.table == table:
                lines.setdefault(each.series, []).append(each)
        for line in lines.values():
            ax.plot([sources.index(each.source) for each in line], [each.ratio for each in line], marker=".", alpha=0.7)
            words = f" {line[-1].workload}, {line[-1].columns}"
            ax.annotate(words, (sources.index(line[-1].source), line[-1].ratio), fontsize=3, alpha=0.7)
        ax.axhline(1, color="black", linewidth=0.6)
        ax.set(title=table, yscale="log", ylabel="ratio", xlim=(-0.5, len(sources) + 1))
        ax.set_xticks(range(len(sources)), [f"{dates[each][5:]} {each}" for each in sources], fontsize=5, rotation=30)
        ax.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def main() -> int:
    """Do what is asked and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--collect", action="store_true", help="make history.json anew from the history of the page")
    parser.add_argument("--add", type=Path, metavar="FILE", help="add what `lineal bench --json` printed")
    parser.add_argument("--date", default="", metavar="YYYY-MM-DD", help="when that was")
    parser.add_argument("--check", action="store_true", help="fail if a last point is more than 5 %% below the one before")
    parser.add_argument("--accept", metavar="WHY", help="write into the file why these points may be below")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw all ratios (needs matplotlib)")
    args = parser.parse_args()
    if args.collect:
        write(kept(collected(), read() if FILE.exists() else []))
    if args.add is not None:
        if not args.date:
            parser.error("--add needs --date")
        write([*read(), *measured(json.loads(args.add.read_text(encoding="utf-8")), args.date)])
    points = read()
    print(f"{len(points)} ratios of {len({each.series for each in points})} series")
    if args.plot is not None:
        draw(points, args.plot)
    found = regressions(points)
    if args.accept is not None:
        write([each._replace(why=args.accept) if each in found else each for each in points])
        found = []
    told = [f"{each.table}: {each.workload}, {each.columns}: {each.ratio:.3g} on {each.date}" for each in found]
    print("\n".join(told) or "nothing is more than 5 % below the point before without a reason")
    return 1 if args.check and found else 0


if __name__ == "__main__":
    sys.exit(main())
