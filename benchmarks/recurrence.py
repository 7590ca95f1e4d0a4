"""A training step of a long recurrent net, and its products alone: `python benchmarks/recurrence.py [--steps 2000]`.

The products are those of the step, of the same shapes: for each layer those of all inputs, the loop of those of the states,
ahead and back, and those of the gradients of weights. Prints the seconds of the first two calls, the least milliseconds of a
step and of its products, which take turns, what share of the step the products are, and the most memory.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import lineal as t
from lineal.bench.interleaved import machine


def training(kind: str, layers: int, width: int, x: Any) -> Callable[[], Any]:
    """Return a step of SGD of a recurrent net."""
    net = getattr(t.nn, kind)(width, width, layers)
    optimizer = t.optim.SGD(net.parameters(), lr=0.01)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = net(x)[0].square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    compiled = t.compile(step)
    return lambda: compiled(x)


def products(gates: int, layers: int, width: int, x: Any) -> Callable[[], Any]:
    """Return the products of such a step; the first `width` columns of what a loop makes are the next state."""
    steps, batch, _ = x.shape
    w, u = t.randn(gates * width, width) / width, t.randn(gates * width, width) / width
    ahead, back = t.zeros(batch, width), t.zeros(batch, gates * width)

    def multiplied(x: Any, w: Any, u: Any, h: Any, g: Any) -> list[Any]:
        found = []
        for layer in range(layers):
            y = x.flatten(0, 1) @ w.mT
            hs, gs = [], []
            for row in y.view(steps, batch, -1):
                h = row[:, :width] + (h @ u.mT)[:, :width]
                hs.append(h)
            for _ in hs:
                g = g + (g @ u).repeat(1, gates)
                gs.append(g)
            x, gradients = t.stack(hs), t.stack(gs).flatten(0, 1)
            found += [gradients.mT @ x.flatten(0, 1), gradients.mT @ y[:, :width]]
            # nobody asks for the gradient by the input
            found += [gradients @ w] if layer else []
        return found

    compiled = t.compile(multiplied)
    return lambda: compiled(x, w, u, ahead, back)


def seconds(call: Callable[[], Any]) -> float:
    """Return the seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print the measurements."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--kind", choices=("RNN", "GRU", "LSTM"), default="LSTM")
    for name, size in (("steps", 2000), ("batch", 8), ("width", 256), ("layers", 2), ("rounds", 5)):
        reader.add_argument(f"--{name}", type=int, default=size)
    given = reader.parse_args()
    t.manual_seed(0)
    x = t.randn(given.steps, given.batch, given.width)
    step = training(given.kind, given.layers, given.width, x)
    first = [seconds(step) for _ in range(2)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    alone = products({"RNN": 1, "GRU": 3, "LSTM": 4}[given.kind], given.layers, given.width, x)
    for call in (step, alone, alone):
        call()
    times = [(seconds(step), seconds(alone)) for _ in range(given.rounds)]
    whole, part = (min(each) * 1e3 for each in zip(*times))
    print(f"{machine()}; {given.layers} layers of {given.kind}, width {given.width}, {given.steps} steps, batch {given.batch}")
    print(f"first calls {first[0]:.2f} s and {first[1]:.2f} s; at most {memory / 1024:.0f} MB")
    print(f"a step {whole:.1f} ms, its products {part:.1f} ms: {part / whole:.2f} of it")


if __name__ == "__main__":
    main()
