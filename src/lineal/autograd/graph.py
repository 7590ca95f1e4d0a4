"""The nodes of the graph, and hooks on what they keep, as in `torch.autograd.graph`."""

from lineal.core.op import Leaf, Node
from lineal.core.saving import disable_saved_tensors_hooks, saved_tensors_hooks
from lineal.transforms.edges import GradientEdge, get_gradient_edge, increment_version, register_multi_grad_hook
from lineal.transforms.saved import allow_mutation_on_saved_tensors, save_on_cpu

__all__ = [
    "GradientEdge",
    "Leaf",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]
