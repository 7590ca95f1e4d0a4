"""The table of operators that files are read by: a function of a node and the values of its inputs for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.base.errors import UnsupportedError
from lineal.core import lift

__all__ = ["OPERATORS", "Node", "indices", "integers", "operator", "plain", "refuse"]

Operator = Callable[..., Any]
OPERATORS: dict[str, Operator] = {}
"""What each operator does: a function of the node and its inputs, None for those left out. It returns one value or several."""


class Node:
    """A node of a graph: its operator, what it reads and makes by name, its attributes, and the version of the operators."""

    def __init__(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Any], version: int = 20
    ):
        self.operator, self.inputs, self.outputs = operator, [*inputs], [*outputs]
        self.attributes, self.version = attributes, version

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or what it is by default."""
        return self.attributes.get(name, default)

    def __repr__(self) -> str:
        return f"{self.operator}({', '.join(self.inputs)}) -> {', '.join(self.outputs)}"


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Enter a function as what operators of these names do."""

    def enter(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return enter


def plain(function: Callable[..., Any]) -> Operator:
    """Return a function of the inputs alone as an entry of the table."""
    return lambda node, *xs: function(*xs)


def integers(given: Any) -> list[int]:
    """Return whole numbers that an input or an attribute has, [] for none."""
    if given is None:
        return []
    found = given.tolist() if hasattr(given, "tolist") else given
    return [int(each) for each in found] if isinstance(found, (list, tuple)) else [int(found)]


def refuse(node: Node, what: str) -> UnsupportedError:
    """Return the error that says what of an operator is missing."""
    return UnsupportedError(f"onnx.load: {node.operator} with {what} (of {', '.join(node.outputs)})")


def indices(numbers: Any) -> Any:
    """Return whole numbers as a tensor."""
    return lift(np.asarray(numbers, np.int64))
