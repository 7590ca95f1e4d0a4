"""The nodes of the graph, as in `torch.autograd.graph`."""

from lineal.core.op import Leaf, Node

__all__ = ["Leaf", "Node"]
