"""Two ranks that make the same calls with both libraries, and compare what they give: numbers, or the kinds of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import torch

import lineal

DTYPES = "float32 float64 float16 bfloat16 complex64 int8 uint8 int32 int64 bool"
OPS = "SUM AVG PRODUCT MIN MAX BAND BOR BXOR"


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or the kind of its error."""
    try:
        return call()
    except Exception as error:
        return next(kind.__name__ for kind in (ValueError, TypeError, RuntimeError) if isinstance(error, kind))


def ones(t: Any, dtype: str, rank: int) -> Any:
    return t.tensor([1, 0, 1 + rank, 2]).to(getattr(t, dtype))


def reduced(t: Any, dtype: str, op: str, rank: int) -> Callable[[], Any]:
    """Return the call of a reduction."""
    x = ones(t, dtype, rank)
    return lambda: (t.distributed.all_reduce(x, getattr(t.distributed.ReduceOp, op)), x.tolist())[1]


def moves(t: Any, rank: int) -> dict[str, Callable[[], Any]]:
    """Return calls of other collectives, right ones and wrong ones."""
    dist, x, y, four = t.distributed, t.arange(2.0) + rank, t.zeros(2), t.arange(4.0) + 10 * rank
    lists, wide = [t.zeros(2), t.zeros(2)], t.zeros(4)
    odd, even = ([1, 3], [3, 1]) if rank == 0 else ([3, 1], [1, 3])
    return {
        "gather": lambda: (dist.gather(x, lists if rank == 0 else None), [each.tolist() for each in lists])[1],
        "scatter": lambda: (dist.scatter(y, lists if rank == 0 else None), y.tolist())[1],
        "parts": lambda: (dist.all_to_all_single(wide, four, odd, odd), wide.tolist())[1],
        "wrong count": lambda: dist.all_gather([y], x),
        "wrong parts": lambda: dist.all_to_all_single(wide, four, [1, 2], even),
        "no list": lambda: dist.gather(x, None if rank == 0 else [y], 0),
        "to itself": lambda: dist.send(x, rank),
        "no tensor": lambda: dist.all_reduce([1.0]),
        "both ranks": lambda: dist.broadcast(x, 0, group_src=0),
        "other dtype": lambda: dist.all_gather([t.zeros(2).double()] * 2, x),
        "no group": lambda: dist.all_reduce(x, group=3),
        "own rank": lambda: [dist.get_rank(), dist.get_world_size(), dist.get_backend(), dist.get_process_group_ranks(None)],
        "outside": lambda: [dist.get_rank(dist.new_group([0])), dist.get_world_size(dist.new_group([1]))],
        "objects": lambda: (dist.broadcast_object_list(found := [rank, "a"], 1), found)[1],
    }


def main(rank: int) -> None:
    """Print what differs."""
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT="29688")
    for t in (torch, lineal):
        t.distributed.init_process_group("gloo")
    calls = {
        (dtype, op): [reduced(t, dtype, op, rank) for t in (torch, lineal)] for dtype in DTYPES.split() for op in OPS.split()
    }
    theirs, mine = moves(torch, rank), moves(lineal, rank)
    calls |= {(name, ""): [theirs[name], mine[name]] for name in theirs}
    for name, both in calls.items():
        found = [outcome(call) for call in both]
        if found[0] != found[1]:
            print(*name, "PyTorch:", found[0], "lineal:", found[1])
    for t in (torch, lineal):
        t.distributed.destroy_process_group()


main(int(sys.argv[1]))
