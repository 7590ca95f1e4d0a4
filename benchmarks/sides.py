"""Comparisons of processes, one for each side, which take turns: a side is told names, and answers with the seconds of a call.

Two libraries with threads of their own disturb each other in one process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from lineal.bench.interleaved import machine

Call = Callable[[], Any]
Workload = Callable[[Any], tuple[Callable[..., Any], tuple]]
"""What makes a function and its arguments with a library."""

SIDES = {"lineal": ("lineal", False), "lineal, compiled": ("lineal", True), "PyTorch": ("torch", False)}
COMPILED = "PyTorch, compiled"
"""The side that is asked for: its first calls take a C++ compiler and half a minute for each workload."""

TURN = 0.02
"""About how many seconds a turn lasts."""


def answer(makers: dict[str, Callable[[], Call]]) -> None:
    """Print the seconds of a call for each name that is read from standard input; calls are made when first asked for."""
    ready: dict[str, tuple[Call, int]] = {}
    for line in sys.stdin:
        name = line.rstrip("\n")
        if name not in ready:
            call = makers[name]()
            for _ in range(5):
                call()
            ready[name] = call, max(1, round(TURN / seconds(call, 1)))
        call, count = ready[name]
        # it wakes the threads and fetches the data into the caches
        call()
        print(seconds(call, count), flush=True)


def seconds(call: Call, count: int) -> float:
    """Return the seconds of a call, of so many."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def made(t: Any, workload: Workload, compiled: bool) -> Call:
    """Return a call of a workload."""
    function, given = workload(t)
    function = t.compile(function) if compiled else function
    return lambda: function(*given)


def serve(side: str, workloads: dict[str, Workload], threads: int) -> None:
    """Be the process of one side: tell the library's version, then the seconds of a call for each name that is asked for."""
    library, compiled = ("torch", True) if side == COMPILED else SIDES[side]
    t = importlib.import_module(library)
    if threads:
        t.set_num_threads(threads)
    print(json.dumps(t.__version__), flush=True)
    answer({name: lambda each=each: made(t, each, compiled) for name, each in workloads.items()})


class Side:
    """The process of one side; the program is given further words."""

    def __init__(self, program: str, name: str, *words: str):
        unset = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
        env = {key: value for key, value in os.environ.items() if key not in unset}
        command = [sys.executable, program, "--serve", name, *words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.version = self.process.stdout.readline().strip() if self.process.stdout else ""

    def seconds(self, name: str) -> float:
        """Return the seconds of a call, in one turn."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main(program: str, words: str | None, workloads: dict[str, Workload]) -> None:
    """Print the table of a program of workloads, which `words` describe."""
    reader = argparse.ArgumentParser(description=words)
    reader.add_argument("--rounds", type=int, default=15)
    reader.add_argument("--only", help="workloads whose name has this in it")
    reader.add_argument("--threads", type=int, default=0, help="how many threads each side has; its own choice unless given")
    reader.add_argument("--compiled", action="store_true", help=f"a further side: {COMPILED}")
    reader.add_argument("--serve", help=argparse.SUPPRESS)
    given = reader.parse_args()
    if given.serve:
        serve(given.serve, workloads, given.threads)
        return
    names = [*SIDES, *([COMPILED] if given.compiled else [])]
    sides = {name: side for name in names if (side := Side(program, name, "--threads", str(given.threads))).version}
    console = Console(width=140)
    console.print(f"{machine()}; {', '.join(f'{name} {side.version}' for name, side in sides.items())}")
    own, peers = list(sides)[:2], list(sides)[2:]
    ratios = [f"{peer} / {name}" for peer in peers for name in own]
    table = Table("workload", *(f"{name}, ms" for name in sides), *ratios)
    for name in [each for each in workloads if (given.only or "") in each]:
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(given.rounds):
            for side, process in sides.items():
                times[side].append(process.seconds(name))
        found = {side: statistics.median(each) for side, each in times.items()}
        quotients = [f"{found[peer] / found[side]:.2f}" for peer in peers for side in own]
        table.add_row(name, *(f"{each * 1e3:.2f}" for each in found.values()), *quotients)
    console.print(table)
