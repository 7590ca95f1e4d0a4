"""Hints which kernels attention may take; they are kept, and change nothing, since the numbers are the same."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator

from lineal.backends import cuda
from lineal.nn.attention.implementations import (
    activate_flash_attention_impl,
    current_flash_attention_impl,
    list_flash_attention_impls,
    register_flash_attention_impl,
    restore_flash_attention_impl,
)

__all__ = [
    "WARN_FOR_UNFUSED_KERNELS",
    "SDPBackend",
    "activate_flash_attention_impl",
    "current_flash_attention_impl",
    "list_flash_attention_impls",
    "register_flash_attention_impl",
    "restore_flash_attention_impl",
    "sdpa_kernel",
]

WARN_FOR_UNFUSED_KERNELS = False
"""Whether PyTorch would tell that it takes a slower kernel."""


class SDPBackend(enum.IntEnum):
    """PyTorch's kernels for attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[None]:
    """Note within a block which kernels attention may take."""
    wanted = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(wanted, list) or not all(isinstance(each, SDPBackend) for each in wanted):
        raise AssertionError(f"sdpa_kernel: expected an SDPBackend or a list of them, got {backends!r}")
    before = dict(cuda.attention)
    cuda.enable_flash_sdp(SDPBackend.FLASH_ATTENTION in wanted)
    cuda.enable_mem_efficient_sdp(SDPBackend.EFFICIENT_ATTENTION in wanted)
    cuda.enable_math_sdp(SDPBackend.MATH in wanted)
    try:
        yield
    finally:
        cuda.attention.clear()
        cuda.attention.update(before)
