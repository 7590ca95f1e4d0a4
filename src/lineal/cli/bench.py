"""`lineal bench`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from lineal import train
from lineal.base.threads import available
from lineal.bench.comparison import LIBRARIES, compared, machine, versions
from lineal.bench.workloads import WORKLOADS
from lineal.cli import display


def run(args: argparse.Namespace) -> int:
    """Measure the workloads that were asked for, print the table, and return the exit code."""
    if not args.json:
        print(f"{machine()}, {available()} processors; {versions()}")
        print(f"medians of {args.rounds} interleaved rounds, microseconds", flush=True)
    found = {name: compared(name, args.rounds, args.torch_compile) for name in args.names or WORKLOADS}
    if args.plot is not None:
        train.figures.comparison(found, args.plot)
    if args.json:
        where = {"machine": machine(), "processors": available(), "versions": versions(), "rounds": args.rounds}
        display.show_json({**where, "seconds": found})
    else:
        show(found)
    return 0


def show(found: Mapping[str, Mapping[str, float]]) -> None:
    """Print the seconds of workloads, by library, as a table with ratios."""
    libraries = [each for each in LIBRARIES if any(each in seconds for seconds in found.values())]
    rivals = libraries[1:]
    rows = []
    for name, seconds in found.items():
        times = (f"{seconds[each] * 1e6:,.1f}" if each in seconds else "-" for each in libraries)
        ratios = (f"{seconds[each] / seconds['lineal']:.2f}" if each in seconds else "-" for each in rivals)
        rows.append(((WORKLOADS[name].__doc__ or name).rstrip("."), *times, *ratios))
    display.show_table(["workload", *libraries, *(f"{each} / lineal" for each in rivals)], rows)
