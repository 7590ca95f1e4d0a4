"""What two ranks do, for tests: each function is run by both, and returns what the test looks at."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import lineal as torch
from lineal import distributed as dist
from lineal import nn
from lineal.nn.parallel import DistributedDataParallel
from lineal.optim.redundancy import ZeroRedundancyOptimizer

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


class Branches(nn.Module):
    """Each rank uses another part; the last is used by none."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(2, 1, bias=False) for _ in range(3))

    def forward(self, x: Any) -> Any:
        return self.parts[dist.get_rank()](x)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.BatchNorm1d(2))


def trained(model: nn.Module, x: Any, y: Any, step: Callable = lambda function: function) -> list:
    """Return the parameters after some steps."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    @step
    def update() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()

    for _ in range(4):
        update()
    return [each.detach().flatten().tolist() for each in model.parameters()]


def training(rank: int) -> dict[str, Any]:
    """Some steps of a network whose batches are halves of those that one process would take."""
    torch.manual_seed(3)
    x, y, half = torch.randn(8, 3), torch.randn(8, 2), slice(4 * rank, 4 * rank + 4)
    other = network()[:3]
    with torch.no_grad():
        other[0].weight.add_(rank)
    found = {
        "one": trained(network()[:3], x, y),
        "two": trained(DistributedDataParallel(other, bucket_cap_mb=1e-5), x[half], y[half]),
        "compiled": trained(DistributedDataParallel(network()[:3]), x[half], y[half], torch.compile),
    }
    normed = DistributedDataParallel(network())
    trained(normed, x[half], y[half])
    normed(x[half])
    found["own"] = normed.module[3].running_mean.tolist()
    model = DistributedDataParallel(network()[:3])
    with model.no_sync():
        model(x[half][:1]).sum().backward()
    model(x[half][1:]).sum().backward()
    found["accumulated"] = model.module[2].weight.grad.tolist()
    alone = network()[:3]
    (alone(x).sum() / 2).backward()
    found["joined"] = alone[2].weight.grad.tolist()
    synced = DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(network()))
    found["synced"] = [trained(synced, x[half], y[half]), *(each.tolist() for each in synced.module[3].buffers())]
    alone = network()
    found["normed"] = [trained(alone, x, y), *(each.tolist() for each in alone[3].buffers())]
    branches = DistributedDataParallel(Branches(), find_unused_parameters=True)
    for _ in range(2):
        branches(torch.ones(1, 2)).sum().backward()
    found["unused"] = [None if each.grad is None else each.grad.tolist() for each in branches.parameters()]
    careless = DistributedDataParallel(Branches())
    careless(torch.ones(1, 2)).sum().backward()
    found["careless"] = refused(lambda: careless(torch.ones(1, 2)))
    found["other model"] = refused(lambda: DistributedDataParallel(nn.Linear(2, 1 + rank)))
    return found


def spread(rank: int) -> dict[str, Any]:
    """An optimizer whose state is spread, whose learning rate a scheduler changes, and that goes on after being loaded."""
    torch.manual_seed(3)
    x, y, found = torch.randn(8, 3), torch.randn(8, 2), {}

    def steps(model: nn.Module, optimizer: Any, count: int) -> list:
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        for _ in range(count):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
            schedule.step()
        return [each.detach().flatten().tolist() for each in model.parameters()]

    alone, model = network()[:3], network()[:3]
    optimizer = ZeroRedundancyOptimizer(model.parameters(), torch.optim.Adam, lr=0.1)
    found["alone"], found["spread"] = steps(alone, torch.optim.Adam(alone.parameters(), lr=0.1), 3), steps(model, optimizer, 3)
    found["kept"] = len(optimizer.optim.state)
    optimizer.consolidate_state_dict(to=1)
    found["unconsolidated"] = refused(optimizer.state_dict) if rank == 0 else ""
    given = [optimizer.state_dict() if rank == 1 else None]
    dist.broadcast_object_list(given, src=1)
    found["states"] = sorted(given[0]["state"])
    again = ZeroRedundancyOptimizer(model.parameters(), torch.optim.Adam, lr=0.1)
    again.load_state_dict(given[0])
    found["again"] = [len(again.optim.state), again.param_groups[0]["lr"], steps(model, again, 1)]
    return found


def deadlocks(rank: int) -> list[str]:
    """Calls in which the ranks wait for each other."""
    x = torch.ones(2)
    turned = dist.new_group([1, 0])
    return [
        refused(lambda: dist.all_reduce(x) if rank else dist.recv(x, 1)),
        refused(lambda: dist.barrier(turned) if rank else dist.recv(x, 1)),
    ]


SCENARIOS = (reductions, large, movements, objects, messages, groups, mistakes, training, spread, deadlocks)


def main() -> None:
    """Run all scenarios as the rank that the environment or MPI tells; put what they return into a file."""
    dist.init_process_group(sys.argv[2])
    rank = dist.get_rank()
    # MPI notices nothing of ranks that wait for each other but that time is over
    chosen = [each for each in SCENARIOS if each is not deadlocks or dist.get_backend() == "gloo"]
    torch.save({each.__name__: each(rank) for each in chosen}, f"{sys.argv[1]}/{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
