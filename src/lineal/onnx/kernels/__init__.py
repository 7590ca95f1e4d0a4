"""What the operators of ONNX compute, by families: an entry of a table for each, from which `onnx.load` makes a module."""

from lineal.onnx.kernels import (
    activations,
    arithmetic,
    attention,
    indexing,
    losses,
    normalisation,
    products,
    quantised,
    recurrent,
    reductions,
    resizing,
    structure,
    windows,
)
from lineal.onnx.kernels.table import OPERATORS, Node

__all__ = ["OPERATORS", "Node"]
