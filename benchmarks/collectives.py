"""Collectives of the ranks of one machine, beside PyTorch's gloo: `python benchmarks/collectives.py [--dtype bfloat16]`.

Each rank is a process of one thread that has both libraries, whose calls take turns; before each, ranks wait for each other.
Prints the shortest time of rank 0 and the ratio, for each collective and size.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import torch

import lineal
from lineal.bench.interleaved import machine
from lineal.multiprocessing import spawn

SIZES = (1, 1 << 10, 1 << 14, 1 << 18, 1 << 23)
"""How many numbers a rank brings."""
PORT = "29655"


def calls(t: Any, count: int, ranks: int, dtype: str) -> dict[str, Callable[[], Any]]:
    """Return the calls of a library for a size."""
    x, whole = (t.zeros(size, dtype=getattr(t, dtype)) for size in (count, count * ranks))
    dist = t.distributed
    return {
        "all_reduce": lambda: dist.all_reduce(x),
        "broadcast": lambda: dist.broadcast(x, 0),
        "all_gather": lambda: dist.all_gather(list(whole.chunk(ranks)), x),
        "barrier": dist.barrier,
    }


def seconds(t: Any, call: Callable[[], Any]) -> float:
    """Return how long a call takes, once all ranks are there."""
    t.distributed.barrier()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(rank: int, ranks: int, rounds: int, dtype: str) -> None:
    """Measure as one rank; rank 0 prints a table."""
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=PORT)
    torch.set_num_threads(1)
    lineal.set_num_threads(1)
    for t in (torch, lineal):
        t.distributed.init_process_group("gloo")
    for count in SIZES:
        both = [calls(t, count, ranks, dtype) for t in (torch, lineal)]
        size = count * getattr(lineal, dtype).itemsize
        turns = rounds if count > 1 << 16 else 10 * rounds
        for name in both[0] if count == 1 else list(both[0])[:3]:
            times = [[seconds(t, each[name]) for t, each in zip((torch, lineal), both)] for _ in range(turns)]
            theirs, mine = (min(column) * 1e6 for column in zip(*times))
            if rank == 0:
                print(f"| {name} | {size:,} | {theirs:,.0f} | {mine:,.0f} | {theirs / mine:.1f} |", flush=True)
    for t in (torch, lineal):
        t.distributed.destroy_process_group()


def main() -> None:
    """Start the ranks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--dtype", default="float32")
    args = parser.parse_args()
    print(machine())
    print("| collective | bytes | gloo, µs | lineal, µs | gloo / lineal |\n|---|---|---|---|---|", flush=True)
    spawn(measure, (args.ranks, args.rounds, args.dtype), args.ranks)


if __name__ == "__main__":
    main()
