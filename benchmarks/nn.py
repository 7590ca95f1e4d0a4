"""Training steps of networks: `python benchmarks/nn.py [--rounds 15] [--only LeNet] [--threads 1] [--compiled]`.

LeNet, a small residual network, blocks of depthwise-separable convolutions, inference of a network like VGG, a variational
autoencoder, a language model of LSTMs, GRUs, a transformer's encoder, a small GPT, attention alone, a recommender with a table
of a million rows; lineal eager and compiled, PyTorch (`pip install torch==2.13.0`) eager and, with `--compiled`, by
`torch.compile`, which needs a C++ compiler. Prints medians in milliseconds and ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blocks import residual_block
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
    nn, Block = t.nn, residual_block(t)
    head = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    blocks = Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)
    net = nn.Sequential(*head, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    return training(t, net, t.randn(16, 3, 32, 32), t.randint(0, 10, (16,)))


def separable(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of a network of three depthwise-separable blocks, of 16 images of 32 × 32.   Howard et al. (2017)."""
    t.manual_seed(0)
    nn = t.nn

    def block(before: int, after: int, stride: int) -> list[Any]:
        deep, wide = nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False), nn.Conv2d(before, after, 1, bias=False)
        return [deep, nn.BatchNorm2d(before), nn.ReLU(), wide, nn.BatchNorm2d(after), nn.ReLU()]

    head = nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()
    net = nn.Sequential(*head, *block(32, 64, 1), *block(64, 64, 2), *block(64, 128, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net.append(nn.Linear(128, 10))
    return training(t, net, t.randn(16, 3, 32, 32), t.randint(0, 10, (16,)))


def vgg(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return inference of a network like VGG, of 8 images of 64 × 64.   Simonyan and Zisserman (2015)."""
    t.manual_seed(0)
    nn, layers, before = t.nn, [], 3
    for after, count in ((64, 2), (128, 2), (256, 2)):
        for _ in range(count):
            layers += [nn.Conv2d(before, after, 3, 1, 1), nn.ReLU()]
            before = after
        layers.append(nn.MaxPool2d(2))
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 64, 256), nn.ReLU(), nn.Linear(256, 10)).eval()

    def infer(x: Any) -> Any:
        with t.no_grad():
            return net(x)

    return infer, (t.randn(8, 3, 64, 64),)


def autoencoder(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of a variational autoencoder of 64 images of 28 × 28, with Adam.   Kingma and Welling (2014)."""
    t.manual_seed(0)
    nn, F = t.nn, t.nn.functional
    encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    optimizer = t.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        mean, spread = encoder(x).chunk(2, 1)
        z = mean + t.randn_like(mean) * (spread / 2).exp()
        wrong = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        loss = wrong - (1 + spread - mean.square() - spread.exp()).sum() / 2
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, (t.rand(64, 784),)


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


def gpt(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of a causal transformer of three layers of width 128, of 8 sequences of 64 words of 1,000, with AdamW."""
    t.manual_seed(0)
    nn, F = t.nn, t.nn.functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(128), nn.LayerNorm(128)
            self.given, self.out = nn.Linear(128, 384), nn.Linear(128, 128)
            self.wide = nn.Sequential(nn.Linear(128, 512), nn.GELU(), nn.Linear(512, 128))

        def forward(self, x: Any) -> Any:
            heads = [each.reshape(8, 64, 4, 32).transpose(1, 2) for each in self.given(self.first(x)).chunk(3, -1)]
            y = F.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).reshape(8, 64, 128)
            x = x + self.out(y)
            return x + self.wide(self.second(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(1000, 128), nn.Embedding(64, 128)
            self.blocks = nn.Sequential(Block(), Block(), Block(), nn.LayerNorm(128), nn.Linear(128, 1000, bias=False))

        def forward(self, x: Any) -> Any:
            return self.blocks(self.words(x) + self.places.weight).reshape(-1, 1000)

    net = Model()
    optimizer = t.optim.AdamW(net.parameters(), lr=1e-3)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, (t.randint(0, 1000, (8, 64)), t.randint(0, 1000, (512,)))


def recommender(t: Any) -> tuple[Callable[..., Any], tuple]:
    """Return a step of a recommender: bags of 20 of 10⁶ items, width 32, of 256 users; the derivative by the table is dense."""
    t.manual_seed(0)
    nn = t.nn
    net = nn.Sequential(nn.EmbeddingBag(1_000_000, 32), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 2))
    return training(t, net, t.randint(0, 1_000_000, (256, 20)), t.randint(0, 2, (256,)))


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
    "depthwise-separable network, batch 16": separable,
    "VGG-like inference, batch 8": vgg,
    "variational autoencoder": autoencoder,
    "LSTM language model": lambda t: recurrent(t, "LSTM"),
    "GRU language model": lambda t: recurrent(t, "GRU"),
    "transformer's encoder": encoder,
    "GPT of 3 layers": gpt,
    "recommender, 10⁶ rows": recommender,
    "causal attention 4 x 1024 x 64": attention,
}

if __name__ == "__main__":
    main(__file__, __doc__, WORKLOADS)
