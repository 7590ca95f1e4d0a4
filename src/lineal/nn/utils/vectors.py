"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from lineal import ops
from lineal.tensors import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the parameters, flattened, one after the other."""
    return ops.cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the numbers of `vec`, one after the other."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected vec to be a tensor, got {type(vec).__name__}")
    place = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.data = vec[place : place + count].reshape(parameter.shape).detach()
        place += count
