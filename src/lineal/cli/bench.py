"""`lineal bench`."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from lineal import train
from lineal.base.threads import available
from lineal.bench.comparison import LIBRARIES, compared, machine, versions
from lineal.bench.workloads import WORKLOADS


def run(args: argparse.Namespace) -> int:
    """Measure the workloads that were asked for, print the table, and return the exit code."""
    console = Console(highlight=False, width=None if Console().is_terminal else 130)
    console.print(f"{machine()}, {available()} processors; {versions()}")
    console.print(f"medians of {args.rounds} interleaved rounds, microseconds")
    found = {name: compared(name, args.rounds, args.torch_compile) for name in args.names or WORKLOADS}
    libraries = [each for each in LIBRARIES if any(each in seconds for seconds in found.values())]
    rivals = libraries[1:]
    table = Table("workload", *libraries, *(f"{each} / lineal" for each in rivals))
    for name, seconds in found.items():
        times = (f"{seconds[each] * 1e6:,.1f}" if each in seconds else "-" for each in libraries)
        ratios = (f"{seconds[each] / seconds['lineal']:.2f}" if each in seconds else "-" for each in rivals)
        table.add_row((WORKLOADS[name].__doc__ or name).rstrip("."), *times, *ratios)
    console.print(table)
    if args.plot is not None:
        train.figures.comparison(found, args.plot)
    return 0
