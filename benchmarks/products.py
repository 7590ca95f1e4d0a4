"""Products of matrices: `python benchmarks/products.py [--rounds 15]`.

Square products in float32 and bfloat16, linear-GELU-linear forward and backward, and a step of a network of two layers with
Adam; lineal eager and compiled, PyTorch (`pip install torch==2.13.0`) eager. Two libraries with threads of their own disturb
each other in one process, so each side has a process; they take turns. Prints medians in milliseconds and ratios.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table
from sides import Call, answer

from lineal.bench.interleaved import machine

SIDES = {"lineal": ("lineal", False), "lineal, compiled": ("lineal", True), "PyTorch": ("torch", False)}


def square(t: Any, dtype: str, n: int) -> tuple[Callable[..., Any], tuple]:
    """Return a product of n × n matrices."""
    t.manual_seed(0)
    return (lambda a, b: a @ b), tuple(t.randn(n, n).to(getattr(t, dtype)) for _ in range(2))


def gelu(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return linear-GELU-linear, 1024 × 1024, of 256 rows, forward and backward."""
    t.manual_seed(0)
    first, second = t.nn.Linear(1024, 1024), t.nn.Linear(1024, 1024)
    parameters = [*first.parameters(), *second.parameters()]

    def step(x: Any) -> Any:
        for each in parameters:
            each.grad = None
        loss = second(t.nn.functional.gelu(first(x))).square().mean()
        loss.backward()
        return loss.detach()

    return step, (t.randn(256, 1024),)


def network(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of 784-256-10 with Adam, of 256 rows."""
    t.manual_seed(0)
    net = t.nn.Sequential(t.nn.Linear(784, 256), t.nn.ReLU(), t.nn.Linear(256, 10))
    adam = t.optim.Adam(net.parameters(), lr=1e-3)

    def step(x: Any, y: Any) -> Any:
        adam.zero_grad()
        loss = t.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss.detach()

    return step, (t.randn(256, 784), t.randint(0, 10, (256,)))


WORKLOADS: dict[str, Callable[[Any], tuple[Callable[..., Any], tuple]]] = {
    **{
        f"{dtype}, {n} x {n}": lambda t, dtype=dtype, n=n: square(t, dtype, n)
        for n in (512, 2048)
        for dtype in ("float32", "bfloat16")
    },
    "linear-GELU-linear, forward and backward": gelu,
    "784-256-10 with Adam": network,
}


def made(t: Any, name: str, compiled: bool) -> Call:
    """Return a call of a workload."""
    function, given = WORKLOADS[name](t)
    function = t.compile(function) if compiled else function
    return lambda: function(*given)


def serve(side: str) -> None:
    """Be the process of one side: tell the seconds of a call for each name that is asked for."""
    library, compiled = SIDES[side]
    t = importlib.import_module(library)
    print(json.dumps(t.__version__), flush=True)
    answer({name: lambda name=name: made(t, name, compiled) for name in WORKLOADS})


class Side:
    """The process of one side."""

    def __init__(self, name: str):
        unset = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
        env = {key: value for key, value in os.environ.items() if key not in unset}
        command = [sys.executable, __file__, "--serve", name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.version = self.process.stdout.readline().strip() if self.process.stdout else ""

    def seconds(self, name: str) -> float:
        """Return the seconds of a call, in one turn."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main() -> None:
    """Print the table."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rounds", type=int, default=15)
    reader.add_argument("--serve", help=argparse.SUPPRESS)
    given = reader.parse_args()
    if given.serve:
        serve(given.serve)
        return
    sides = {name: side for name in SIDES if (side := Side(name)).version}
    console = Console(width=120)
    console.print(f"{machine()}; {', '.join(f'{name} {side.version}' for name, side in sides.items())}")
    table = Table("workload", *(f"{name}, ms" for name in sides), *(f"PyTorch / {name}" for name in list(sides)[:2]))
    for name in WORKLOADS:
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(given.rounds):
            for side, process in sides.items():
                times[side].append(process.seconds(name))
        found = {side: statistics.median(each) for side, each in times.items()}
        theirs = found.get("PyTorch", float("nan"))
        ratios = [f"{theirs / found[side]:.2f}" for side in list(sides)[:2]]
        table.add_row(name, *(f"{each * 1e3:.2f}" for each in found.values()), *ratios)
    console.print(table)


if __name__ == "__main__":
    main()
