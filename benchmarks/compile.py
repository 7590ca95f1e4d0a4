"""Compiled functions against PyTorch's eager mode and JAX's jit: `python benchmarks/compile.py [NAMES]`.

Needs torch and jax for the comparisons (`pip install torch==2.13.0 jax`); without them their columns stay empty. Every library
uses all processors of the process. It is `lineal bench`, with `--cold` for the time that compiling takes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.table import Table

from lineal.bench.workloads import WORKLOADS
from lineal.cli import bench

COLD = """
import sys, time, lineal
from lineal.bench.workloads import WORKLOADS
function, data = WORKLOADS[{name!r}](lineal)
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
    code = COLD.format(name=name)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LINEAL_CACHE": folder}
        found = []
        for _ in range(4):
            done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
            found.append(float(done.stdout.split()[-1]))
    return found[0], min(found[1:])


def main() -> None:
    """Run the workloads and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--torch-compile", action="store_true", help="compare with torch.compile too")
    parser.add_argument("--cold", action="store_true", help="measure also how long compiling takes")
    options = parser.parse_args()
    bench.run(argparse.Namespace(**vars(options), plot=None))
    if options.cold:
        table = Table("seconds of the first calls", "nothing cached", "cached on disk")
        for name in options.names or WORKLOADS:
            table.add_row(name, *(f"{each:.3f}" for each in compile_seconds(name)))
        Console(width=130).print(table)


if __name__ == "__main__":
    main()
