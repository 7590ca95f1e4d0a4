"""What ranks of one machine send in a step: `python benchmarks/distributed.py [--ranks 2]`.

Prints, for each way to train and to solve, how many collectives one step makes, how many bytes rank 0 brings to them, and the
shortest time. Ranks are processes of one thread; `benchmarks/collectives.py` has single collectives beside gloo.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import lineal
from lineal import nn, solvers
from lineal.bench.interleaved import machine
from lineal.multiprocessing import spawn
from lineal.nn.compressing import bf16_compress_hook
from lineal.nn.parallel import DistributedDataParallel
from lineal.nn.sharded import fully_shard
from lineal.nn.sharded.tensorparallel import ColwiseParallel, RowwiseParallel, parallelize_module
from lineal.optim.redundancy import ZeroRedundancyOptimizer

PORT = "29657"
WIDTH, GRID = 512, 200


class Counted:
    """Counts what goes through the transport of the default group."""

    def __init__(self) -> None:
        self.calls = self.bytes = 0
        transport = lineal.distributed.group.WORLD.transport
        for name in ("all_reduce", "spread", "exchanging", "barrier"):
            setattr(transport, name, self.counting(getattr(transport, name), name))

    def counting(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Return a method that is counted."""

        def call(call: Any, *given: Any) -> Any:
            self.calls += 1
            pieces = given[0] if name == "exchanging" else given[:1]
            self.bytes += sum(each.nbytes for each in pieces if each is not None)
            return method(call, *given)

        return call


def network() -> nn.Module:
    """Return four layers of a million parameters together."""
    lineal.manual_seed(0)
    return nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(WIDTH, WIDTH), nn.Tanh())])


def training(wrap: Callable[[nn.Module], nn.Module], optimizer: Callable[..., Any] = lineal.optim.Adam) -> Callable[[], None]:
    """Return one step of training."""
    model = wrap(network())
    made = optimizer(model.parameters())
    x = lineal.randn(16, WIDTH)

    def step() -> None:
        made.zero_grad()
        model(x).square().mean().backward()
        made.step()

    return step


def compressed(model: nn.Module) -> nn.Module:
    """Return a model whose gradients travel as bfloat16."""
    wrapped = DistributedDataParallel(model)
    wrapped.register_comm_hook(None, bf16_compress_hook)
    return wrapped


def sharded(model: nn.Module, frees: bool) -> nn.Module:
    """Return a model each of whose layers is a unit."""
    for each in model:
        if isinstance(each, nn.Linear):
            fully_shard(each, reshard_after_forward=frees)
    return model


def parallel(model: nn.Module) -> nn.Module:
    """Return a model whose layers are cut by columns and by rows in turn."""
    plan = {str(n): (ColwiseParallel, RowwiseParallel)[n // 2 % 2]() for n in range(0, 8, 2)}
    return parallelize_module(model, None, plan)


def solving(method: Any, preconditioned: bool = False) -> Callable[[], None]:
    """Return ten steps of a solve of Poisson's equation on a square."""
    A = solvers.poisson((GRID, GRID), dtype=lineal.float64).to_sparse_csr()
    D = solvers.DistributedCSR.of(A)
    b = D.space.part(lineal.ones(GRID**2, dtype=lineal.float64))
    M = solvers.schwarz(D) if preconditioned else None
    return lambda: solvers.solve(D, b, method, M=M, maxiter=10, return_info=True) and None


WAYS: dict[str, Callable[[], Callable[[], None]]] = {
    "DistributedDataParallel": lambda: training(DistributedDataParallel),
    "  with bf16_compress_hook": lambda: training(compressed),
    "  with ZeroRedundancyOptimizer": lambda: training(
        DistributedDataParallel, lambda params: ZeroRedundancyOptimizer(params, lineal.optim.Adam)
    ),
    "fully_shard, each layer": lambda: training(lambda model: sharded(model, True)),
    "  reshard_after_forward=False": lambda: training(lambda model: sharded(model, False)),
    "layers by columns and rows": lambda: training(parallel),
    "CG, 10 steps": lambda: solving(solvers.ConjugateGradient()),
    "pipelined CG, 10 steps": lambda: solving(solvers.PipelinedConjugateGradient()),
    "CG with schwarz, 10 steps": lambda: solving(solvers.ConjugateGradient(), True),
}


def shortest(call: Callable[[], Any], wait: Callable[[], Any], rounds: int) -> float:
    """Return the shortest time of a call, once all ranks are there, in milliseconds."""
    times = []
    for _ in range(rounds):
        wait()
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def measure(rank: int, ranks: int) -> None:
    """Measure as one rank; rank 0 prints."""
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=PORT)
    lineal.set_num_threads(1)
    lineal.distributed.init_process_group("gloo")
    say = print if rank == 0 else lambda *given, **options: None
    counted = Counted()
    barrier = lineal.distributed.barrier
    say("| in a step | collectives | bytes | ms |\n|---|---|---|---|", flush=True)
    for name, make in WAYS.items():
        step = make()
        step()
        before = counted.calls, counted.bytes
        step()
        calls, size = counted.calls - before[0], counted.bytes - before[1]
        say(f"| {name} | {calls} | {size:,} | {shortest(step, barrier, 5):.1f} |", flush=True)
    lineal.distributed.destroy_process_group()


def main() -> None:
    """Start the ranks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, default=2)
    args = parser.parse_args()
    print(machine())
    spawn(measure, (args.ranks,), args.ranks)


if __name__ == "__main__":
    main()
