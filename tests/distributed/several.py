"""Three ranks: every number is checked by each of them, for it can make what the others bring."""

from __future__ import annotations

import sys
from functools import reduce
from typing import Any

import numpy as np

import lineal as torch
from lineal import distributed as dist

SIZES = (0, 1, 5, 9000, 700001)
"""Among them some that go in one step, in shares, and in several steps of shares."""


def brought(dtype: Any, size: int) -> list:
    """Return what each rank brings."""
    numbers = [np.random.default_rng(rank).standard_normal(size) * 100 for rank in range(dist.get_world_size())]
    return [torch.tensor(each).to(dtype) for each in numbers]


def check_collectives(rank: int, xs: list) -> None:
    """Compare what collectives give with what it must be: sums to the last bit, in the order of the ranks."""
    dtype = xs[0].dtype
    wide = torch.float32 if dtype is torch.bfloat16 else dtype
    total = reduce(lambda a, b: a + b.to(wide), xs[1:], xs[0].to(wide)).to(dtype)
    y, z, every = xs[rank].clone(), xs[rank].clone(), [torch.zeros_like(xs[0]) for _ in xs]
    dist.all_reduce(y)
    assert torch.equal(y, total)
    dist.reduce(z, 1)
    assert torch.equal(z, total if rank == 1 else xs[rank])
    dist.reduce_scatter(z, [x + 1 for x in xs])
    dist.all_gather(every, xs[rank])
    assert all(torch.equal(a, b) for a, b in zip(every, xs))
    dist.all_to_all(every, [xs[rank] + other for other in range(len(xs))])
    assert all(torch.equal(a, b + rank) for a, b in zip(every, xs))
    y = xs[rank].clone()
    dist.broadcast(y, 2)
    assert torch.equal(y, xs[2])


def check_group(rank: int, xs: list) -> None:
    """Let two of the ranks form a group."""
    pair = dist.new_group([0, 2])
    if rank == 1:
        return
    y = xs[rank].clone()
    dist.all_reduce(y, dist.ReduceOp.MAX, group=pair)
    assert torch.equal(y, torch.maximum(xs[0], xs[2]))
    if rank == 0:
        dist.send(xs[0], 2, group=pair)
    else:
        assert dist.recv(y, group=pair) == 0 and torch.equal(y, xs[0])


def main(backend: str) -> None:
    """Check all sizes and some dtypes."""
    dist.init_process_group(backend)
    rank = dist.get_rank()
    for dtype in (torch.float32, torch.bfloat16, torch.int64):
        for size in SIZES:
            xs = brought(dtype, size)
            check_collectives(rank, xs)
            check_group(rank, xs)
    x = torch.ones(3)
    dist.all_reduce(x, dist._make_nccl_premul_sum(0.5))
    assert x.tolist() == [1.5] * 3
    dist.destroy_process_group()


main(sys.argv[1])
