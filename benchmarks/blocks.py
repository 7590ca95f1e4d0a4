"""The blocks that the networks of several benchmarks are made of, in PyTorch's words."""

from __future__ import annotations

from typing import Any

__all__ = ["residual_block"]


def residual_block(t: Any) -> type:
    """Return the class of residual blocks of two convolutions: channels before and after, a stride.   He et al. (2016)."""
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

    return Block
