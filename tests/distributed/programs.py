"""What two ranks do, for tests: each function is run by both, and returns what the test looks at."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import lineal as torch
from lineal import distributed as dist

SIZES = (0, 1, 7, 70001)
"""Nothing, one element, an odd number, more than goes through at a time."""


def numbers(rank: int, size: int, dtype: Any) -> Any:
    """Return different numbers on each rank, small enough to be summed up exactly."""
    return (torch.arange(size) % 7 + 3 * rank).to(dtype)


def reductions(rank: int) -> list:
    """Every reduction of every dtype, at every size."""
    found = []
    for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.complex64, torch.int64, torch.uint8, torch.bool):
        for op in list(dist.ReduceOp)[:-1]:
            for size in SIZES[:3]:
                x = numbers(rank, size, dtype)
                try:
                    dist.all_reduce(x, op)
                except (RuntimeError, ValueError) as error:
                    found.append((str(dtype), op.name, size, type(error).__name__))
                else:
                    found.append((str(dtype), op.name, size, x.tolist()))
    return found


def large(rank: int) -> list:
    """A sum that takes several steps, of a tensor that does not lie side by side, then begun and waited for."""
    x = numbers(rank, 2 * SIZES[3], torch.float32).reshape(SIZES[3], 2).t()
    dist.all_reduce(x)
    works = [dist.all_reduce(x, dist.ReduceOp.AVG, async_op=True) for _ in range(3)]
    return [x.sum().item() if all(work.wait() for work in works) else None, works[0].get_future().value()[0] is x]


def movements(rank: int) -> dict[str, Any]:
    """What moves tensors without computing."""
    x, found = torch.tensor([[1.0, 2.0]]).t() + 10 * rank, {}
    parts = [torch.zeros(2, 1), torch.zeros(1, 2).t()]
    dist.all_gather(parts, x)
    found["all_gather"] = [each.tolist() for each in parts]
    whole = torch.zeros(4, 1)
    dist.all_gather_into_tensor(whole, x)
    found["all_gather_into_tensor"] = whole.flatten().tolist()
    y = x.clone()
    dist.broadcast(y, src=1)
    found["broadcast"] = y.flatten().tolist()
    dist.scatter(y, [x, x + 1] if rank == 0 else None)
    found["scatter"] = y.flatten().tolist()
    lists = [torch.zeros(2, 1), torch.zeros(2, 1)] if rank == 1 else None
    dist.gather(x, lists, dst=1)
    found["gather"] = [each.flatten().tolist() for each in lists or ()]
    y = x.clone()
    dist.reduce(y, dst=1)
    found["reduce"] = y.flatten().tolist()
    part = torch.zeros(1, 1)
    dist.reduce_scatter_tensor(part, x)
    found["reduce_scatter_tensor"] = part.item()
    dist.reduce_scatter(y, [x, 2 * x])
    found["reduce_scatter"] = y.flatten().tolist()
    out = torch.zeros(3 - rank, dtype=torch.bfloat16)
    sizes = [2, 1] if rank == 0 else [1, 1]
    dist.all_to_all_single(
        out, torch.arange(float(2 + (rank == 0))).bfloat16() + 10 * rank, [2, 1] if rank == 0 else [1, 1], sizes
    )
    found["all_to_all_single"] = out.tolist()
    outs = [torch.zeros(1 + rank), torch.zeros(1 + rank)]
    dist.all_to_all(outs, [torch.full((1,), float(rank)), torch.full((2,), float(rank))])
    found["all_to_all"] = [each.tolist() for each in outs]
    return found


def objects(rank: int) -> list:
    """Objects of different sizes."""
    every, mine, given = [None, None], [None], [rank, "x" * rank]
    dist.all_gather_object(every, {"rank": rank, "ones": torch.ones(rank + 1)})
    dist.scatter_object_list(mine, ["a", "b" * 9] if rank == 0 else None)
    dist.broadcast_object_list(given, src=1)
    if rank == 0:
        dist.send_object_list([{1, 2}], dst=1)
    taken: list = [None]
    source = dist.recv_object_list(taken) if rank == 1 else None
    return [every[1]["ones"].tolist(), mine, given, taken, source]


def messages(rank: int) -> list:
    """Messages by tags out of order, from whoever, larger than what is on its way at a time, and both ways at once."""
    big, small, found = torch.arange(float(SIZES[3])), torch.ones(2), []
    if rank == 0:
        dist.send(small, 1, tag=5)
        dist.send(big, 1, tag=6)
    else:
        y, z = torch.zeros(SIZES[3]), torch.zeros(2)
        found += [dist.recv(y, tag=6), dist.recv(z, 0, tag=5), bool((y == big).all()), z.tolist()]
    y = torch.zeros(SIZES[3])
    both = [dist.P2POp(dist.isend, big + rank, 1 - rank), dist.P2POp(dist.irecv, y, 1 - rank)]
    for work in dist.batch_isend_irecv(both):
        work.wait()
    return [*found, (y - big).tolist()[-1]]


def groups(rank: int) -> list:
    """Groups of some ranks, in another order, and formed by their members alone."""
    one, turned = dist.new_group([1]), dist.new_group([1, 0], sort_ranks=False)
    own, x = dist.new_group([rank], use_local_synchronization=True), torch.ones(1)
    both = dist.new_group([0, 1], use_local_synchronization=True)
    dist.all_reduce(x, group=both)
    dist.all_reduce(x, group=own)
    dist.broadcast(x := x + rank, src=1, group=turned)
    told = [dist.get_rank(one), dist.get_rank(turned), dist.get_process_group_ranks(turned), x.item()]
    return [*told, one == dist.GroupMember.NON_GROUP_MEMBER]


def refused(make: Callable[[], Any]) -> str:
    """Return the words of the error that a call ends with."""
    try:
        make()
    except (RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "none"


def mistakes(rank: int) -> list[str]:
    """Calls that are not the same on both ranks, and one that is after them."""
    x = torch.ones(2)
    found = [
        refused(lambda: dist.all_reduce(torch.ones(2 + rank))),
        refused(lambda: dist.all_reduce(x.double() if rank else x)),
        refused(lambda: dist.all_reduce(x) if rank else dist.broadcast(x, 0)),
        refused(lambda: dist.all_to_all_single(torch.ones(4), torch.ones(4), [1, 3], [1, 3])),
        refused(lambda: dist.send(x, 1) if rank == 0 else dist.recv(torch.ones(3), 0)),
    ]
    dist.all_reduce(x)
    return [*found, str(x.tolist())]


SCENARIOS = (reductions, large, movements, objects, messages, groups, mistakes)


def main() -> None:
    """Run all scenarios as the rank that the environment tells; put what they return into a file."""
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.save({each.__name__: each(rank) for each in SCENARIOS}, f"{sys.argv[1]}/{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
