"""Names of `torch._C._functorch`, by which tensors that stand for others are known: here a slice in `vmap` is a tensor."""

from __future__ import annotations

from typing import Any

__all__ = ["is_batchedtensor", "is_functorch_wrapped_tensor", "is_gradtrackingtensor", "is_legacy_batchedtensor"]


def is_functorch_wrapped_tensor(tensor: Any) -> bool:
    """Return False."""
    return False


is_batchedtensor = is_gradtrackingtensor = is_legacy_batchedtensor = is_functorch_wrapped_tensor
