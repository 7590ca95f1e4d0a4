"""The examples that train, with lineal eager and compiled, and PyTorch: `python benchmarks/examples.py [NAMES]`.

Each example is run whole, in a process for each library, in turn; the least seconds of its `main` count, with the first
steps, which compile from the cache on disk. For PyTorch (`pip install torch==2.13.0`) its source is read with other imports;
what it prints is the same but for the random numbers.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sides import SIDES

from lineal.bench.interleaved import machine

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = [path.stem for path in sorted(EXAMPLES.glob("*.py")) if "compiled=True" in path.read_text(encoding="utf-8")]
DIGITS = """
from lineal.data import digits as stored
def digits():
    numpy = [[each.numpy() for each in part.tensors] for part in stored()]
    return [torch.utils.data.TensorDataset(*map(torch.from_numpy, part)) for part in numpy]
"""


def for_torch(source: str) -> str:
    """Return an example that imports PyTorch in the place of lineal; the digits stay lineal's."""
    source = source.replace("from lineal.data import DataLoader, digits", "from torch.utils.data import DataLoader")
    source = re.sub(r"\b(import|from) lineal\b", r"\1 torch", source).replace("import torch as torch", "import torch")
    return source.replace("\n\n\n", DIGITS, 1) if "digits()" in source else source


def serve(name: str, side: str) -> None:
    """Be the process of one side: run an example, and print its seconds."""
    library, compiled = SIDES[side]
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    space: dict = {"__name__": name}
    exec(compile(source if library == "lineal" else for_torch(source), f"{name}.py", "exec"), space)
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        space["main"](compiled=compiled)
    print(time.perf_counter() - start)


def seconds(name: str, side: str, rounds: int) -> list[float]:
    """Return the seconds of an example on one side; none if the library is not there."""
    command = [sys.executable, __file__, "--serve", side, name]
    found = []
    for _ in range(rounds):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        if done.returncode:
            print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
            return []
        found.append(float(done.stdout.split()[-1]))
    return found


def main() -> None:
    """Print the table."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--serve", help=argparse.SUPPRESS)
    given = reader.parse_args()
    if given.serve:
        serve(given.names[0], given.serve)
        return
    console = Console(width=120)
    console.print(machine())
    table = Table("example", *(f"{side}, s" for side in SIDES), *(f"PyTorch / {side}" for side in list(SIDES)[:2]))
    for name in given.names or NAMES:
        times: dict[str, list[float]] = {side: [] for side in SIDES}
        for _ in range(given.rounds):
            for side, each in times.items():
                each += seconds(name, side, 1)
        least = {side: min(each) for side, each in times.items() if each}
        ratios = [f"{least['PyTorch'] / least[side]:.2f}" if "PyTorch" in least else "-" for side in list(SIDES)[:2]]
        table.add_row(name, *(f"{least[side]:.2f}" if side in least else "-" for side in SIDES), *ratios)
    console.print(table)


if __name__ == "__main__":
    main()
