"""Ranks that meet through a store, and train a model that is spread over them: every number is held to that of one process."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import lineal as torch
from lineal import distributed as dist
from lineal import nn
from lineal.nn.compressing import allreduce_hook, bf16_compress_hook, fp16_compress_wrapper
from lineal.nn.parallel import DistributedDataParallel
from lineal.nn.sharded import (
    FullyShardedDataParallel,
    MixedPrecisionPolicy,
    ModuleWrapPolicy,
    ShardingStrategy,
    StateDictType,
    fully_shard,
)
from lineal.nn.sharded.states import StateDictOptions, get_model_state_dict, get_state_dict, set_state_dict
from lineal.nn.sharded.tensorparallel import ColwiseParallel, RowwiseParallel, parallelize_module
from lineal.serialization import sharded as checkpoint

FULL = StateDictOptions(full_state_dict=True)
BATCH = 8


def network() -> nn.Module:
    """Return a network whose last layer has fewer rows than there are ranks, and two layers with one weight."""
    torch.manual_seed(0)
    tied = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 5))
    tied[2].weight = tied[0].weight
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), tied, nn.Linear(5, 1))


def batch(rank: int, size: int) -> tuple[tuple, tuple]:
    """Return the joined batch, and the part of this rank."""
    torch.manual_seed(1)
    x, y = torch.randn(BATCH, 3), torch.randn(BATCH, 1)
    mine = slice(rank * BATCH // size, (rank + 1) * BATCH // size)
    return (x, y), (x[mine], y[mine])


def trained(model: nn.Module, optimizer: Any, data: tuple, steps: int = 3, compiled: bool = False) -> list[float]:
    """Make steps; return the norms of their gradients, which are clipped."""

    def update() -> Any:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(data[0]), data[1]).backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        optimizer.step()
        return norm

    step = torch.compile(update) if compiled else update
    return [float(step()) for _ in range(steps)]


def adam(model: nn.Module) -> Any:
    return torch.optim.Adam(model.parameters(), lr=0.1)


def close(a: dict, b: dict, tolerance: float = 1e-6) -> None:
    """Compare two states."""
    assert list(a) == list(b)
    for name, x in a.items():
        assert float((x - b[name]).abs().max()) <= tolerance, name


def units(compiled: bool, frees: bool) -> nn.Module:
    """Return the network as two units."""
    model = network()
    fully_shard(model[2], reshard_after_forward=frees)
    return fully_shard(model, reshard_after_forward=frees)


def check_training(rank: int, size: int) -> None:
    """Steps, eager and compiled, give what one process gives with the joined batch."""
    joined, mine = batch(rank, size)
    alone = network()
    norms = trained(alone, adam(alone), joined)
    for compiled in (False, True):
        for frees in (False, True):
            model = units(compiled, frees)
            optimizer = adam(model)
            assert sum(x.numel() for x in model.parameters()) < sum(x.numel() for x in alone.parameters()) or size == 1
            found = trained(model, optimizer, mine, compiled=compiled)
            assert all(abs(a - b) < 1e-5 for a, b in zip(norms, found)), (norms, found)
            close(alone.state_dict(), get_model_state_dict(model, options=FULL))


def check_derivatives(rank: int, size: int) -> None:
    """Second derivatives are those of the mean over ranks; what was written since the forward pass is told."""
    joined, mine = (data[0].double() for data in batch(rank, size))
    alone, model = network().double(), fully_shard(network().double())
    (first,) = torch.autograd.grad(alone(joined).square().mean(), [alone[2][0].weight], create_graph=True)
    first.square().sum().backward()
    (part,) = torch.autograd.grad(model(mine).square().mean(), [model[2][0].weight], create_graph=True)
    # each rank has some rows of the gradient: the loss is the mean over ranks
    (size * part.square().sum()).backward()
    for x, y in zip(alone.parameters(), model.parameters()):
        if x.grad is not None:
            assert torch.allclose(y.sharding.part(x.grad), y.grad)
    loss = model(mine).sum()
    with torch.no_grad():
        model[3].weight.add_(1)
    try:
        loss.backward()
    except RuntimeError as error:
        assert "parameter weight was written 1 times since the forward pass" in str(error)
    else:
        raise AssertionError("a parameter was written before backward")
    for frees in (True, False):
        seen = network()
        fully_shard(seen[2][0], reshard_after_forward=frees)
        torch.utils.checkpoint.checkpoint(seen, mine.float(), use_reentrant=False).sum().backward()
        other = network()
        (other(joined.float()).sum() / size).backward()
        assert torch.allclose(seen[2][0].bias.grad, seen[2][0].bias.sharding.part(other[2][0].bias.grad))


def check_wrapper(rank: int, size: int) -> None:
    """The wrapper has names, state and methods of the older interface; a run goes on from what it gave."""
    joined, mine = batch(rank, size)
    alone = network()
    trained(alone, adam(alone), joined)
    model = FullyShardedDataParallel(network(), auto_wrap_policy=ModuleWrapPolicy([nn.Linear]), sync_module_states=True)
    optimizer = adam(model)
    trained(model, optimizer, mine)
    close(alone.state_dict(), model.state_dict())
    again = FullyShardedDataParallel(network(), sharding_strategy=ShardingStrategy.SHARD_GRAD_OP)
    other = adam(again)
    again.load_state_dict(model.state_dict())
    FullyShardedDataParallel.optim_state_dict_to_load(again, other, FullyShardedDataParallel.optim_state_dict(model, optimizer))
    trained(model, optimizer, mine, 1)
    trained(again, other, mine, 1)
    # two units with one weight add up its gradients in another order
    close(model.state_dict(), again.state_dict())
    with FullyShardedDataParallel.summon_full_params(model):
        assert model[0].weight.shape == (5, 3)
        model[0].weight.fill_(rank + 3.0)
    assert (model[0].weight == rank + 3.0).all()
    with FullyShardedDataParallel.state_dict_type(model, StateDictType.SHARDED_STATE_DICT):
        assert model.state_dict()["0.weight"].shape == (5, 3)
    half = fully_shard(network(), mp_policy=MixedPrecisionPolicy(torch.bfloat16, torch.float32, torch.float32))
    assert half(mine[0]).dtype is torch.float32
    half(mine[0]).sum().backward()
    assert all(x.grad.dtype is torch.float32 for x in half.parameters())
    for optimizer_class in (torch.optim.Muon, torch.optim.LBFGS, torch.optim.Adafactor):
        try:
            optimizer_class([model[0].weight])
        except ValueError as error:
            assert "fully_shard" in str(error)
        else:
            raise AssertionError(optimizer_class)


def check_checkpoint(rank: int, size: int, folder: Path) -> None:
    """What all ranks write together any number of ranks can read."""
    _, mine = batch(rank, size)
    model = units(False, True)
    optimizer = adam(model)
    trained(model, optimizer, mine)
    for epoch in (1, 2):
        state = dict(zip(("model", "optimizer"), get_state_dict(model, optimizer)), epoch=epoch)
        checkpoint.save(state, checkpoint_id=folder / "checkpoint")
    torch.save(get_model_state_dict(model, options=FULL), folder / f"whole{rank}.pt")
    before = get_model_state_dict(model, options=FULL)
    again = FullyShardedDataParallel(network())
    other = adam(again)
    trained(again, other, mine, 1)
    state = dict(zip(("model", "optimizer"), get_state_dict(again.module, other)), epoch=0)
    checkpoint.load(state, checkpoint_id=folder / "checkpoint")
    set_state_dict(again.module, other, model_state_dict=state["model"], optim_state_dict=state["optimizer"])
    assert state["epoch"] == 2
    close(before, again.state_dict(), 0)
    trained(model, optimizer, mine, 1)
    trained(again, other, mine, 1)
    close(get_model_state_dict(model, options=FULL), again.state_dict(), 0)


def check_hooks(rank: int, size: int) -> None:
    """Hooks average gradients; narrow ones as if each rank's were rounded before, and the mean once more."""
    _, (x, _) = batch(rank, size)
    every = []
    for hook, dtype in (
        (None, torch.float32),
        (allreduce_hook, torch.float32),
        (bf16_compress_hook, torch.bfloat16),
        (fp16_compress_wrapper(allreduce_hook), torch.float16),
    ):
        model, own = DistributedDataParallel(network()), network()
        if hook is not None:
            model.register_comm_hook(None, hook)
        model(x).square().mean().backward()
        own(x).square().mean().backward()
        for a, b in zip(model.parameters(), own.parameters()):
            total = b.grad.to(dtype).float()
            dist.all_reduce(total, dist.ReduceOp.AVG)
            assert torch.equal(a.grad, total.to(dtype).float())
        every.append(model.module[0].weight.grad)
    assert torch.equal(every[0], every[1]) and not torch.equal(every[0], every[2])


def check_join(rank: int, size: int) -> None:
    """Ranks with different numbers of batches take the steps of one process whose batches get smaller; all end alike."""
    torch.manual_seed(3)
    batches = [[torch.randn(2, 3) for _ in range(3)] for _ in range(size)]
    for by_all in (True, False):
        model = DistributedDataParallel(
            nn.Sequential(network(), nn.BatchNorm1d(1, affine=False)), find_unused_parameters=by_all
        )
        alone = nn.Sequential(network(), nn.Identity())
        own = DistributedDataParallel(network())
        optimizer, other = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (own, alone))
        with own.join(divide_by_initial_world_size=by_all):
            for x in batches[rank][: 3 - rank % 2]:
                optimizer.zero_grad()
                own(x).square().mean().backward()
                optimizer.step()
        for n in range(3):
            present = [each[n] for r, each in enumerate(batches) if n < 3 - r % 2]
            other.zero_grad()
            (sum(alone(x).square().mean() for x in present) / (size if by_all else len(present))).backward()
            other.step()
        for a, b in zip(alone.parameters(), own.parameters()):
            assert torch.allclose(a, b, atol=1e-6)
        with model.join():
            for x in batches[rank][: 1 + rank % 2]:
                with model.no_sync():
                    model(x).sum().backward()
                model(x).sum().backward()
        every = [torch.zeros(1) for _ in range(size)]
        dist.all_gather(every, model.module[1].running_mean)
        assert all(torch.equal(each, every[0]) for each in every)
    if size > 1:
        try:
            with own.join(throw_on_early_termination=True):
                for x in batches[rank][: 3 - rank % 2]:
                    own(x).sum().backward()
        except RuntimeError as error:
            assert "exhausted inputs" in str(error)
        else:
            raise AssertionError("one had no batch left")


def check_layers(rank: int, size: int) -> None:
    """Layers by columns and by rows give what one process gives: outputs, gradients to second order, norms, steps."""
    torch.manual_seed(2)
    x = torch.randn(5, 3, dtype=torch.float64)

    def layers() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3), nn.Linear(3, 4, bias=False)).double()

    alone, model = layers(), layers()
    mesh = dist.init_device_mesh("cpu", (size,), mesh_dim_names=("tp",))
    parallelize_module(model, mesh["tp"], {"0": ColwiseParallel(), "2": RowwiseParallel(), "3": ColwiseParallel()})
    assert model[0].weight.shape == (8 // size, 3) and model[2].weight.shape == (3, 8 // size)
    assert torch.equal(model[2].weight.full_tensor(), alone[2].weight)
    middle, whole = model[:3], alone[:3]
    for f in (lambda y: y, torch.compile):
        step = f(lambda m: [*torch.autograd.grad(m(x).square().mean(), list(m.parameters()))])
        for a, p, b in zip(step(whole), middle.parameters(), step(middle)):
            assert torch.allclose(p.sharding.part(a) if hasattr(p, "sharding") else a, b)
    for m in (whole, middle):
        z = x.clone().requires_grad_()
        (first,) = torch.autograd.grad(m(z).square().mean(), z, create_graph=True)
        first.sin().sum().backward()
        trained(m, torch.optim.Adam(m.parameters(), lr=0.1), (x, x))
    for a, b in zip(whole.parameters(), middle.parameters()):
        assert torch.allclose(b.sharding.part(a) if hasattr(b, "sharding") else a, b, atol=1e-10)
    assert model(x).shape == (5, 4 // size)
    folder = [None]
    if rank == 0:
        folder = [tempfile.mkdtemp()]
    dist.broadcast_object_list(folder)
    checkpoint.save(get_model_state_dict(model), checkpoint_id=folder[0])
    found = {name: torch.zeros_like(each) for name, each in alone.state_dict().items()}
    checkpoint.load(found, checkpoint_id=folder[0])
    assert torch.equal(found["2.weight"], model[2].weight.full_tensor())
    if size == 4:
        square = dist.init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
        assert square.get_coordinate() == [rank // 2, rank % 2] and square.size("tp") == 2
        total = torch.tensor([float(rank)])
        dist.all_reduce(total, group=square.get_group("dp"))
        assert total.item() == rank % 2 * 2 + 2 and square["tp"].get_local_rank() == rank % 2


def meet(folder: Path) -> None:
    """Meet through a file, and agree through a socket."""
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    file = dist.FileStore(folder / "store", size)
    if rank == 0:
        store = dist.TCPStore("localhost", 0, size, True, wait_for_workers=False)
        file.set("port", str(store.port))
    else:
        store = dist.TCPStore("localhost", int(file.get("port")), size)
    assert store.add("all", 1) <= size
    store.wait(["all"])
    dist.init_process_group("gloo", store=dist.PrefixStore("run", store), rank=rank, world_size=size)
    dist.barrier()
    assert store.get("all") == str(size).encode() and store.num_keys() >= 2
    file.close()


def main(folder: Path, backend: str) -> None:
    """Check all, as ranks that a store brings together, or MPI."""
    meet(folder) if backend == "gloo" else dist.init_process_group(backend)
    rank, size = dist.get_rank(), dist.get_world_size()
    check_training(rank, size)
    check_derivatives(rank, size)
    check_wrapper(rank, size)
    check_checkpoint(rank, size, folder)
    check_hooks(rank, size)
    check_layers(rank, size)
    check_join(rank, size)
    dist.barrier()
    dist.destroy_process_group()


main(Path(sys.argv[1]), sys.argv[2])
