"""Functions of Python's, element by element: `apply_` and `map_`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor

__all__ = ["apply_", "map_"]


def apply_(self: Any, callable: Any) -> Tensor:
    """Replace each element by what a function of Python's makes of it; slow, and of tensors without history."""
    return mapped(self, "apply_", callable, self)


def map_(self: Any, tensor: AbstractTensor, callable: Any) -> Tensor:
    """Replace each element by what a function of Python's makes of it and the element of `tensor` at its place."""
    shape = self.value.shape
    if np.broadcast_shapes(shape, tensor.value.shape) != shape:
        raise RuntimeError(f"map_: expected a tensor that can be expanded to {list(shape)}, got {list(tensor.value.shape)}")
    return mapped(self, "map_", callable, self, tensor.expand(shape))  # type: ignore[attr-defined]


def mapped(self: Any, name: str, function: Any, *xs: Any) -> Any:
    """Write into a tensor, in place, what a function makes of the elements of others."""
    if any(each.requires_grad for each in xs):
        raise RuntimeError(f"{name}: cannot be called on a tensor that requires grad; use detach() first")
    columns = [each.detach().reshape(-1).tolist() for each in xs]
    made = self.new_tensor([function(*row) for row in zip(*columns)]) if self.value.size else self.new_empty((0,))
    return self.copy_(made.reshape(self.shape))
