"""Two builds of lineal side by side: `python benchmarks/compare.py OLD NEW`, each the folder of a checkout.

Each build has a process of its own; they take turns, round by round, so that the machine's drift hits both. Prints medians, and
the old time over the new one (above 1 is faster).

    git worktree add /tmp/before HEAD~1
    python benchmarks/compare.py /tmp/before . --suite bench --suite eager

What is measured is this file's and its neighbours', whatever the checkouts have. `--demand 0.97` fails if a build is slower
than that in anything.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sides import Call, answer, made

HERE = Path(__file__).resolve().parent
SUITES = ("bench", "eager", "large", "linalg", "products")


def module(path: Path) -> Any:
    """Return a file as a module, whichever lineal is imported."""
    spec = importlib.util.spec_from_file_location(f"measured_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def bench(t: Any) -> dict[str, Callable[[], Call]]:
    """Return the workloads of `lineal bench`, compiled and eager."""
    workloads = module(HERE.parent / "src/lineal/bench/workloads.py").WORKLOADS

    def made(make: Callable[[Any], tuple], compiled: bool) -> Call:
        function, data = make(t)
        function = t.compile(function) if compiled else function
        return lambda: function(*data)

    compiled = {name: lambda make=make: made(make, True) for name, make in workloads.items()}
    return compiled | {f"{name}, eager": lambda make=make: made(make, False) for name, make in workloads.items()}


def eager(t: Any) -> dict[str, Callable[[], Call]]:
    """Return the small workloads and ops of `benchmarks/eager.py`, on one thread."""
    t.set_num_threads(1)
    given = module(HERE / "eager.py")
    found: dict[str, Callable[[], Call]] = {name: lambda make=make: make(t) for name, make in given.WORKLOADS.items()}
    for name, (_, plain, grad) in given.single_ops().items():
        found |= {name: lambda call=plain: call, f"{name}, with grad": lambda call=grad: call}
    return found


def large(t: Any) -> dict[str, Callable[[], Call]]:
    """Return the ops of `benchmarks/eager.py --large`, on 4 million elements."""
    return {name: lambda call=call: call for name, call in module(HERE / "eager.py").large_ops(t, 1 << 22).items()}


def linalg(t: Any) -> dict[str, Callable[[], Call]]:
    """Return the ops of `benchmarks/linalg.py` on 1,000 matrices, forward, and forward and backward, on one thread."""
    t.set_num_threads(1)
    sys.path.insert(0, str(HERE))
    given = module(HERE / "linalg.py")
    found: dict[str, Callable[[], Call]] = {}
    for op, (names, function, _) in given.OPS.items():
        for dtype in ("float64", "float32"):
            for n in (3, 8, 32):
                for way in (given.forward, given.both):
                    make = lambda op=(way, function, names, n, dtype): op[0](t, op[1], given.inputs(op[2], 1000, op[3], op[4]))
                    found[f"{op}, {dtype}, {n}, {way.__name__}"] = make
    return found


def products(t: Any) -> dict[str, Callable[[], Call]]:
    """Return the workloads of `benchmarks/products.py`, compiled and eager."""
    given = module(HERE / "products.py")
    ways = {"": True, ", eager": False}
    return {
        name + words: lambda each=each, compiled=compiled: made(t, each, compiled)
        for name, each in given.WORKLOADS.items()
        for words, compiled in ways.items()
    }


def serve(suites: list[str], only: list[str]) -> None:
    """Be the process of one build: tell the names, then the seconds of a call for each name that is asked for."""
    t = importlib.import_module("lineal")
    makers = {f"{suite}: {name}": make for suite in suites for name, make in globals()[suite](t).items()}
    makers = {name: make for name, make in makers.items() if not only or any(each in name for each in only)}
    print(json.dumps({"where": str(Path(t.__file__).parents[2]), "names": list(makers)}), flush=True)
    answer(makers)


class Build:
    """The process of one checkout."""

    def __init__(self, checkout: Path, options: argparse.Namespace):
        if not (checkout / "src" / "lineal").is_dir():
            raise SystemExit(f"compare: expected the folder of a checkout, with src/lineal in it, got {checkout}")
        unset = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
        env = {key: value for key, value in os.environ.items() if key not in unset}
        env["PYTHONPATH"] = str(checkout.resolve() / "src")
        asked = [each for suite in options.suite or ("bench",) for each in ("--suite", suite)]
        asked += [each for name in options.only or () for each in ("--only", name)]
        self.process = subprocess.Popen(
            [sys.executable, __file__, ".", ".", "--serve", *asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        self.about = json.loads(self.heard())

    def heard(self) -> str:
        """Return the next line that the process writes."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("compare: a build stopped; what it said is above")
        return line

    def seconds(self, name: str) -> float:
        """Return the seconds of a call, in one turn."""
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return float(self.heard())


def measured(builds: tuple[Build, Build], rounds: int) -> Iterator[tuple[str, float, float]]:
    """Yield, for what both builds can run, the median seconds of a call of each."""
    for name in builds[0].about["names"]:
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds):
            # who is first may find the machine as the other has left it
            for place in (0, 1) if number % 2 else (1, 0):
                time.sleep(0.01)
                times[place].append(builds[place].seconds(name))
        yield name, statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--suite", action="append", choices=SUITES, help="may be given several times (default bench)")
    parser.add_argument("--only", action="append", metavar="PART", help="only what has this in its name")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--demand", type=float, metavar="RATIO", help="fail if anything is slower than this")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.suite, options.only or [])
        return
    builds = Build(options.old, options), Build(options.new, options)
    for label, build in zip(("old", "new"), builds):
        print(f"{label}: {build.about['where']}")
    print(f"\n{'microseconds':64}{'old':>12}{'new':>12}{'old / new':>12}")
    ratios = []
    for name, old, new in measured(builds, options.rounds):
        ratios.append(old / new)
        print(f"{name:64}{old * 1e6:12.2f}{new * 1e6:12.2f}{old / new:12.3f}", flush=True)
    mean = math.exp(statistics.fmean(map(math.log, ratios))) if ratios else math.nan
    print(f"\ngeometric mean {mean:.3f}, least {min(ratios, default=math.nan):.3f}, of {len(ratios)}")
    if options.demand is not None and min(ratios, default=0.0) < options.demand:
        raise SystemExit(f"slower than {options.demand} of the old build")


if __name__ == "__main__":
    main()
