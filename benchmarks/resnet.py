"""A training step of ResNet-18: `python benchmarks/resnet.py [--batch 8] [--side 224] [--memory] [--compiling]`.

Milliseconds of a step of SGD with momentum, lineal eager and compiled, PyTorch (`pip install torch==2.13.0`) eager, in turn,
each time in a process of its own. `--memory`: by how
many MB the resident set of a process of each side grows, above what it is before the first step, in the first
steps and in later ones. `--compiling`: how many seconds the first steps take, with an empty cache on disk,
then with a filled one.   He et al. (2016).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blocks import residual_block
from rich.console import Console
from rich.table import Table
from sides import SIDES

FIRST, LATER = 4, 4
"""How many steps trace and compile, and how many come after them."""


def network(t: Any) -> Any:
    """Return ResNet-18."""
    nn, Block = t.nn, residual_block(t)
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    before = 64
    for after in (64, 128, 256, 512):
        layers += [Block(before, after, 1 if before == after else 2), Block(after, after, 1)]
        before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def step_of(side: str, batch: int, size: int) -> Callable[[], Any]:
    """Return a training step of one side."""
    library, compiled = SIDES[side]
    t = importlib.import_module(library)
    t.manual_seed(0)
    net, x, y = network(t), t.randn(batch, 3, size, size), t.randint(0, 1000, (batch,))
    optimizer = t.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = t.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    done = t.compile(step) if compiled else step
    return lambda: done(x, y)


def resident(name: str) -> float:
    """Return a number of this process's memory, in MB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1e3 if found else 0.0


def measure(side: str, batch: int, size: int) -> None:
    """Print what the steps of one side take: seconds of each, MB in the first ones and in later ones."""
    step, spent, grown = step_of(side, batch, size), [], []
    before = resident("VmRSS")
    for count in (FIRST, LATER):
        # 5 sets the peak back to what there is now
        Path("/proc/self/clear_refs").write_text("5")
        for _ in range(count):
            start = time.perf_counter()
            step()
            spent.append(time.perf_counter() - start)
        grown.append(resident("VmHWM") - before)
    print(json.dumps({"seconds": spent, "grown": grown}))


def measured(side: str, given: argparse.Namespace, **environment: str) -> dict[str, list[float]]:
    """Return what a process of one side prints."""
    sizes = [f"--batch={given.batch}", f"--side={given.side}"]
    command = [sys.executable, __file__, "--serve", side, *sizes]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def memory(given: argparse.Namespace) -> Table:
    """Return the table of memory."""
    table = Table("side", "first steps, MB", "later steps, MB")
    for side in SIDES:
        table.add_row(side, *(f"{each:.0f}" for each in measured(side, given)["grown"]))
    return table


def compiling(given: argparse.Namespace) -> Table:
    """Return the table of the first steps of the compiled one, beyond what later ones take."""
    table = Table("cache on disk", "seconds of the first steps, above later ones")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("empty", "filled"):
            spent = measured("lineal, compiled", given, LINEAL_CACHE=folder)["seconds"]
            usual = statistics.median(spent[FIRST:])
            table.add_row(name, ", ".join(f"{each - usual:.2f}" for each in spent[:FIRST]))
    return table


def times(given: argparse.Namespace) -> Table:
    """Return the table of steps, in milliseconds: the least of all rounds."""
    table = Table("side", "ms a step")
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(given.rounds):
        for side, each in found.items():
            each += measured(side, given)["seconds"][FIRST:]
    for side, each in found.items():
        table.add_row(side, f"{min(each) * 1e3:.0f}")
    return table


def main() -> None:
    """Print a table."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--batch", type=int, default=8)
    reader.add_argument("--side", type=int, default=224)
    reader.add_argument("--rounds", type=int, default=5)
    reader.add_argument("--memory", action="store_true")
    reader.add_argument("--compiling", action="store_true")
    reader.add_argument("--serve", help=argparse.SUPPRESS)
    given = reader.parse_args()
    if given.serve:
        measure(given.serve, given.batch, given.side)
        return
    Console(width=120).print((memory if given.memory else compiling if given.compiling else times)(given))


if __name__ == "__main__":
    main()
