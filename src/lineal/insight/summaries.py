"""`summary`: the layers of a model with their shapes, parameters and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from lineal.base import notebook, tree
from lineal.core import AbstractTensor, Op, no_grad
from lineal.insight.following import Follower
from lineal.nn import Module
from lineal.ops import zeros
from lineal.random import fork_rng
from lineal.tracing.flops import flops

__all__ = ["Layer", "Summary", "summary"]

GAP, MEGA = 2, 1e6
COLUMNS = ("Layer (type:depth-idx)", "Input Shape", "Output Shape", "Param #", "FLOPs")


class Layer(NamedTuple):
    """One call of a module: where it is in the model, what went in and came out, and what it cost.

    `parameters` are its own, without those of the modules in it; `flops` those of all that it did, and `bytes` of the result.
    """

    name: str
    kind: str
    depth: int
    index: int
    input_shapes: list[list[int]]
    output_shapes: list[list[int]]
    parameters: int
    trainable: int
    again: bool
    flops: int
    bytes: int


class Summary:
    """The layers of a model in the order in which they were called; printed, a table."""

    def __init__(self, model: Module, layers: list[Layer], inputs: list[AbstractTensor], depth: int | None):
        self.layers, self.depth = layers, depth
        self.parameters = sum(each.numel() for each in model.parameters())
        self.trainable = sum(each.numel() for each in model.parameters() if each.requires_grad)
        called = sum(each.parameters for each in layers if not each.again)
        self.unused = max(self.parameters - called, 0)
        """The parameters of modules that were not called."""
        self.flops = layers[0].flops
        self.input_bytes = sum(x.value.nbytes for x in inputs)
        self.parameter_bytes = sum(each.nbytes for each in (*model.parameters(), *model.buffers()))
        leaves = [each for each, after in zip(layers, [*layers[1:], None]) if after is None or after.depth <= each.depth]
        self.output_bytes = sum(each.bytes for each in leaves)
        """The bytes of what the innermost modules gave, which a backward pass keeps for the most part."""

    def __str__(self) -> str:
        shown = [each for each in self.layers if self.depth is None or each.depth <= self.depth]
        rows = [COLUMNS, *(row(each) for each in shown)]
        widths = [max(map(len, column)) + GAP for column in zip(*rows)]
        lines = ["".join(f"{cell:<{width}}" for cell, width in zip(each, widths)).rstrip() for each in rows]
        rule = "=" * sum(widths)
        return "\n".join([rule, lines[0], rule, *lines[1:], rule, *self.counts(), rule, *self.sizes(), rule])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        shown = [row(each) for each in self.layers if self.depth is None or each.depth <= self.depth]
        below = "\n".join([*self.counts(), *self.sizes()])
        return notebook.table(COLUMNS, shown) + notebook.preformatted(below)

    def counts(self) -> list[str]:
        """Return the lines on parameters and operations."""
        lines = [f"Total params: {self.parameters:,}", f"Trainable params: {self.trainable:,}"]
        lines.append(f"Non-trainable params: {self.parameters - self.trainable:,}")
        if self.unused:
            lines.append(f"Params of modules that were not called: {self.unused:,}")
        return [*lines, f"Total FLOPs (M): {self.flops / MEGA:.2f}"]

    def sizes(self) -> list[str]:
        """Return the lines on bytes."""
        found = {
            "Input size (MB)": self.input_bytes,
            "Forward pass size (MB)": self.output_bytes,
            "Params size (MB)": self.parameter_bytes,
        }
        found["Estimated Total Size (MB)"] = sum(found.values())
        return [f"{name}: {size / MEGA:.2f}" for name, size in found.items()]


def row(layer: Layer) -> tuple[str, ...]:
    """Return the cells of a layer."""
    bars = "" if not layer.depth else "│    " * (layer.depth - 1) + "├─"
    title = layer.kind if not layer.depth else f"{bars}{layer.kind}: {layer.depth}-{layer.index}"
    count = "(recursive)" if layer.again and layer.parameters else f"{layer.parameters:,}" if layer.parameters else "--"
    return title, shown(layer.input_shapes), shown(layer.output_shapes), count, f"{layer.flops:,}" if layer.flops else "--"


def shown(shapes: list[list[int]]) -> str:
    """Return shapes in few words."""
    return "--" if not shapes else str(shapes[0]) if len(shapes) == 1 else ", ".join(map(str, shapes))


class Layers(Follower):
    """Writes down the calls of a model's modules."""

    def __init__(self, model: Module):
        super().__init__()
        self.names = {module: name for name, module in model.named_modules()}
        self.layers: list[Layer] = []
        self.open: list[int] = []
        self.counts: dict[int, int] = {}
        self.seen: set[Module] = set()

    def entered(self, module: Module, args: tuple) -> None:
        own = list(module.parameters(recurse=False))
        depth = len(self.open)
        self.counts[depth] = self.counts.get(depth, 0) + 1
        self.open.append(len(self.layers))
        counted = sum(each.numel() for each in own), sum(each.numel() for each in own if each.requires_grad)
        name, again = self.names.get(module, ""), module in self.seen
        self.seen.add(module)
        place = (name, type(module).__name__, depth, self.counts[depth])
        self.layers.append(Layer(*place, shapes(args), [], *counted, again, 0, 0))

    def left(self, module: Module, output: Any) -> None:
        place = self.open.pop()
        size = sum(y.value.nbytes for y in tensors(output))
        self.layers[place] = self.layers[place]._replace(output_shapes=shapes(output), bytes=size)

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        taken = flops(op, [x.value.shape for x in xs], [y.value.shape for y in ys])
        for place in self.open if taken else ():
            self.layers[place] = self.layers[place]._replace(flops=self.layers[place].flops + taken)


def tensors(nest: Any) -> list[AbstractTensor]:
    """Return the tensors in a nest."""
    return [each for each in tree.leaves(nest) if isinstance(each, AbstractTensor)]


def shapes(nest: Any) -> list[list[int]]:
    """Return the shapes of the tensors in a nest."""
    return [list(each.value.shape) for each in tensors(nest)]


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Let a model be called within the block without that anything is left behind: no statistics, no random draws."""
    training = [each for each in model.modules() if each.training]
    model.eval()
    try:
        with no_grad(), fork_rng():
            yield
    finally:
        for each in training:
            each.training = True


def summary(model: Module, *inputs: Any, depth: int | None = None, **kwargs: Any) -> Summary:
    """Call a model once, without history and as in evaluation, and return its layers with shapes, parameters and FLOPs.

    An input that is a tuple of ints stands for a tensor of zeros of this shape; `depth` is how deep the printed table goes. A
    product and a sum count as one operation each (`tracing/flops.py`). TypeError if `model` is no module.
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: expected a module, got {type(model).__name__}")
    given = [zeros(each) if is_shape(each) else each for each in inputs]
    follower = Layers(model)
    with evaluating(model), follower:
        model(*given, **kwargs)
    return Summary(model, follower.layers, tensors((given, kwargs)), depth)


def is_shape(given: Any) -> bool:
    """Return whether an input is a shape that stands for a tensor."""
    return isinstance(given, tuple) and bool(given) and all(isinstance(each, int) for each in given)
