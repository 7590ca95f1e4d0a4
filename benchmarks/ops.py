"""Ops one by one beside PyTorch: `python benchmarks/ops.py [--only softmax] [--family scans] [--size small] [--dtype float32]`.

Each op (`opentries.py`) runs on 4 × 8, 128 × 96 and 2048 × 2048 numbers, or what is natural to it, in float32, bfloat16, int64
and complex64, alone and with the backward pass. Each library is a process of its own; they take turns. Prints microseconds and
how many times as long PyTorch takes, of streaming ops on large arrays the share of a copy's bandwidth, measured in the same
run, and geometric means. Needs `pip install torch==2.13.0`. All some 3,000 measurements take an hour, a family a few minutes.
Beside other work, `--threads 1 --least`: one thread is timed by the processor time that it had, and nobody waits for a core.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import math
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from opentries import CONSTANT, FAMILIES, Entry
from rich.console import Console
from rich.table import Table
from sides import Call, Side

from lineal.bench.interleaved import REST, machine

SIZES = {"small": (4, 8), "middle": (128, 96), "large": (2048, 2048)}
DTYPES = {"f": "float32", "b": "bfloat16", "i": "int64", "c": "complex64"}
IMAGES = {8: (2, 2, 4, 4), 96: (4, 8, 20, 20), 256: (4, 8, 64, 64), 512: (8, 16, 64, 64)}
"""Shapes of images by columns; larger ones are 16 images of 16 × 128 × 128."""
PASSES = ("forward", "backward")
LIBRARIES = {"lineal": "lineal", "PyTorch": "torch"}
TURN = 0.01
"""About how many seconds a turn lasts, of ops that do not take longer."""
THREADS = "OPS_THREADS"
"""The environment variable that tells a library's process how many threads to take."""
SETTLED = 1500
"""After how many calls nothing changes any more."""
WARM = 5
"""Calls before the clock starts, of ops that do not take longer than turns."""


class Case(NamedTuple):
    """One measurement: an op at a size, of a dtype, alone or with the backward pass."""

    family: str
    op: str
    size: str
    dtype: str
    way: str

    @property
    def entry(self) -> Entry:
        return FAMILIES[self.family][self.op]

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = SIZES[self.size]
        return min(rows, self.entry.most), min(columns, self.entry.most)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """Yield what the options ask for, by size and dtype."""
    for size in options.size or SIZES:
        for letter, dtype in DTYPES.items():
            for family, entries in FAMILIES.items():
                for op, entry in entries.items():
                    for way in PASSES:
                        if way == "backward" and (letter == "i" or not entry.backward):
                            continue
                        if letter in entry.dtypes.split() and wanted(options, family, op, dtype, way):
                            yield Case(family, op, size, dtype, way)


def wanted(options: argparse.Namespace, family: str, op: str, dtype: str, way: str) -> bool:
    """Return whether the options ask for it."""
    chosen = ((options.family, family), (options.dtype, dtype), (options.way, way))
    return all(not given or name in given for given, name in chosen) and bool(re.search(options.only, op))


# What is given


def drawn(kind: str, shape: tuple[int, ...], letter: str) -> np.ndarray:
    """Return numbers of a kind, the same for both libraries."""
    rng = np.random.default_rng([ord(kind), *shape])
    if letter == "i":
        return np.sort(rng.integers(-9, 10, shape)) if kind == "o" else rng.integers(1 if kind == "p" else -9, 10, shape)
    x = rng.standard_normal(shape)
    if kind in "pu":
        x = rng.uniform(0.5, 2, shape) if kind == "p" else rng.uniform(0.05, 0.95, shape)
    x = np.sort(x) if kind == "o" else (x > 0).astype(x.dtype) if kind == "t" else x
    x = x / math.sqrt(shape[-1]) + 2 * np.eye(*shape) if kind == "s" else x
    return x + 0.3j * rng.standard_normal(shape) if letter == "c" else x


def placed(kind: str, rows: int, columns: int) -> np.ndarray:
    """Return places or a mask, whatever the dtype."""
    rng = np.random.default_rng([ord(kind), rows, columns])
    if kind == "m":
        return rng.random((rows, columns)) < 0.5
    if kind == "l":
        return rng.integers(0, rows, rows)
    return rng.integers(0, columns, (rows, columns) if kind == "j" else rows)


def outline(kind: str, rows: int, columns: int) -> tuple[int, ...]:
    """Return the shape of what a letter stands for."""
    if kind in "ab":
        side = min(64, max(8, columns // 3))
        return min(64, max(4, rows // 8)), side, side
    if kind in "nq":
        image = IMAGES.get(columns, (16, 16, 128, 128))
        return image if kind == "n" else (8, image[1], 3, 3)
    return {"r": (columns,), "w": (columns,), "v": (columns,), "k": (rows, 1), "s": (columns, columns), "1": (1,)}.get(
        kind, (rows, columns)
    )


@functools.lru_cache(maxsize=24)
def argument(t: Any, kind: str, rows: int, columns: int, dtype: str, moves: bool) -> Any:
    """Return a tensor of a library; ops share them, so that memory does not grow with their number."""
    if kind in "ilmj":
        return t.from_numpy(placed(kind, rows, columns))
    letter = next(each for each, name in DTYPES.items() if name == dtype)
    found = t.from_numpy(drawn(kind, outline(kind, rows, columns), letter)).to(getattr(t, dtype))
    return found.requires_grad_() if moves and kind not in CONSTANT else found


def called(t: Any, case: Case) -> Call:
    """Return the call that is measured."""
    backward = case.way == "backward"
    given = [argument(t, kind, *case.shape, case.dtype, backward) for kind in case.entry.given]
    call = case.entry.call
    if not backward:
        return lambda: call(t, *given)
    first = resulting(call(t, *given))
    moved, g = [x for x in given if x.requires_grad], t.ones_like(first).detach()

    def run() -> None:
        resulting(call(t, *given)).backward(g)
        for x in moved:
            x.grad = None

    return run


def resulting(y: Any) -> Any:
    """Return the first tensor of a result."""
    return y if hasattr(y, "requires_grad") else y[0]


# The process of a library


def seconds(call: Call, count: int, clock: Callable[[], float]) -> float:
    """Return the seconds of a call, of so many, by a clock."""
    start = clock()
    for _ in range(count):
        call()
    return (clock() - start) / count


def serve(side: str) -> None:
    """Answer the seconds of a call for each case that is read from standard input, or nan if the library refuses it."""
    t = importlib.import_module(LIBRARIES[side])
    threads = int(os.environ.get(THREADS, "0"))
    clock = time.thread_time if threads == 1 else time.perf_counter
    if threads:
        t.set_num_threads(threads)
    print(json.dumps(t.__version__), flush=True)
    for line in sys.stdin:
        case, rounds = json.loads(line)
        try:
            call = called(t, Case(*case))
            count = warmed(call, clock)
        except (RuntimeError, TypeError, ValueError, AttributeError, NotImplementedError) as error:
            print(json.dumps(None), file=sys.stdout, flush=True)
            print(f"{side} refuses {' '.join(case)}: {str(error).splitlines()[0][:150]}", file=sys.stderr)
            continue
        print(json.dumps(True), flush=True)
        for _ in range(rounds):
            sys.stdin.readline()
            print(json.dumps(seconds(call, count, clock)), flush=True)


def warmed(call: Call, clock: Callable[[], float]) -> int:
    """Return how many calls are a turn, after a few."""
    # of the first calls, at the first sizes, some compile
    spent = [seconds(call, 1, clock) for _ in range(3)]
    while len(spent) < WARM and spent[-1] < TURN * 2:
        spent.append(seconds(call, 1, clock))
    # what has been called a thousand times may be done in another way
    for _ in range(min(SETTLED, round(3 * TURN / min(spent)))):
        call()
    return max(1, round(TURN / min(spent)))


def asked(side: Side, words: Any) -> Any:
    """Return a side's answer to what it is told."""
    assert side.process.stdin is not None
    assert side.process.stdout is not None
    side.process.stdin.write(json.dumps(words) + "\n")
    side.process.stdin.flush()
    return json.loads(side.process.stdout.readline())


def measured(sides: dict[str, Side], case: Case, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of a call in each round, by library; of none that refuses it."""
    ready = [name for name, side in sides.items() if asked(side, (case, rounds))]
    times: dict[str, list[float]] = {name: [] for name in ready}
    for number in range(rounds):
        # who is first may find the machine as the other has left it
        for name in ready if number % 2 else ready[::-1]:
            time.sleep(REST)
            times[name].append(asked(sides[name], 0))
    return times


# What is printed


def copying() -> float:
    """Return the bandwidth of a large copy, in bytes a second, read and written."""
    x = np.ones(1 << 24, np.float32)
    y = np.empty_like(x)
    spent = min(seconds(lambda: np.copyto(y, x), 1, time.perf_counter) for _ in range(9))
    return 2 * x.nbytes / spent


def share(case: Case, spent: float, bandwidth: float) -> str:
    """Return which part of a copy's bandwidth a streaming op has."""
    if not case.entry.streams or case.size != "large" or case.way == "backward":
        return ""
    bits = {"float32": 4, "bfloat16": 2, "int64": 8, "complex64": 8}[case.dtype]
    moved = math.prod(case.shape) * bits * (len(case.entry.given) + 1)
    return f"{moved / spent / bandwidth:.2f}"


def geometric(ratios: list[float]) -> str:
    return f"{math.exp(statistics.fmean(map(math.log, ratios))):.2f}" if ratios else "-"


def means(found: dict[Case, float], group: Callable[[Case], str], title: str) -> Table:
    """Return the geometric means of PyTorch / lineal, for each group, size and way."""
    columns = [(size, way) for size in SIZES for way in PASSES]
    table = Table(title, *(f"{size}, {way}" for size, way in columns), "below 0.7")
    for name in dict.fromkeys(group(case) for case in found):
        rows = [[r for case, r in found.items() if group(case) == name and (case.size, case.way) == each] for each in columns]
        below = sum(r < 0.7 for each in rows for r in each)
        table.add_row(name, *map(geometric, rows), f"{below} of {sum(map(len, rows))}")
    return table


def shown(case: Case, times: dict[str, float], bandwidth: float) -> str:
    """Return the line of a case."""
    ours, theirs = times.get("lineal", math.nan), times.get("PyTorch", math.nan)
    part = share(case, ours, bandwidth)
    words = f"{case.op:28}{case.dtype:10}{case.size:8}{case.way:9}{ours * 1e6:12.2f}{theirs * 1e6:12.2f}{theirs / ours:8.2f}"
    return words + (f"   {part} of a copy" if part else "")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="ops whose name this regular expression matches")
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--size", action="append", choices=SIZES)
    parser.add_argument("--dtype", action="append", choices=list(DTYPES.values()))
    parser.add_argument("--way", action="append", choices=PASSES, help="alone, or with the backward pass")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--least", action="store_true", help="compare the least of the rounds, not the medians: beside other work"
    )
    parser.add_argument("--threads", type=int, default=0, help="for each library (default: as many as it takes by itself)")
    parser.add_argument("--worst", type=int, default=10, help="so many of the slowest are named at the end")
    parser.add_argument("--json", type=Path, help="a file for all times")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = arguments()
    if options.serve:
        serve(options.serve)
        return
    os.environ[THREADS] = str(options.threads)
    sides = {name: side for name in LIBRARIES if (side := Side(__file__, name)).version}
    console, bandwidth = Console(width=140), copying()
    chosen, word = (min, "least") if options.least else (statistics.median, "medians")
    versions = ", ".join(f"{name} {side.version}" for name, side in sides.items())
    console.print(f"{machine()}; {versions}; NumPy {np.__version__}; {word} of {options.rounds} rounds")
    console.print(f"a copy reads and writes {bandwidth / 1e9:.1f} GB/s")
    print(f"{'microseconds':55}{'lineal':>12}{'PyTorch':>12}{'ratio':>8}")
    records, ratios = [], {}
    for case in cases(options):
        times = measured(sides, case, options.rounds)
        taken = {name: chosen(each) for name, each in times.items()}
        records.append(case._asdict() | {"seconds": times})
        print(shown(case, taken, bandwidth), flush=True)
        if len(taken) == 2:
            ratios[case] = taken["PyTorch"] / taken["lineal"]
    console.print(means(ratios, lambda case: case.dtype, "dtype"))
    console.print(means(ratios, lambda case: f"{case.family}, {case.dtype}", "family"))
    for case in sorted(ratios, key=lambda each: ratios[each])[: options.worst]:
        print(f"{ratios[case]:6.2f}  {case.op}, {case.dtype}, {case.size}, {case.way}")
    if options.json:
        options.json.write_text(json.dumps({"versions": versions, "copy": bandwidth, "records": records}))


if __name__ == "__main__":
    main()
