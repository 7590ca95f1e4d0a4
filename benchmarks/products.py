"""Products of matrices: `python benchmarks/products.py [--rounds 15]`.

Square products in float32 and bfloat16, linear-GELU-linear forward and backward, and a step of a network of two layers with
Adam; lineal eager and compiled, PyTorch (`pip install torch==2.13.0`) eager. Two libraries with threads of their own disturb
each other in one process, so each side has a process; they take turns. Prints medians in milliseconds and ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sides import main


def square(t: Any, dtype: str, n: int) -> tuple[Callable[..., Any], tuple]:
    """Return a product of n × n matrices."""
    t.manual_seed(0)
    return (lambda a, b: a @ b), tuple(t.randn(n, n).to(getattr(t, dtype)) for _ in range(2))


def gelu(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return linear-GELU-linear, 1024 × 1024, of 256 rows, forward and backward."""
    t.manual_seed(0)
    first, second = t.nn.Linear(1024, 1024), t.nn.Linear(1024, 1024)
    parameters = [*first.parameters(), *second.parameters()]

    def step(x: Any) -> Any:
        for each in parameters:
            each.grad = None
        loss = second(t.nn.functional.gelu(first(x))).square().mean()
        loss.backward()
        return loss.detach()

    return step, (t.randn(256, 1024),)


def network(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of 784-256-10 with Adam, of 256 rows."""
    t.manual_seed(0)
    net = t.nn.Sequential(t.nn.Linear(784, 256), t.nn.ReLU(), t.nn.Linear(256, 10))
    adam = t.optim.Adam(net.parameters(), lr=1e-3)

    def step(x: Any, y: Any) -> Any:
        adam.zero_grad()
        loss = t.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss.detach()

    return step, (t.randn(256, 784), t.randint(0, 10, (256,)))


WORKLOADS: dict[str, Callable[[Any], tuple[Callable[..., Any], tuple]]] = {
    **{
        f"{dtype}, {n} x {n}": lambda t, dtype=dtype, n=n: square(t, dtype, n)
        for n in (512, 2048)
        for dtype in ("float32", "bfloat16")
    },
    "linear-GELU-linear, forward and backward": gelu,
    "784-256-10 with Adam": network,
}


if __name__ == "__main__":
    main(__file__, __doc__, WORKLOADS)
