"""Loops in compiled functions: `python benchmarks/loops.py [--turns 10 100 1000]`.

A recurrent cell (width 32, batch 8) over so many steps, forward, with its gradients, and as a step of training by SGD, written
as Python's loop or as `scan`; one that takes each input ten times, over a tenth as many; and an iteration that ends when its
residual is small. Prints how long the first calls take with nothing cached (each in a new process, which has compiled something
else before), and medians of interleaved calls: compiled, eager, and PyTorch's eager mode where it is installed
(`pip install torch==2.13.0`).
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

import lineal
from lineal._higher_order_ops import scan
from lineal.bench.comparison import versions
from lineal.bench.interleaved import machine, medians

try:
    import torch
except ImportError:
    torch = None


def recurrent(t: ModuleType, turns: int, grad: bool) -> tuple[Callable[..., Any], tuple]:
    """Return the mean square of all states of a cell, and what it is given."""
    t.manual_seed(0)
    W, U, b = t.randn(32, 32) * 0.1, t.randn(32, 32) * 0.1, t.zeros(32)
    for each in (W, U, b) if grad else ():
        each.requires_grad_()

    def function(xs: Any, h: Any, W: Any, U: Any, b: Any) -> Any:
        states = []
        for n in range(turns):
            h = t.tanh(xs[n] @ W + h @ U + b)
            states.append(h)
        return t.stack(states).square().mean()

    return function, (t.randn(turns, 8, 32), t.zeros(8, 32), W, U, b)


def trained(t: ModuleType, turns: int, grad: bool) -> tuple[Callable[..., Any], tuple]:
    """Return a step of training a cell of two linear layers by the mean square of its last state, and what it is given."""
    t.manual_seed(0)
    of_input, of_state = t.nn.Linear(32, 32), t.nn.Linear(32, 32)
    optimizer = t.optim.SGD([*of_input.parameters(), *of_state.parameters()], lr=0.01)

    def function(xs: Any, h: Any) -> Any:
        optimizer.zero_grad()
        for n in range(turns):
            h = t.tanh(of_input(xs[n]) + of_state(h))
        loss = h.square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return function, (t.randn(turns, 8, 32), t.zeros(8, 32))


def scanned(t: ModuleType, turns: int, grad: bool) -> tuple[Callable[..., Any], tuple]:
    """Return the mean square of all states of a cell, by `scan`, and what it is given."""
    function, given = recurrent(t, turns, grad)
    if t is not lineal:
        return function, given

    def by_scan(xs: Any, h: Any, W: Any, U: Any, b: Any) -> Any:
        def step(h: Any, x: Any) -> tuple:
            h = t.tanh(x @ W + h @ U + b)
            return h, h

        return scan(step, h, xs)[1].square().mean()

    return by_scan, given


def nested(t: ModuleType, turns: int, grad: bool) -> tuple[Callable[..., Any], tuple]:
    """Return the last state of a cell that takes each input ten times, and what it is given."""
    _, (xs, *given) = recurrent(t, turns, grad)

    def function(xs: Any, h: Any, W: Any, U: Any, b: Any) -> Any:
        for x in xs:
            for _ in range(10):
                h = t.tanh(x @ W + h @ U + b)
            h = h / (1 + h.norm())
        return h.square().mean()

    return function, (xs[: turns // 10], *given)


def iterated(t: ModuleType, turns: int, grad: bool) -> tuple[Callable[..., Any], tuple]:
    """Return Richardson's iteration for a system of 64 unknowns, which takes about `turns` turns, and what it is given."""
    t.manual_seed(0)
    A = t.eye(64, dtype=t.float64) * ((1 - math.exp(-16 / turns)) / 0.9)

    def turn(x: Any, r: Any) -> tuple:
        x = x + r * 0.9
        return x, b - A @ x

    def function(A: Any, b: Any) -> Any:
        loop = lineal.while_loop if t is lineal else plain
        return loop(lambda x, r: (r * r).sum() > 1e-12, lambda x, r: turn(x, r), (t.zeros_like(b), b))[0]

    b = t.randn(64, dtype=t.float64)
    return function, (A, b)


def plain(more: Callable[..., Any], turn: Callable[..., Any], carried: tuple) -> tuple:
    """Python's own loop, where a library has none."""
    while more(*carried):
        carried = turn(*carried)
    return carried


def call(function: Callable[..., Any], given: tuple, grad: bool) -> Callable[[], object]:
    """Return the call of a function, with its gradients."""

    def run() -> None:
        y = function(*given)
        if grad:
            y.backward()

    return run


COLD = """
import time, lineal, loops
warm = lineal.compile(lambda x: (x * 2).sum())
warm(lineal.ones(3)), warm(lineal.ones(3))
function, given = loops.{name}(lineal, {turns}, {grad})
start = time.perf_counter()
run = loops.call(lineal.compile(function), given, {grad})
run(), run()
print(time.perf_counter() - start)
"""


def cold_seconds(name: str, turns: int, grad: bool) -> float:
    """Return how long the first two calls take in a new process with nothing cached."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "LINEAL_CACHE": folder,
            "PYTHONPATH": os.pathsep.join((os.path.dirname(__file__), *sys.path)),
        }
        code = COLD.format(name=name, turns=turns, grad=grad)
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Run the loops and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    console = Console(width=130)
    console.print(f"{machine()}; {versions()}")
    table = Table("loop", "turns", "first calls, s", "compiled, ms", "eager, ms", "torch eager, ms", "torch / compiled")
    kinds = [
        ("recurrent, forward", recurrent, False),
        ("recurrent, with gradients", recurrent, True),
        ("scan, with gradients", scanned, True),
        ("recurrent, a step of SGD", trained, False),
        ("nested, with gradients", nested, True),
        ("while", iterated, False),
    ]
    for label, make, grad in kinds:
        for turns in options.turns:
            function, given = make(lineal, turns, grad)
            runs = {"compiled": call(lineal.compile(function), given, grad), "eager": call(function, given, grad)}
            if torch is not None:
                runs["torch"] = call(*make(torch, turns, grad), grad)
            times = medians(runs, options.rounds)
            words = [f"{times[name] * 1e3:.3f}" if name in times else "" for name in ("compiled", "eager", "torch")]
            ratio = f"{times['torch'] / times['compiled']:.1f}" if torch is not None else ""
            table.add_row(label, str(turns), f"{cold_seconds(make.__name__, turns, grad):.2f}", *words, ratio)
    console.print(table)


if __name__ == "__main__":
    main()
