"""Tensors in memory that other processes see: `share_memory_`, `is_shared`, and how tensors are sent by `multiprocessing`.

A tensor that is sent moves to shared memory, as in PyTorch, and only a file descriptor is sent; sender and receiver see each
other's writes. If other tensors look into its memory it cannot move, for they would be left behind: then a copy is sent.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from multiprocessing import reduction
from multiprocessing.context import get_spawning_popen
from typing import Any

import numpy as np

from lineal.base import sharing
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Leaf, lift
from lineal.ops import layout
from lineal.tensors.conversion_methods import attributes

__all__ = ["attached", "check_leaf", "is_shared", "reduced", "share_memory_"]

OWN = 2
"""References to the record of a memory that one tensor has for itself: its own, and that of who asks."""


def is_shared(self: Any) -> bool:
    """Return whether the tensor lies in memory that other processes may see."""
    return sharing.memory_of(self.value) is not None


def is_alone(x: AbstractTensor) -> bool:
    """Return whether no other tensor is known to look into the memory of `x`."""
    return x.memory is None or sys.getrefcount(x.memory) <= OWN


def share_memory_(self: Any) -> Tensor:
    """Move the tensor to memory that other processes see when it is sent to them, or when they are forked.

    Tensors that look into its memory go with it. RuntimeError if an array of NumPy's, or a history, looks into it too.
    """
    if is_shared(self):
        return self
    if not is_alone(self):
        self.untyped_storage().share_memory_()
        return self
    self.value = sharing.new_array(self.value)
    return self


def check_leaf(x: Any) -> None:
    """Refuse to send a tensor with a history, which would be lost on the way."""
    if x.node is not None and not isinstance(x.node, Leaf):
        raise RuntimeError(
            "multiprocessing: Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not "
            "support crossing process boundaries. If you just want to transfer the data, call detach() on the tensor before "
            "serializing (e.g., putting it on the queue)."
        )


def reduced(x: Any) -> tuple:
    """Return how a tensor is made anew in another process; RuntimeError if it has a history."""
    check_leaf(x)
    if not x.value.nbytes or not hasattr(reduction, "DupFd"):
        return x.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    if is_alone(x):
        share_memory_(x)
    array = x.value if is_shared(x) else sharing.new_array(x.value)
    memory: Any = sharing.memory_of(array)
    offset = layout.address(array) - layout.address(np.frombuffer(memory, np.uint8))
    descriptor = reduction.DupFd(memory.descriptor)
    starting = get_spawning_popen()
    if starting is not None:
        # what a process is started with is sent only after all of it has been pickled
        vars(starting).setdefault("memories", []).append(memory)
    where = (descriptor, len(memory), offset, array.shape, array.strides, array.dtype)
    made = (attached, (type(x), *where, x.node is not None))
    return (*made, attributes(x)) if attributes(x) else made


def attached(
    kind: type,
    descriptor: Any,
    size: int,
    offset: int,
    shape: Sequence[int],
    strides: Sequence[int],
    dtype: np.dtype,
    requires_grad: bool,
) -> Any:
    """Return the tensor of a class that lies so in the memory that another process has sent."""
    try:
        memory = sharing.mapped(descriptor.detach(), size)
    except (ConnectionError, FileNotFoundError) as error:
        error.add_note("multiprocessing: the sender of this tensor has ended; it must live until the tensor is received")
        raise
    array = sharing.array_at(memory, offset, shape, strides, dtype)
    made: Any = lift(array)
    if kind is not type(made):
        return kind(made, requires_grad)
    return made.requires_grad_() if requires_grad else made
