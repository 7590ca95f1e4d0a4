"""The nodes of the graph, as in `torch.autograd.graph`."""

from lineal.core.hooks import Handle
from lineal.core.op import Leaf, Node

__all__ = ["Handle", "Leaf", "Node"]
