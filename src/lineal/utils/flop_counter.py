"""How many operations products, convolutions and attention take, as in `torch.utils.flop_counter`."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lineal.core import AbstractTensor, Op
from lineal.insight.following import Follower
from lineal.nn.module import Module
from lineal.tracing.flops import products

__all__ = ["FlopCounterMode"]

WHOLE = "Global"
"""The name under which everything is counted."""


class FlopCounterMode(Follower):
    """Counts within the block what runs, by module and op; with `display`, prints it at the end down to a depth.

    A product and a sum count as one operation each. Biases, functions of numbers and reductions are not counted, as PyTorch
    does not; `lineal.insight.summary` counts them. `mods` is no longer used; `custom_mapping` is for operators of PyTorch's.
    """

    def __init__(self, mods: Any = None, depth: int = 2, display: bool = True, custom_mapping: dict[Any, Any] | None = None):
        super().__init__()
        self.depth, self.display = depth, display
        self.flop_counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.open: list[str] = []
        self.names: dict[Module, str] = {}

    def __enter__(self) -> FlopCounterMode:
        self.flop_counts.clear()
        super().__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        if self.display:
            print(self.get_table(self.depth))

    def entered(self, module: Module, args: tuple) -> None:
        if not self.open:
            root = type(module).__name__
            self.names = {each: f"{root}.{name}".rstrip(".") for name, each in module.named_modules()}
        self.open.append(self.names.get(module, type(module).__name__))

    def left(self, module: Module, output: Any) -> None:
        self.open.pop()

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        taken = products(op, [x.value.shape for x in xs], [y.value.shape for y in ys])
        for name in dict.fromkeys((WHOLE, *self.open)) if taken else ():
            self.flop_counts[name][op.key] += taken

    def get_total_flops(self) -> int:
        """Return how many operations all took."""
        return sum(self.flop_counts[WHOLE].values()) if WHOLE in self.flop_counts else 0

    def get_flop_counts(self) -> dict[str, dict[str, int]]:
        """Return the operations by module, "Global" for all, and by op."""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """Return the operations of modules down to a depth, line by line."""
        deepest = self.depth if depth is None else depth
        shown = [(name, sum(counts.values())) for name, counts in self.flop_counts.items() if name.count(".") <= deepest]
        width = max([len(name) for name, _ in shown], default=0)
        return "\n".join(f"{name:{width}}  {count:>16,}" for name, count in shown)
