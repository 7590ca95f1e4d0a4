"""`load`: an ONNX file as a module, whose operators are looked up in one table (`kernels`)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.errors import UnsupportedError
from lineal.core import AbstractTensor, lift
from lineal.nn import Parameter
from lineal.nn.module import Module
from lineal.onnx.kernels import OPERATORS, Node
from lineal.onnx.kernels.arithmetic import dtype_of
from lineal.onnx.program import LIMIT
from lineal.serialization import CheckpointError

__all__ = ["ONNXModule", "load"]

proto: Any = later.module("onnx")

OPSETS = range(7, 24)
DOMAINS = ("", "ai.onnx")
FIXED: dict[str, Sequence[int]] = {
    "BatchNormalization": (3, 4),
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "Pad": (2,),
    "Clip": (1, 2),
    "Range": (0, 1, 2),
    "OneHot": (2,),
}
"""Which inputs of operators are settings and statistics."""


class ONNXModule(Module):
    """The graph of an ONNX file: a call takes its inputs in order, or by name, and gives its output, or a tuple of them.

    Initialisers stand under their own names in `state_dict()`: those in `learned` as parameters, others as buffers.
    """

    def __init__(
        self,
        inputs: dict[str, Any],
        outputs: Sequence[str],
        nodes: Sequence[Node],
        arrays: dict[str, np.ndarray],
        learned: Collection[str],
    ):
        super().__init__()
        self.inputs, self.outputs, self.nodes = inputs, [*outputs], [*nodes]
        self.constants = {name: entered(self, name, array, name in learned) for name, array in arrays.items()}
        """Where each initialiser is held: a module, and the name in it."""
        self.last = {name: n for n, node in enumerate(nodes) for name in node.inputs}
        """The last node that reads a value."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output, or a tuple of them."""
        values: dict[str, Any] = {name: getattr(*place) for name, place in self.constants.items()}
        values |= self.given(args, kwargs)
        for n, node in enumerate(self.nodes):
            made = OPERATORS[node.operator](node, *[values[name] if name else None for name in node.inputs])
            values |= zip(node.outputs, made if isinstance(made, tuple) else (made,))
            for name in node.inputs:
                if self.last[name] == n and name not in self.outputs:
                    values.pop(name, None)
        found = tuple([values[name] for name in self.outputs])
        return found if len(found) > 1 else next(iter(found))

    def given(self, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the values of the inputs by name; TypeError if some are missing, too many, or of another dtype."""
        rest = list(self.inputs)[len(args) :]
        if len(args) > len(self.inputs) or not kwargs.keys() <= set(rest):
            raise TypeError(f"ONNXModule: expected the inputs {[*self.inputs]}, got {len(args)} and {[*kwargs]}")
        found: dict[str, Any] = dict(zip(self.inputs, args)) | kwargs
        lacking = [name for name in self.inputs if name not in found and name not in self.constants]
        if lacking:
            raise TypeError(f"ONNXModule: expected the inputs {[*self.inputs]}, got none for {lacking}")
        for name, x in found.items():
            got = getattr(x, "dtype", None) if isinstance(x, AbstractTensor) else type(x).__name__
            if got is not self.inputs[name]:
                raise TypeError(f"ONNXModule: expected a tensor of {self.inputs[name]} for the input {name}, got {got}")
        return found

    def extra_repr(self) -> str:
        """Return the inputs, outputs and the number of nodes."""
        return f"{', '.join(self.inputs)} -> {', '.join(self.outputs)}, {len(self.nodes)} nodes"


def entered(root: Module, name: str, array: np.ndarray, learned: bool) -> tuple[Module, str]:
    """Enter an array into a module or those below it, by the parts of its name; return where it is."""
    *path, last = name.split(".")
    holder = root
    for part in path:
        child = holder._modules.get(part)
        if child is None and (not part or hasattr(holder, part)):
            return entered(root, name.replace(".", "_"), array, learned)
        if child is None:
            child = Module()
            holder.add_module(part, child)
        holder = child
    while not last or hasattr(holder, last):
        last += "_"
    x = lift(np.array(array))
    if learned:
        holder.register_parameter(last, Parameter(x))
    else:
        holder.register_buffer(last, x)
    return holder, last


def load(f: str | os.PathLike[str] | bytes, *, trainable: bool = True) -> ONNXModule:
    """Return the model in an ONNX file, given by its path or its bytes, as a module; `trainable` or not.

    CheckpointError for what is no such file; UnsupportedError names operators, and what of them, lineal does not have.
    """
    try:
        model = proto.load_from_string(f) if isinstance(f, bytes) else proto.load(os.fspath(f))
        for each in (*model.graph.input, *model.graph.output):
            # the checker wants shapes, which files may leave out, and which nothing here reads
            if each.type.HasField("tensor_type"):
                each.type.tensor_type.shape.SetInParent()
        if model.ByteSize() <= LIMIT:
            proto.checker.check_model(model)
    except (FileNotFoundError, ImportError):
        raise
    except Exception as error:
        raise CheckpointError(f"onnx.load: the file is damaged or no model of ONNX: {error}") from error
    found = module_of(model)
    return found.requires_grad_(trainable).eval()


def module_of(model: Any) -> ONNXModule:
    """Return the module of a model's message."""
    graph = model.graph
    version = next((each.version for each in model.opset_import if each.domain in DOMAINS), 0)
    if version not in OPSETS:
        raise UnsupportedError(f"onnx.load: the operators are of version {version}, and {OPSETS[0]} to {OPSETS[-1]} are known")
    nodes = [node_of(each, version) for each in graph.node]
    foreign = Counter(each.operator for each in nodes if each.operator not in OPERATORS)
    if foreign or graph.sparse_initializer:
        told = ", ".join(f"{name} ({count})" for name, count in sorted(foreign.items())) or "sparse initialisers"
        raise UnsupportedError(f"onnx.load: lineal does not have {told}")
    arrays = {each.name: array_of(each) for each in graph.initializer}
    inputs = {each.name: dtype_of_input(each) for each in graph.input if each.name not in arrays}
    own = [name for name in arrays if model.producer_name == "lineal" and name.startswith("constant")]
    return ONNXModule(inputs, [each.name for each in graph.output], nodes, arrays, weights(nodes, arrays) - {*own})


def weights(nodes: Sequence[Node], arrays: Mapping[str, np.ndarray]) -> set[str]:
    """Return which initialisers a model has learned, for all one can tell: floating ones with dimensions, but for `FIXED`."""
    found = {name for name, array in arrays.items() if array.ndim and dtypes.of(array.dtype).is_floating_point}
    return found - {name for node in nodes for place, name in enumerate(node.inputs) if place in FIXED.get(node.operator, ())}


def array_of(message: Any) -> np.ndarray:
    """Return the numbers of a tensor in the file; UnsupportedError if lineal does not have their dtype."""
    dtype_of(message.data_type)
    return proto.numpy_helper.to_array(message)


def dtype_of_input(info: Any) -> dtypes.dtype:
    """Return the dtype of an input, which is a tensor."""
    if not info.type.HasField("tensor_type"):
        raise UnsupportedError(f"onnx.load: the input {info.name} is no tensor")
    return dtype_of(info.type.tensor_type.elem_type)


def node_of(message: Any, version: int) -> Node:
    """Return a node; operators of other domains have theirs before their names."""
    operator = message.op_type if message.domain in DOMAINS else f"{message.domain}.{message.op_type}"
    attributes = {each.name: plain_attribute(each) for each in message.attribute}
    return Node(operator, message.input, message.output, attributes, version)


def plain_attribute(message: Any) -> Any:
    """Return an attribute: numbers, text, lists of them, arrays; graphs as they are."""
    value = proto.helper.get_attribute_value(message)
    if isinstance(value, proto.TensorProto):
        return array_of(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (int, float)):
        return value
    return [each.decode() if isinstance(each, bytes) else each for each in value] if isinstance(value, Sequence) else value
