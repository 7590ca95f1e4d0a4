"""Compiled functions against PyTorch's eager mode and JAX's jit: `python benchmarks/compile.py [NAMES]`.

Needs torch and jax for the comparisons (`pip install torch==2.13.0 jax`); without them their columns stay empty. Every library
uses all processors of the process. Prints medians in microseconds of interleaved rounds, and how many times faster lineal is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from rich.console import Console
from rich.table import Table

import lineal

sys.path.insert(0, str(Path(__file__).parent))
import compile_jax
from interleaved import machine, medians

try:
    import torch
except ImportError:
    torch = None

Call = Callable[[], object]


def step_of(t: ModuleType, net, loss, optimizer) -> Callable:
    """Return one training step as a function of a batch."""

    def step(x, y):
        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()
        return value

    return step


def regression(t: ModuleType) -> tuple[Callable, tuple]:
    """Linear regression, 200 × 5, one step of SGD."""
    net = t.nn.Linear(5, 1)
    return step_of(t, net, t.nn.MSELoss(), t.optim.SGD(net.parameters(), lr=0.01)), (t.randn(200, 5), t.randn(200, 1))


def small_network(t: ModuleType) -> tuple[Callable, tuple]:
    """MLP 16-32-32-1, batch of 32, one step of Adam."""
    nn = t.nn
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    return step_of(t, net, nn.MSELoss(), t.optim.Adam(net.parameters(), lr=0.01)), (t.randn(32, 16), t.randn(32, 1))


def digits_network(t: ModuleType) -> tuple[Callable, tuple]:
    """MLP 784-256-10, batch of 256, one step of Adam."""
    nn = t.nn
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    data = t.randn(256, 784), t.randint(0, 10, (256,))
    return step_of(t, net, nn.CrossEntropyLoss(), t.optim.Adam(net.parameters(), lr=1e-3)), data


def elementwise(t: ModuleType) -> tuple[Callable, tuple]:
    """gelu(x w + b) + tanh(x) / 2 on 5 million float32."""
    n = 5_000_000
    return lambda x, w, b: t.nn.functional.gelu(x * w + b) + t.tanh(x) / 2, (t.randn(n), t.randn(n), t.randn(n))


def normalised(t: ModuleType) -> tuple[Callable, tuple]:
    """layer_norm, then softmax, forward and backward, 2048 × 1024."""
    x, g = t.randn(2048, 1024).requires_grad_(), t.randn(2048, 1024)
    w, b = t.ones(1024).requires_grad_(), t.zeros(1024).requires_grad_()

    def run(g):
        y = t.softmax(t.nn.functional.layer_norm(x, (1024,), w, b), -1)
        return t.autograd.grad(y, (x, w, b), g)

    return run, (g,)


def sums(t: ModuleType) -> tuple[Callable, tuple]:
    """Sum, sums of columns and of rows, mean of squares, 2048 × 2048."""
    return lambda x: (x.sum(), x.sum(0), x.sum(1), (x * x).mean()), (t.randn(2048, 2048),)


WORKLOADS = {
    "regression": regression,
    "small network": small_network,
    "digits network": digits_network,
    "elementwise": elementwise,
    "normalised": normalised,
    "sums": sums,
}

WARM_CALLS = 5
"""Calls before the clock starts: the states of an optimizer appear, programs are compiled."""


def rivals(name: str) -> dict[str, Call]:
    """Return what computes one workload, by library."""
    make = WORKLOADS[name]
    function, data = make(lineal)
    compiled, eager = lineal.compile(function), make(lineal)
    found: dict[str, Call] = {"lineal": lambda: compiled(*data), "lineal eager": lambda: eager[0](*eager[1])}
    if torch is not None:
        theirs, given = make(torch)
        found["torch"] = lambda: theirs(*given)
    jitted = compile_jax.rival(name)
    if jitted is not None:
        found["jax"] = jitted
    for each in found.values():
        for _ in range(WARM_CALLS):
            each()
    return found


COLD = """
import sys, time, lineal
sys.path.insert(0, {folder!r})
import compile as workloads
function, data = workloads.WORKLOADS[{name!r}](lineal)
lineal.randn(3) @ lineal.randn(3)
compiled, spent = lineal.compile(function), []
for _ in range(4):
    start = time.perf_counter()
    compiled(*data)
    spent.append(time.perf_counter() - start)
print(sum(spent))
"""


def compile_seconds(name: str) -> tuple[float, float]:
    """Return how long the first calls take in new processes: with an empty cache on disk, and with a filled one."""
    code = COLD.format(folder=str(Path(__file__).parent), name=name)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LINEAL_CACHE": folder}
        found = []
        for _ in range(4):
            done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
            found.append(float(done.stdout.split()[-1]))
    return found[0], min(found[1:])


def versions() -> str:
    """Return the versions of what is compared."""
    found = [f"lineal {lineal.__version__}", f"numpy {np.__version__}"]
    found += [] if torch is None else [f"torch {torch.__version__}"]
    found += [] if compile_jax.jax is None else [f"jax {compile_jax.jax.__version__}"]
    return ", ".join(found)


def ratio(found: dict[str, float], name: str) -> str:
    """Return how many times faster the compiled function is than a rival."""
    return f"{found[name] / found['lineal']:.2f}" if name in found else "-"


def main() -> None:
    """Run the workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--cold", action="store_true", help="measure also how long compiling takes")
    options = parser.parse_args()
    names = options.names or list(WORKLOADS)
    console = Console(width=130)
    console.print(
        f"{machine()}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} processors"
    )
    console.print(f"{versions()}; medians of {options.rounds} interleaved rounds, microseconds")
    libraries = ("lineal", "lineal eager", "torch", "jax")
    table = Table("workload", *libraries, *(f"{each} / lineal" for each in libraries[1:]))
    for name in names:
        found = medians(rivals(name), options.rounds)
        times = (f"{found[each] * 1e6:.1f}" if each in found else "-" for each in libraries)
        table.add_row((WORKLOADS[name].__doc__ or name).rstrip("."), *times, *(ratio(found, each) for each in libraries[1:]))
    console.print(table)
    if options.cold:
        table = Table("seconds of the first calls", "nothing cached", "cached on disk")
        for name in names:
            table.add_row(name, *(f"{each:.3f}" for each in compile_seconds(name)))
        console.print(table)


if __name__ == "__main__":
    main()
