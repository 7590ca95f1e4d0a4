"""What is measured, written once for every library that reads like PyTorch: `t` is lineal or torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["WORKLOADS"]


def step_of(t: Any, net: Any, loss: Any, optimizer: Any) -> Callable[..., Any]:
    """Return one training step as a function of a batch."""

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()
        return value

    return step


def regression(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Linear regression, 200 × 5, one step of SGD."""
    net = t.nn.Linear(5, 1)
    return step_of(t, net, t.nn.MSELoss(), t.optim.SGD(net.parameters(), lr=0.01)), (t.randn(200, 5), t.randn(200, 1))


def small_network(t: Any) -> tuple[Callable[..., Any], tuple]:
    """MLP 16-32-32-1, batch of 32, one step of Adam."""
    nn = t.nn
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    return step_of(t, net, nn.MSELoss(), t.optim.Adam(net.parameters(), lr=0.01)), (t.randn(32, 16), t.randn(32, 1))


def digits_network(t: Any) -> tuple[Callable[..., Any], tuple]:
    """MLP 784-256-10, batch of 256, one step of Adam."""
    nn = t.nn
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    data = t.randn(256, 784), t.randint(0, 10, (256,))
    return step_of(t, net, nn.CrossEntropyLoss(), t.optim.Adam(net.parameters(), lr=1e-3)), data


def elementwise(t: Any) -> tuple[Callable[..., Any], tuple]:
    """gelu(x w + b) + tanh(x) / 2 on 5 million float32."""
    n = 5_000_000
    return lambda x, w, b: t.nn.functional.gelu(x * w + b) + t.tanh(x) / 2, (t.randn(n), t.randn(n), t.randn(n))


def normalised(t: Any) -> tuple[Callable[..., Any], tuple]:
    """layer_norm, then softmax, forward and backward, 2048 × 1024."""
    x, g = t.randn(2048, 1024).requires_grad_(), t.randn(2048, 1024)
    w, b = t.ones(1024).requires_grad_(), t.zeros(1024).requires_grad_()

    def run(g: Any) -> Any:
        y = t.softmax(t.nn.functional.layer_norm(x, (1024,), w, b), -1)
        return t.autograd.grad(y, (x, w, b), g)

    return run, (g,)


def sums(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Sum, sums of columns and of rows, mean of squares, 2048 × 2048."""
    return lambda x: (x.sum(), x.sum(0), x.sum(1), (x * x).mean()), (t.randn(2048, 2048),)


class Transformer:
    """A stack of pre-norm blocks, attention and perceptron, of plain functions: what `module` its tensors are of is given."""

    def __init__(self, t: Any, layers: int, width: int, heads: int):
        self.t = t
        self.heads = heads
        made = lambda *shape: t.nn.Parameter(t.randn(*shape) * 0.02)
        shapes = {"qkv": (width, 3 * width), "out": (width, width), "up": (width, 4 * width), "down": (4 * width, width)}
        self.blocks = [{name: made(*shape) for name, shape in shapes.items()} for _ in range(layers)]
        self.scales = [[t.nn.Parameter(t.ones(width)) for _ in range(2)] for _ in range(layers)]

    def parameters(self) -> list[Any]:
        """Return what is learnt."""
        return [*(p for block in self.blocks for p in block.values()), *(p for row in self.scales for p in row)]

    def __call__(self, x: Any) -> Any:
        t, width = self.t, x.shape[-1]
        normal = lambda x, scale: t.nn.functional.layer_norm(x, (width,), scale)
        for block, (first, second) in zip(self.blocks, self.scales):
            x = x + self.attention(normal(x, first), block)
            x = x + t.nn.functional.gelu(normal(x, second) @ block["up"]) @ block["down"]
        return x

    def attention(self, x: Any, block: dict[str, Any]) -> Any:
        """Return what every position makes of all others."""
        batch, length, width = x.shape
        turned = lambda y: y.reshape(batch, length, self.heads, width // self.heads).transpose(1, 2)
        mixed = x @ block["qkv"]
        q, k, v = (turned(mixed[..., n * width : (n + 1) * width]) for n in range(3))
        weights = self.t.softmax(q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5, -1)
        return (weights @ v).transpose(1, 2).reshape(batch, length, width) @ block["out"]


def transformer(t: Any) -> tuple[Callable[..., Any], tuple]:
    """3 pre-norm transformer blocks, width 128, 64 positions, batch of 8, one step of AdamW."""
    net = Transformer(t, 3, 128, 4)
    data = t.randn(8, 64, 128), t.randn(8, 64, 128)
    return step_of(t, net, t.nn.MSELoss(), t.optim.AdamW(net.parameters(), lr=1e-3)), data


WORKLOADS = {
    "regression": regression,
    "small network": small_network,
    "digits network": digits_network,
    "elementwise": elementwise,
    "normalised": normalised,
    "sums": sums,
    "transformer": transformer,
}
