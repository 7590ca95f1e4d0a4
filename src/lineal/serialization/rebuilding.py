"""What pickles of tensors call to make them: PyTorch's functions of `torch._utils`, by their names and arguments there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from lineal.base import later
from lineal.core import lift
from lineal.nn import Parameter
from lineal.serialization.blocks import tensor_over
from lineal.tensors import Layout, Tensor

__all__ = ["REBUILDERS", "attributes"]

storing: Any = later.module("lineal.sparse.storing")


def rebuild_tensor(storage: Any, offset: int, size: Any, stride: Any) -> Tensor:
    """Return a tensor of the oldest files."""
    return tensor_over(storage, offset, size, stride)


def rebuild_tensor_v2(
    storage: Any, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any, metadata: Any = None
) -> Tensor:
    """Return a tensor over a storage of its dtype; hooks are not kept in files."""
    return finished(tensor_over(storage, offset, size, stride), storage, requires_grad, metadata)


def rebuild_tensor_v3(
    storage: Any, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    """Return a tensor over a storage of bytes, of one of the newer dtypes."""
    return finished(tensor_over(storage, offset, size, stride, dtype), storage, requires_grad, metadata)


def finished(y: Any, storage: Any, requires_grad: Any, metadata: Any) -> Tensor:
    """Return a tensor with the numbers that `metadata` says, conjugated or negated, and as a leaf that requires grad or not."""
    marks = {key for key, each in (metadata or {}).items() if each}
    if not marks <= {"conj", "neg"} or (marks and (storage.pending or math.prod(y.value.shape) > storage.root.value.size)):
        raise ValueError(f"a tensor marked {metadata!r}")
    if marks:
        value = np.conjugate(y.value) if "conj" in marks else y.value
        y = lift(np.negative(value) if "neg" in marks else value)
    return y.requires_grad_(True) if requires_grad is True else y


def rebuild_parameter(data: Any, requires_grad: bool, hooks: Any) -> Parameter:
    """Return a parameter over the memory of a tensor."""
    if not isinstance(data, Tensor):
        raise ValueError(f"a parameter made of {type(data).__name__}")
    return Parameter(data, requires_grad is True)


def rebuild_parameter_with_state(data: Any, requires_grad: bool, hooks: Any, state: Any) -> Parameter:
    """Return a parameter that has attributes."""
    made = rebuild_parameter(data, requires_grad, hooks)
    attributes(made, state)
    return made


def rebuild_from_type_v2(function: Any, cls: Any, arguments: Any, state: Any) -> Tensor:
    """Return what another of these functions makes, with attributes; classes of others are refused."""
    if function not in REBUILDERS.values() or function is rebuild_from_type_v2 or not (cls is Tensor or cls is Parameter):
        raise ValueError(f"a tensor of the class {getattr(cls, '__name__', cls)}")
    made = function(*arguments)
    if cls is Parameter and not isinstance(made, Parameter):
        made = Parameter(made, made.requires_grad)
    attributes(made, state)
    return made


def rebuild_sparse_tensor(layout: Any, parts: Any) -> Tensor:
    """Return a sparse tensor of a layout; indices that do not fit are refused."""
    if (
        not isinstance(layout, Layout)
        or not isinstance(parts, tuple)
        or not all(isinstance(each, Tensor) for each in parts[:2])
    ):
        raise ValueError(f"a sparse tensor of the layout {layout!r} made of {type(parts).__name__}")
    return storing.of_parts(layout, parts)


def attributes(thing: Any, state: Any) -> None:
    """Give an object attributes that its class does not have; state may be a pair of dicts, the second for slots."""
    for each in state if isinstance(state, tuple) else (state,):
        if each is not None and not isinstance(each, dict):
            raise ValueError(f"attributes that are {type(each).__name__}")
        for key, value in (each or {}).items():
            if not isinstance(key, str) or hasattr(type(thing), key):
                raise ValueError(f"an attribute {key!r} of {type(thing).__name__}")
            setattr(thing, key, value)


def refused(what: str) -> Callable[..., NoReturn]:
    """Return a function that says which tensors lineal does not have."""

    def refuse(*arguments: Any) -> NoReturn:
        raise ValueError(f"{what}, which lineal does not have; save it as a dense tensor on the CPU")

    return refuse


REBUILDERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": rebuild_from_type_v2,
    "torch._utils._rebuild_qtensor": refused("a quantised tensor"),
    "torch._utils._rebuild_sparse_tensor": rebuild_sparse_tensor,
    "torch._utils._rebuild_nested_tensor": refused("a nested tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": refused("a tensor without numbers"),
    "torch._utils._rebuild_wrapper_subclass": refused("a tensor of another class"),
    "torch._utils._rebuild_device_tensor_from_numpy": refused("a tensor of another device"),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": refused("a tensor of another device"),
}
"""The functions by their full names."""
