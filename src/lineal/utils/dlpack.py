"""Exchange of memory with other libraries, where PyTorch keeps it."""

from typing import Any

from lineal.base.signatures import Tensor
from lineal.tensors import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """Return the capsule through which another library can look into the tensor's memory, once."""
    return tensor.__dlpack__()
