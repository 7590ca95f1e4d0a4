"""Training steps of networks: `python benchmarks/nn.py [--rounds 15] [--only LeNet]`.

LeNet, a small residual network, a language model of LSTMs, GRUs, a transformer's encoder, attention alone; lineal eager and
compiled, PyTorch (`pip install torch==2.13.0`) eager. Prints medians in milliseconds and ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sides import main


def training(t: Any, net: Any, x: Any, y: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of SGD with momentum of a network of classes, and what it is given."""
    optimizer = t.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = t.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, (x, y)


def lenet(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of LeNet, of 64 images of 28 × 28.   LeCun et al. (1998)."""
    t.manual_seed(0)
    nn = t.nn
    head = nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
    tail = nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
    return training(t, nn.Sequential(*head, *tail), t.randn(64, 1, 28, 28), t.randint(0, 10, (64,)))


def residual(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of a network of three residual blocks, of 16 images of 32 × 32.   He et al. (2016)."""
    t.manual_seed(0)
    nn = t.nn

    class Block(nn.Module):
        def __init__(self, before: int, after: int, stride: int):
            super().__init__()
            first, second = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.Conv2d(after, after, 3, 1, 1, bias=False)
            self.way = nn.Sequential(first, nn.BatchNorm2d(after), nn.ReLU(), second, nn.BatchNorm2d(after))
            short = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
            self.short = nn.Identity() if before == after else short

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.way(x) + self.short(x))

    head = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    blocks = Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)
    net = nn.Sequential(*head, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    return training(t, net, t.randn(16, 3, 32, 32), t.randint(0, 10, (16,)))


def recurrent(t: Any, kind: str) -> tuple[Callable[..., Any], tuple]:
    """Return a step of a language model of two recurrent layers of width 128, of 32 sequences of 35 words of 1,000."""
    t.manual_seed(0)
    nn = t.nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.out = nn.Embedding(1000, 128), nn.Linear(128, 1000)
            self.layers = getattr(nn, kind)(128, 128, 2)

        def forward(self, x: Any) -> Any:
            return self.out(self.layers(self.words(x))[0]).reshape(-1, 1000)

    return training(t, Model(), t.randint(0, 1000, (35, 32)), t.randint(0, 1000, (35 * 32,)))


def encoder(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of a transformer's encoder of two layers of width 128, of 16 sequences of 64."""
    t.manual_seed(0)
    nn = t.nn
    layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
    body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    net = nn.Sequential(body, nn.Flatten(), nn.Linear(64 * 128, 10))
    return training(t, net, t.randn(16, 64, 128), t.randint(0, 10, (16,)))


def attention(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return causal attention of 4 heads of 1,024 positions of width 64, forward and backward."""
    t.manual_seed(0)
    given = tuple([t.randn(1, 4, 1024, 64, requires_grad=True) for _ in range(3)])

    def step(q: Any, k: Any, v: Any) -> Any:
        for each in (q, k, v):
            each.grad = None
        loss = t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).square().sum()
        loss.backward()
        return loss.detach()

    return step, given


WORKLOADS: dict[str, Callable[[Any], tuple[Callable[..., Any], tuple]]] = {
    "LeNet, batch 64": lenet,
    "residual network, batch 16": residual,
    "LSTM language model": lambda t: recurrent(t, "LSTM"),
    "GRU language model": lambda t: recurrent(t, "GRU"),
    "transformer's encoder": encoder,
    "causal attention 4 x 1024 x 64": attention,
}

if __name__ == "__main__":
    main(__file__, __doc__, WORKLOADS)
