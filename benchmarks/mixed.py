"""Training steps under autocast: `python benchmarks/mixed.py [--rounds 30] [--threads 2]`.

A GPT of three layers of width 256, of 8 sequences of 64, with AdamW, and a small network of convolutions: lineal's compiled
step in float32 and under bfloat16 autocast, and PyTorch's (`pip install torch==2.13.0`) in both. Turn by turn in one process;
prints the least milliseconds.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any

import lineal

Step = Callable[[], Any]


def training(t: Any, net: Any, x: Any, y: Any, amp: bool) -> Step:
    """Return a step of AdamW of a network of classes, under autocast or not; lineal's is compiled."""
    optimizer = t.optim.AdamW(net.parameters(), lr=1e-3)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        with t.autocast("cpu", enabled=amp):
            loss = t.nn.functional.cross_entropy(net(x).flatten(0, -2), y)
        loss.backward()
        optimizer.step()
        return loss

    run = t.compile(step) if t is lineal else step
    return lambda: run(x, y)


def gpt(t: Any, amp: bool, width: int = 256, heads: int = 8, words: int = 256) -> Step:
    """Return a step of a causal transformer."""
    t.manual_seed(0)
    nn, F = t.nn, t.nn.functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.given, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.wide = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            shape = (*x.shape[:2], heads, width // heads)
            q, k, v = (each.reshape(shape).transpose(1, 2) for each in self.given(self.first(x)).chunk(3, -1))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).flatten(2))
            return x + self.wide(self.second(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(words, width), nn.Embedding(64, width)
            self.blocks = nn.Sequential(Block(), Block(), Block(), nn.LayerNorm(width), nn.Linear(width, words))

        def forward(self, x: Any) -> Any:
            return self.blocks(self.words(x) + self.places.weight)

    return training(t, Model(), t.randint(0, words, (8, 64)), t.randint(0, words, (512,)), amp)


def convolutions(t: Any, amp: bool) -> Step:
    """Return a step of a network of convolutions, of 16 images of 32 × 32."""
    t.manual_seed(0)
    nn = t.nn
    layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(2048, 10)]
    return training(t, nn.Sequential(*layers), t.randn(16, 3, 32, 32), t.randint(0, 10, (16,)), amp)


def main() -> None:
    """Time the rivals of each workload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch = importlib.import_module("torch")
    libraries, dtypes = (("lineal", lineal), ("PyTorch", torch)), ("float32", "bfloat16")
    sides = {f"{name} {dtype}": (t, dtype != "float32") for name, t in libraries for dtype in dtypes}
    for t in (lineal, torch):
        t.set_num_threads(options.threads)
    for title, make in (("GPT of width 256", gpt), ("convolutions", convolutions)):
        rivals = {name: make(*given) for name, given in sides.items()}
        least = {name: float("inf") for name in rivals}
        for turn in range(options.rounds + 4):
            for name, step in rivals.items():
                start = time.perf_counter()
                step()
                # the first turns compile
                least[name] = min(least[name], time.perf_counter() - start if turn >= 4 else float("inf"))
        print(title, *(f"{name} {1e3 * each:.1f} ms" for name, each in least.items()), sep="   ")


if __name__ == "__main__":
    main()
