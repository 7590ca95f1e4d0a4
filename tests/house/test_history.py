"""The record of measured ratios: what is read from the page, what counts as a regression, and that the file is the page's."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HISTORY = runpy.run_path(str(ROOT / "benchmarks" / "history.py"))
Point, regressions = HISTORY["Point"], HISTORY["regressions"]
PAGE = """# Measurements

## Loops

On one thread:

| loop | turns | lineal | torch | torch / lineal |
|---|---|---|---|---|
| scan | 10 | 1.0 | 2.0 | 2.0 |
| | 1,000 | 1.0 | 1,340 | 1,340 |
| none | 1 | 1.0 | - | - |

## Batches

torch's time over lineal's, forward, then with backward:

| n | inv |
|---|---|
| 2 | 17.4, 40.1 (before) |

## Large

In milliseconds, and torch's time over lineal's:

| op | float64 |
|---|---|
| solve | 20.0, 1.25 |
"""


def point(date, ratio, how="one thread", why="", workload="a"):
    return Point(date, "table", workload, "torch / lineal", ratio, how, "0", why)


def test_ratios_are_read_from_tables():
    found = [(table.heading, table.how, *cell) for table in HISTORY["tables"](PAGE) for cell in HISTORY["cells"](table)]
    assert found == [
        ("Loops", "On one thread:", "scan, 10", "torch / lineal", 2.0),
        ("Loops", "On one thread:", "scan, 1,000", "torch / lineal", 1340.0),
        ("Batches", "torch's time over lineal's, forward, then with backward:", "2", "inv: forward", 17.4),
        ("Batches", "torch's time over lineal's, forward, then with backward:", "2", "inv: with backward", 40.1),
        ("Large", "In milliseconds, and torch's time over lineal's:", "solve", "float64: time over lineal's", 1.25),
    ]


@pytest.mark.parametrize(("before", "now", "fails"), [(2.0, 1.89, True), (2.0, 1.91, False), (2.0, 3.0, False)])
def test_more_than_five_percent_below_is_a_regression(before, now, fails):
    points = [point("2026-01-01", before), point("2026-01-02", now)]
    assert regressions(points) == ([points[1]] if fails else [])


def test_only_what_was_measured_alike_is_compared_and_only_with_the_point_before():
    slow = point("2026-01-02", 1.0)
    assert regressions([point("2026-01-01", 2.0, how="two threads"), slow]) == []
    assert regressions([point("2026-01-01", 2.0, workload="b"), slow]) == []
    assert regressions([point("2026-01-01", 2.0), point("2026-01-01", 1.01), slow]) == []
    assert regressions([point("2026-01-01", 2.0), slow._replace(why="another compiler")]) == []
    assert regressions([point("2026-01-01", 2.0), slow._replace(why="?"), point("2026-01-03", 0.5)]) == [
        point("2026-01-03", 0.5)
    ]
    assert regressions([slow]) == []


def test_reasons_and_other_points_stay_when_the_page_is_read_anew():
    bench = point("2026-01-05", 4.0)._replace(source="lineal bench")
    before = [point("2026-01-01", 2.0), point("2026-01-02", 1.0, why="known"), bench]
    anew = [point("2026-01-01", 2.0), point("2026-01-02", 1.0), point("2026-01-03", 1.5)]
    assert HISTORY["kept"](anew, before) == [before[0], before[1], anew[2], bench]


def test_what_bench_prints_becomes_points():
    told = {"machine": "m", "processors": 2, "versions": "v", "seconds": {"mlp": {"lineal": 0.5, "torch": 1.0}}}
    (found,) = HISTORY["measured"](told, "2026-01-01")
    assert (found.workload, found.columns, found.ratio, found.how) == ("mlp", "torch / lineal", 2.0, "m, 2 processors; v")


def test_the_file_has_ratios_and_no_regression_without_a_reason(tmp_path):
    points = [Point(**each) for each in json.loads((ROOT / "benchmarks" / "history.json").read_text(encoding="utf-8"))]
    assert len(points) > 400 and all(each.ratio > 0 for each in points)
    assert regressions(points) == [], "examine it, then python benchmarks/history.py --accept WHY"


@pytest.mark.slow
def test_the_picture(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "history.png"
    subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "history.py", "--check", "--plot", path], check=True, capture_output=True
    )
    assert path.read_bytes().startswith(b"\x89PNG")
