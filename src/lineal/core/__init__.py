"""The engine: what an op is, the one door, the backward pass. It knows no op."""

from lineal.core.apply import apply, finalize, lift, memory_of, renamed, synchronize
from lineal.core.backward import backward, gradients
from lineal.core.effect import Effect
from lineal.core.inplace import Overwrite, Renumber, ViewScatter, detach_in_place, write
from lineal.core.modes import Recorder, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from lineal.core.op import AbstractTensor, Leaf, Node, Op, module_of

__all__ = [
    "AbstractTensor",
    "Effect",
    "Leaf",
    "Node",
    "Op",
    "Overwrite",
    "Recorder",
    "Renumber",
    "ViewScatter",
    "apply",
    "backward",
    "detach_in_place",
    "enable_grad",
    "finalize",
    "gradients",
    "is_grad_enabled",
    "lift",
    "memory_of",
    "module_of",
    "no_grad",
    "renamed",
    "set_grad_enabled",
    "synchronize",
    "write",
]
