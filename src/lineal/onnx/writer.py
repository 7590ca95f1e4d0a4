"""The graph of a file while it is written: nodes, initialisers, sizes that are computed when it runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.core import Op
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.varying import Varying, polynomial

proto: Any = later.module("onnx")

__all__ = ["FIRST", "LAST", "GraphWriter", "Value"]

LAST, FIRST = np.iinfo(np.int64).max, np.iinfo(np.int64).min
"""The ends of an axis of any size, as Slice reads them."""


class Value(NamedTuple):
    """A value of the graph: its name, its shape (with a `Varying` where it depends on sizes), and its dtype."""

    name: str
    shape: tuple[Any, ...]
    storage: np.dtype

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)


def name_of(value: Any) -> str:
    """Return the name of a value, or of what is a name already; "" for an input that is left out."""
    return value.name if isinstance(value, Value) else value or ""


class GraphWriter:
    """Takes nodes in order. Rules call `node` for an operator and `constant`, `number`, `sizes` for what it reads."""

    def __init__(self, opset: int, dimensions: np.ndarray):
        self.opset = opset
        self.dimensions = dimensions
        """The dynamic dimensions, at each trial."""
        self.places: list[tuple[str, int]] = []
        """For every dynamic dimension an input, and the axis of it that has the size."""
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.taken: set[str] = set()
        self.known: dict[Any, str] = {}
        """The names of constants and of sizes, which are made once."""
        self.axes: dict[Varying, tuple[str, int]] = {}
        """A value and an axis of it for sizes that were met."""
        self.made: dict[str, tuple[Op, tuple[Value, ...]]] = {}
        """The op and the inputs that a value comes from."""
        self.scalars: dict[str, float] = {}
        """The constants without dimensions, by name."""
        self.trials: list[Any] = []
        """The op that is being written, as it was at each trial."""

    def name(self, wish: str) -> str:
        """Return a name that nothing else has."""
        found = wish
        for n in itertools.count(1):
            if found not in self.taken:
                break
            found = f"{wish}_{n}"
        self.taken.add(found)
        return found

    def nodes_of(self, operator: str, inputs: Sequence[Any], count: int, **attributes: Any) -> tuple[str, ...]:
        """Append a node of an operator and return the names of its `count` outputs; attributes that are None are left out."""
        outputs = tuple([self.name(operator.lower()) for _ in range(count)])
        given = {key: each for key, each in attributes.items() if each is not None}
        names = [name_of(each) for each in inputs]
        while names and not names[-1]:
            # onnxruntime 1.32 ends the process over a LayerNormalization whose last input is there and has no name
            names.pop()
        self.nodes.append(proto.helper.make_node(operator, names, outputs, name=f"node_{outputs[0]}", **given))
        return outputs

    def nodes_named(self, operator: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Append a node whose outputs have these names."""
        self.nodes.append(proto.helper.make_node(operator, inputs, outputs, name=f"node_{outputs[0]}"))

    def node(self, operator: str, *inputs: Any, **attributes: Any) -> str:
        """Append a node of an operator and return the name of its output."""
        return self.nodes_of(operator, inputs, 1, **attributes)[0]

    # what nodes read

    def initializer(self, name: str, array: np.ndarray) -> str:
        """Enter a named array and return its name, which may have got a number behind it."""
        name = self.name(name)
        self.initializers[name] = proto.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        return name

    def constant(self, array: np.ndarray) -> str:
        """Return the name of an array that stands in the file once."""
        key = (array.dtype, array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = self.initializer("constant", array)
            if not array.ndim and array.dtype.kind == "f":
                self.scalars[self.known[key]] = float(array)
        return self.known[key]

    def number(self, number: Any, storage: Any) -> str:
        """Return the name of a number without dimensions; one that depends on sizes is computed and converted."""
        if isinstance(number, Varying):
            return self.cast(self.node("Squeeze", self.sizes([number])), storage)
        return self.constant(np.array(number).astype(storage))

    def ints(self, numbers: Iterable[int]) -> str:
        """Return the name of a list of whole numbers."""
        return self.constant(np.array(list(numbers), np.int64))

    def type_of(self, storage: Any) -> int:
        """Return ONNX's number of a dtype; OnnxExporterError where it has none, or none that operators take."""
        if np.dtype(storage).kind == "c":
            raise OnnxExporterError(f"ONNX's operators take no complex numbers, got {np.dtype(storage).name}")
        return proto.helper.np_dtype_to_tensor_dtype(np.dtype(storage))

    def cast(self, x: Any, storage: Any) -> str:
        """Return the name of x converted to a dtype."""
        return self.node("Cast", x, to=self.type_of(storage))

    # sizes

    def sizes(self, numbers: Sequence[Any]) -> str:
        """Return the name of a list of whole numbers, of which some may depend on sizes."""
        if not any(isinstance(each, Varying) for each in numbers):
            return self.ints(numbers)
        parts: list[str] = []
        for vary, group in itertools.groupby(numbers, lambda each: isinstance(each, Varying)):
            found = list(group)
            parts += [self.size(each) for each in found] if vary else [self.ints(found)]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def size(self, number: Varying) -> str:
        """Return the name of a list of one whole number that depends on sizes: a polynomial of them, or the size of an axis."""
        if number.numbers not in self.known:
            self.known[number.numbers] = self.computed(number)
        return self.known[number.numbers]

    def computed(self, number: Varying) -> str:
        """Append what computes a number that depends on sizes; OnnxExporterError if that is unknown."""
        terms = polynomial(number, self.dimensions)
        if terms is None:
            if number in self.axes:
                return self.length(*self.axes[number])
            raise OnnxExporterError(f"cannot tell how a number depends on the dynamic sizes: it is {number}")
        total = ""
        for term, factor in terms.items():
            part = self.ints([factor]) if factor != 1 or not term else ""
            for n in term:
                length = self.length(*self.places[n])
                part = self.node("Mul", part, length) if part else length
            total = self.node("Add", total, part) if total else part
        return total

    def length(self, name: str, axis: int) -> str:
        """Return the name of the size of an axis."""
        if (name, axis) not in self.known:
            self.known[name, axis] = self.node("Shape", name, start=axis, end=axis + 1)
        return self.known[name, axis]

    def enter(self, value: Value) -> None:
        """Note which sizes the axes of a value have."""
        for axis, size in enumerate(value.shape):
            if isinstance(size, Varying):
                self.axes.setdefault(size, (value.name, axis))

    # the end

    def rename(self, names: Mapping[str, str]) -> None:
        """Give values that nodes make other names."""
        for node in self.nodes:
            for field in (node.input, node.output):
                field[:] = [names.get(each, each) for each in field]

    def prune(self, outputs: Iterable[str]) -> None:
        """Leave out what no output depends on."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if not wanted.isdisjoint(node.output):
                kept.append(node)
                wanted.update(node.input)
        self.nodes = kept[::-1]
        self.initializers = {name: each for name, each in self.initializers.items() if name in wanted}

    def outline(self, name: str, storage: Any, shape: Sequence[Any]) -> Any:
        """Return what the file says of an input or output: dtype and shape, with names or None for sizes that vary."""
        return proto.helper.make_tensor_value_info(name, self.type_of(storage), shape)

    def outline_of(self, initializer: Any) -> Any:
        """Return what the file says of an initialiser that is an input."""
        return proto.helper.make_tensor_value_info(initializer.name, initializer.data_type, list(initializer.dims))

    def message(self, inputs: Sequence[Any], outputs: Sequence[Any], initializers: Sequence[Any]) -> Any:
        """Return the graph as ONNX writes it."""
        return proto.helper.make_graph(self.nodes, "main_graph", inputs, outputs, initializers)
