"""The convolutions of ResNet-18 beside the processor's peak: `python benchmarks/convolutions.py [--rounds 9] [--threads 1]`.

Each layer at batch 16, of images of 224 × 224, forward and its two derivatives, in float32: GFLOP/s, and which share that is of
what multiply-adds in registers reach in the same round.   He et al. (2016).
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

import lineal
from lineal.base.platforms import HOST
from lineal.bench.interleaved import machine
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import float32, pointer
from lineal.codegen.parallel import shared
from lineal.codegen.threads import pool

CHAINS, TURNS, PARTS = 16, 1 << 14, 16
"""Of the peak's loop: how many sums run beside each other, how long, and in how many parts threads share it."""


class Layer(NamedTuple):
    """A convolution: channels, outputs, sides of the image and the kernel, its stride, and how often the network has it."""

    channels: int
    outputs: int
    side: int
    kernel: int
    stride: int
    times: int = 1

    @property
    def padding(self) -> int:
        """The zeros on each side."""
        return self.kernel // 2

    @property
    def places(self) -> int:
        """The side of the result."""
        return (self.side + 2 * self.padding - self.kernel) // self.stride + 1

    def __str__(self) -> str:
        return f"{self.channels} to {self.outputs}, {self.kernel} x {self.kernel} on {self.side}, stride {self.stride}"


LAYERS = (
    Layer(3, 64, 224, 7, 2),
    Layer(64, 64, 56, 3, 1, 4),
    Layer(64, 128, 56, 3, 2),
    Layer(64, 128, 56, 1, 2),
    Layer(128, 128, 28, 3, 1, 3),
    Layer(128, 256, 28, 3, 2),
    Layer(128, 256, 28, 1, 2),
    Layer(256, 256, 14, 3, 1, 3),
    Layer(256, 512, 14, 3, 2),
    Layer(256, 512, 14, 1, 2),
    Layer(512, 512, 7, 3, 1, 3),
)


def ways(layer: Layer, batch: int) -> dict[str, Callable[[], Any]]:
    """Return the calls of a layer and of its derivatives."""
    x = lineal.randn(batch, layer.channels, layer.side, layer.side)
    w = lineal.randn(layer.outputs, layer.channels, layer.kernel, layer.kernel)
    g = lineal.randn(batch, layer.outputs, layer.places, layer.places)
    convolved = lambda x, w: lineal.nn.functional.conv2d(x, w, stride=layer.stride, padding=layer.padding)
    seen, kernel = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = convolved(seen, kernel)
    return {
        "forward": lambda: convolved(x, w),
        "by image": lambda: lineal.autograd.grad(y, seen, g, retain_graph=True),
        "by kernel": lambda: lineal.autograd.grad(y, kernel, g, retain_graph=True),
    }


def peak() -> tuple[Callable[[], Any], int]:
    """Return what multiplies and adds in registers, on all threads, and how many operations that are."""
    e = Emitter()
    lanes = e.lanes(float32)
    with e.function("peak", [("out", pointer)]) as (out,):

        def work(start: Any, stop: Any, out: Any) -> None:
            with e.loop(stop, start) as part:
                sums = [e.variable(e.const(n, float32, lanes)) for n in range(CHAINS)]
                factor = e.splat(e.load(out, float32, 0), lanes)
                with e.loop(TURNS, carried=sums):
                    for total in sums:
                        total.value = e.muladd(total.value, factor, factor)
                for n, total in enumerate(sums):
                    e.store(total.value, e.address(out, (part * CHAINS + n + 1) * lanes, float32))

        shared(e, "peak", PARTS, [out], work, grain=1)
    symbols = pool().symbols()
    library = engine().build(e, ["peak"], {each: symbols[each] for each in symbols if each in e.declared})
    function = HOST.launch(library["peak"], [ctypes.c_void_p])
    memory = np.full((PARTS * CHAINS + 1) * lanes, 0.5, np.float32)

    def call(library: Any = library) -> None:
        pool().follow()
        function(memory.ctypes.data)

    return call, 2 * CHAINS * TURNS * PARTS * lanes


def speed(call: Callable[[], Any], work: int) -> float:
    """Return the operations of a call in a nanosecond; of one thread in a nanosecond of its own, whoever else is at work."""
    clock = time.thread_time if lineal.get_num_threads() == 1 else time.perf_counter
    start = clock()
    call()
    return work / (clock() - start) / 1e9


def shares(layer: Layer, batch: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the best speed of each way of a layer, and which share of the best peak beside it that is."""
    work = 2 * batch * layer.outputs * layer.channels * layer.kernel**2 * layer.places**2
    most, found = 0.0, {}
    for name, call in ways(layer, batch).items():
        call()
        for _ in range(rounds):
            most = max(most, speed(*peak_call))
            found[name] = max(found.get(name, 0.0), speed(call, work))
    return {name: (each, each / most) for name, each in found.items()}


def main() -> None:
    """Print the table."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rounds", type=int, default=9)
    reader.add_argument("--threads", type=int, default=1)
    reader.add_argument("--batch", type=int, default=16)
    reader.add_argument("--only", default="", help="layers whose name has this in it")
    given = reader.parse_args()
    lineal.set_num_threads(given.threads)
    console = Console(width=120)
    console.print(f"{machine()}, {given.threads} threads, batch {given.batch}")
    table = Table("layer", *(f"{way}, GFLOP/s" for way in ("forward", "by image", "by kernel")), "shares of the peak")
    every = []
    for layer in [each for each in LAYERS if given.only in str(each)]:
        found = shares(layer, given.batch, given.rounds)
        every += [share for _, share in found.values() for _ in range(layer.times)]
        ratios = ", ".join(f"{share:.2f}" for _, share in found.values())
        table.add_row(str(layer), *(f"{each:.0f}" for each, _ in found.values()), ratios)
    console.print(table)
    console.print(f"geometric mean of the shares, as often as the network has a layer: {statistics.geometric_mean(every):.2f}")


peak_call = peak()

if __name__ == "__main__":
    main()
