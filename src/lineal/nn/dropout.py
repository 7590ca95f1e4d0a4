"""Dropout as a layer."""

from __future__ import annotations

from lineal.nn import functional
from lineal.nn.module import Module
from lineal.tensors import Tensor


class Dropout(Module):
    """While training, zero each element with probability `p` and scale the others by 1/(1-p); else do nothing."""

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"Dropout: expected a probability between 0 and 1, got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
