"""The diagram of a model, or a function: its modules and ops as they ran."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from lineal.core import AbstractTensor, Op
from lineal.insight.advice.steps import call_of
from lineal.insight.drawing.diagram import Diagram
from lineal.insight.following import Follower
from lineal.insight.summaries import tensors
from lineal.nn import Module
from lineal.ops.premise import Premise

__all__ = ["diagram_of_calls"]

LONG = 36
"""How many letters of a module's options are shown."""


class Boxes(Follower):
    """Draws what runs: a box for each module without others in it, or as deep as `depth`, and for each op outside of them."""

    def __init__(self, model: Any, depth: int | None):
        super().__init__()
        self.diagram, self.depth = Diagram(), depth
        self.names = {module: name for name, module in model.named_modules()} if isinstance(model, Module) else {}
        self.parameters = {id(p): name for name, p in model.named_parameters()} if isinstance(model, Module) else {}
        self.made: dict[int, int] = {}
        """The boxes that tensors came from, by the tensors' identities."""
        self.alive: list[AbstractTensor] = []
        self.unit: tuple[int, int] | None = None
        """The box of the module that is called, and at which depth."""
        self.before = {0}
        """The frames, by their identities, that led to the call; 0 is that of a call without any of a program's."""

    def __enter__(self) -> Self:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            self.before.add(id(frame))
            frame = frame.f_back
        return super().__enter__()

    def place(self) -> str:
        """Return the line of the program's that is running, "" if what was called has none."""
        call = call_of()
        return "" if call.frame in self.before else str(call)

    def enter(self, x: AbstractTensor, box: int) -> None:
        """Let a tensor come from a box."""
        self.alive.append(x)
        self.made[id(x)] = box

    def clusters(self) -> tuple[str, ...]:
        """Return the titles of the modules that are open, and no boxes."""
        return tuple(self.title(each) for each in self.within[1:] if self.names.get(each))

    def title(self, module: Module) -> str:
        """Return a module's own name and class."""
        name = self.names.get(module, "").rpartition(".")[2]
        return f"{name}: {type(module).__name__}" if name else type(module).__name__

    def entered(self, module: Module, args: tuple) -> None:
        depth = len(self.within) - 1
        is_unit = not any(module.children()) or (self.depth is not None and depth >= self.depth)
        if self.unit is None and is_unit:
            told = shortened(module.extra_repr())
            box = self.diagram.add(
                "module", self.title(module), *([told] if told else []), clusters=self.clusters()[:-1], place=self.place()
            )
            self.unit = box, depth
            self.lead(args, box)

    def left(self, module: Module, output: Any) -> None:
        if self.unit is None or len(self.within) - 1 != self.unit[1]:
            return
        box, self.unit = self.unit[0], None
        for y in tensors(output):
            self.enter(y, box)

    def lead(self, xs: Any, box: int) -> None:
        """Draw arrows from where tensors came from."""
        for x in tensors(xs):
            source = self.made.get(id(x))
            if source is None and id(x) in self.parameters and self.unit is None:
                source = self.diagram.add("parameter", self.parameters[id(x)], shape(x), clusters=self.clusters())
                self.enter(x, source)
            if source is not None:
                self.diagram.join(source, box, shape(x))

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        if isinstance(op, Premise):
            return
        if self.unit is None:
            box = self.diagram.add("op", op.key, clusters=self.clusters(), place=self.place())
        else:
            box = self.unit[0]
        self.lead(xs, box)
        for y in ys:
            self.enter(y, box)

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        if id(source) in self.made:
            self.enter(target, self.made[id(source)])


def shortened(text: str) -> str:
    """Return a text, or its beginning if it is long."""
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def shape(x: AbstractTensor) -> str:
    """Return a tensor's shape in words."""
    return "×".join(map(str, x.value.shape)) or "1"


def diagram_of_calls(function: Callable[..., Any], inputs: tuple, kwargs: dict[str, Any], depth: int | None) -> Diagram:
    """Call a function or model, and return the diagram of what it did."""
    boxes = Boxes(function, depth)
    for place, x in enumerate(tensors((inputs, kwargs))):
        boxes.enter(x, boxes.diagram.add("input", f"input {place}", shape(x)))
    with boxes:
        result = function(*inputs, **kwargs)
    for place, y in enumerate(tensors(result)):
        output = boxes.diagram.add("output", f"output {place}", shape(y))
        if id(y) in boxes.made:
            boxes.diagram.join(boxes.made[id(y)], output, shape(y))
    return boxes.diagram
