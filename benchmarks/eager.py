"""Eager speed, interleaved with PyTorch's eager mode: `python benchmarks/eager.py`.

Needs torch for the comparison (`pip install torch==2.13.0`). Prints medians in microseconds, the ratio to PyTorch (above 1 is
faster), and the overhead of single ops over the bare NumPy call, on small tensors and one thread, training steps after a second
of calls; with `--large`, milliseconds on tensors of millions of elements and as many threads as each library takes by itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from types import ModuleType

import numpy as np
from rich.console import Console
from rich.table import Table

import lineal
from lineal.bench.comparison import machine, versions
from lineal.bench.interleaved import medians

try:
    import torch
except ImportError:
    torch = None


def multiply_add(t: ModuleType) -> Callable[[], object]:
    """Forward and backward of (x * w + w).sum() on 4 elements."""
    x = t.tensor([0.5, -1.0, 2.0, 0.1], requires_grad=True)
    w = t.tensor([1.5, 0.3, -0.7, 1.1], requires_grad=True)

    def run() -> None:
        x.grad = w.grad = None
        (x * w + w).sum().backward()

    return run


def linear_step(t: ModuleType) -> Callable[[], object]:
    """One training step of a linear layer, 16 to 32, on a batch of 32: forward, mean squared error, backward, SGD."""
    net = t.nn.Linear(16, 32)
    loss = t.nn.MSELoss()
    optimizer = t.optim.SGD(net.parameters(), lr=0.01)
    x, y = t.randn(32, 16), t.randn(32, 32)

    def run() -> None:
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()

    return run


def chain(t: ModuleType, needs_grad: bool = True) -> Callable[[], object]:
    """Forward and backward of a chain of 100 ops on 4 elements (forward only if `needs_grad` is false)."""
    x = t.tensor([0.5, -1.0, 2.0, 0.1], requires_grad=needs_grad)
    w = t.tensor([1.5, 0.3, -0.7, 1.1])

    def run() -> None:
        x.grad = None
        y = x
        for _ in range(25):
            y = y * w
            y = y + w
            y = t.tanh(y)
            y = y - w
        if needs_grad:
            y.sum().backward()

    return run


def small_parameters(t: ModuleType) -> list:
    """Return 200 parameters, 100 of 32 x 32 and 100 of 32, that have grads."""
    made = [t.ones(*shape).requires_grad_() for _ in range(100) for shape in ((32, 32), (32,))]
    for each in made:
        each.grad = each.detach() * 0.01
    return made


def over_lists(t: ModuleType, in_lists: bool | None) -> dict[str, Callable[[], object]]:
    """Return, by name, what one call does to 200 small parameters; `in_lists` is what optimizers are given as `foreach`."""

    def stepped(name: str, **options: float) -> Callable[[], object]:
        return getattr(t.optim, name)(small_parameters(t), lr=0.001, foreach=in_lists, **options).step

    held, means = small_parameters(t), [each.detach() for each in small_parameters(t)]
    values, move = [each.detach() for each in held], t.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    cleared, clip = t.optim.SGD(small_parameters(t), lr=0.1), t.nn.utils
    return {
        "Adam": stepped("Adam"),
        "AdamW": stepped("AdamW"),
        "SGD": stepped("SGD"),
        "SGD with momentum": stepped("SGD", momentum=0.9),
        "RMSprop": stepped("RMSprop"),
        "clip_grad_norm_": lambda: clip.clip_grad_norm_(held, 1e-3),
        "clip_grad_value_": lambda: clip.clip_grad_value_(held, 0.1),
        "average of weights": lambda: move(means, values, 1),
        "_foreach_add_": lambda: t._foreach_add_(means, values, alpha=0.5),
        "_foreach_addcmul_": lambda: t._foreach_addcmul_(means, values, values, value=0.5),
        "zero_grad to zeros": lambda: cleared.zero_grad(set_to_none=False),
    }


def warm(rivals: dict[str, Callable[[], object]], seconds: float = 1.0) -> None:
    """Call each for a second: what is called often has native code after some thousand calls, which a thread prepares."""
    for function in rivals.values():
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            function()


def print_lists(console: Console, rounds: int) -> None:
    """Run what is done to 200 small parameters, and print its table."""
    rivals = {"lineal": over_lists(lineal, None)}
    if torch is not None:
        rivals |= {"torch, in lists": over_lists(torch, True), "torch, one by one": over_lists(torch, False)}
    table = Table("200 parameters, 32 × 32 and 32", *rivals)
    for name in rivals["lineal"]:
        found = medians({rival: made[name] for rival, made in rivals.items()}, rounds, 0.01)
        table.add_row(name, *(f"{found[rival] * 1e6:.0f}" for rival in rivals))
    console.print(table)


WORKLOADS = {
    "(x * w + w).sum(), 4 elements, forward + backward": multiply_add,
    "linear layer 16-32, batch 32, training step": linear_step,
    "chain of 100 ops on 4 elements, forward + backward": chain,
    "chain of 100 ops on 4 elements, no grad": lambda t: chain(t, needs_grad=False),
}


def single_ops() -> dict[str, tuple[Callable[[], object], Callable[[], object], Callable[[], object]]]:
    """Return, by name, the bare NumPy call, lineal's op without grad, and with."""
    a, b = np.array([0.5, 1.0, 2.0, 0.1], np.float32), np.array([1.5, 0.3, 0.7, 1.1], np.float32)
    m = np.ones((4, 4), np.float32)
    x, y, z = (lineal.from_numpy(each) for each in (a, b, m))
    p, q, r = (lineal.from_numpy(each.copy()).requires_grad_() for each in (a, b, m))
    t = lineal
    return {
        "x * y": (lambda: np.multiply(a, b), lambda: x * y, lambda: p * q),
        "x + y": (lambda: np.add(a, b), lambda: x + y, lambda: p + q),
        "x / y": (lambda: np.divide(a, b), lambda: x / y, lambda: p / q),
        "x * 2.0": (lambda: np.multiply(a, 2.0), lambda: x * 2.0, lambda: p * 2.0),
        "x ** 2": (lambda: np.square(a), lambda: x**2, lambda: p**2),
        "exp": (lambda: np.exp(a), lambda: t.exp(x), lambda: t.exp(p)),
        "tanh": (lambda: np.tanh(a), lambda: t.tanh(x), lambda: t.tanh(p)),
        "relu": (lambda: np.maximum(a, 0), lambda: t.relu(x), lambda: t.relu(p)),
        "sum": (lambda: np.add.reduce(a, axis=None), lambda: x.sum(), lambda: p.sum()),
        "mean(dim)": (lambda: m.mean(axis=1), lambda: z.mean(1), lambda: r.mean(1)),
        "max": (lambda: np.maximum.reduce(a, axis=None), lambda: x.max(), lambda: p.max()),
        "matmul": (lambda: np.matmul(m, m), lambda: z @ z, lambda: r @ r),
        "transpose": (lambda: m.T, lambda: z.T, lambda: r.T),
        "reshape": (lambda: m.reshape(2, 8), lambda: z.reshape(2, 8), lambda: r.reshape(2, 8)),
        "x[1]": (lambda: m[1], lambda: z[1], lambda: r[1]),
        "x[1:3, 2]": (lambda: m[1:3, 2], lambda: z[1:3, 2], lambda: r[1:3, 2]),
        "cat": (lambda: np.concatenate([a, b]), lambda: t.cat([x, y]), lambda: t.cat([p, q])),
        "where": (lambda: np.where(a > 1, a, b), lambda: t.where(x > 1, x, y), lambda: t.where(p > 1, p, q)),
        "softmax": (lambda: np.exp(m) / np.exp(m).sum(1, keepdims=True), lambda: z.softmax(1), lambda: r.softmax(1)),
    }


def large_ops(t: ModuleType, n: int) -> dict[str, Callable[[], object]]:
    """Return, by name, ops on n float32 elements, most of them as rows of 1024."""
    x, y = t.randn(n), t.randn(n)
    a, row, column = x.reshape(-1, 1024), t.randn(1024), t.randn(n // 1024, 1)
    p, w, b = (each.clone().requires_grad_() for each in (a, row, row))
    classes = t.randint(0, 1024, (n // 1024,))
    functional = t.nn.functional

    def differentiated(loss: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            p.grad = w.grad = b.grad = None
            loss().backward()

        return run

    def stepped(name: str, **options: float) -> Callable[[], object]:
        parameter = x.clone().requires_grad_()
        parameter.grad = y
        return getattr(t.optim, name)([parameter], lr=0.01, **options).step

    return {
        "x + y": lambda: x + y,
        "x * 2.0": lambda: x * 2.0,
        "a * row": lambda: a * row,
        "a - column": lambda: a - column,
        "exp": x.exp,
        "gelu": lambda: functional.gelu(x),
        "sum": x.sum,
        "sum(-1)": lambda: a.sum(-1),
        "sum(0)": lambda: a.sum(0),
        "amax(-1)": lambda: a.amax(-1),
        "argmax(-1)": lambda: a.argmax(-1),
        "prod": x.prod,
        "norm": x.norm,
        "var": x.var,
        "logsumexp": lambda: a.logsumexp(-1),
        "softmax": lambda: a.softmax(-1),
        "layer_norm": lambda: functional.layer_norm(a, (1024,), row, row),
        "mse_loss": lambda: functional.mse_loss(x, y),
        "cross_entropy": lambda: functional.cross_entropy(a, classes),
        "softmax, forward + backward": differentiated(lambda: (p.softmax(-1) * a).sum()),
        "layer_norm, forward + backward": differentiated(lambda: (functional.layer_norm(p, (1024,), w, b) * a).sum()),
        "gelu, forward + backward": differentiated(lambda: (functional.gelu(p) * a).sum()),
        "cross_entropy, forward + backward": differentiated(lambda: functional.cross_entropy(p, classes)),
        "SGD with momentum": stepped("SGD", momentum=0.9),
        "AdamW": stepped("AdamW"),
    }


def print_large(console: Console, rounds: int) -> None:
    """Run the large ops, of 1, 4 and 16 million elements, and print their table."""
    modules = {"lineal": lineal} | ({} if torch is None else {"torch": torch})
    for n in (1 << 20, 1 << 22, 1 << 24):
        table = Table(f"op on {n >> 20} × 2^20 float32", *modules, "torch / lineal")
        ops = {name: large_ops(module, n) for name, module in modules.items()}
        for op in ops["lineal"]:
            found = medians({name: ops[name][op] for name in modules}, rounds, 0.02)
            times = [f"{found[name] * 1e3:.2f}" for name in modules]
            table.add_row(op, *times, f"{found['torch'] / found['lineal']:.2f}" if "torch" in found else "-")
        console.print(table)


def main() -> None:
    """Run the workloads and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--large", action="store_true", help="tensors of millions of elements, on all threads")
    options = parser.parse_args()
    rounds, console = options.rounds, Console(width=110)
    unit = "milliseconds" if options.large else "microseconds"
    console.print(f"{machine()}; {versions()}; medians of {rounds} interleaved rounds, {unit}")
    if options.large:
        print_large(console, rounds)
        return
    lineal.set_num_threads(1)
    if torch is not None:
        torch.set_num_threads(1)
    table = Table("workload", "lineal", "torch", "torch / lineal")
    for name, make in WORKLOADS.items():
        rivals = {"lineal": make(lineal)} | ({} if torch is None else {"torch": make(torch)})
        warm(rivals)
        found = medians(rivals, rounds)
        theirs = found.get("torch")
        row = ("-", "-") if theirs is None else (f"{theirs * 1e6:.1f}", f"{theirs / found['lineal']:.2f}")
        table.add_row(name, f"{found['lineal'] * 1e6:.1f}", *row)
    console.print(table)
    print_lists(console, rounds)
    table = Table("op on 4 or 4 × 4 elements", "NumPy", "overhead without grad", "overhead with grad")
    for name, (bare, plain, grad) in single_ops().items():
        found = medians({"numpy": bare, "plain": plain, "grad": grad}, rounds, 0.005)
        base = found["numpy"]
        table.add_row(name, *(f"{each * 1e6:.2f}" for each in (base, found["plain"] - base, found["grad"] - base)))
    console.print(table)


if __name__ == "__main__":
    main()
