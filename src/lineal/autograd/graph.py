"""The nodes of the graph, as in `torch.autograd.graph`."""

from lineal.core.op import Handle, Leaf, Node

__all__ = ["Handle", "Leaf", "Node"]
