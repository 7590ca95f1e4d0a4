"""Memory formats: in which order a tensor's axes follow each other in memory."""

from __future__ import annotations

from typing import Any

__all__ = ["channels_last", "channels_last_3d", "contiguous_format", "memory_format", "preserve_format"]


class memory_format:  # noqa: N801 - PyTorch's name
    """An order of axes in memory, slowest first, for tensors of as many dimensions; None where it is no fixed one."""

    def __init__(self, name: str, order: tuple[int, ...] | None = None):
        self.name = name
        self.order = order

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def order_of(name: str, format: Any, ndim: int) -> tuple[int, ...] | None:
    """Return the order of axes that a format asks of a tensor of `ndim` dimensions, None for the usual one."""
    if not isinstance(format, memory_format):
        raise TypeError(f"{name}(): argument 'memory_format' must be torch.memory_format, not {type(format).__name__}")
    if format.order is not None and len(format.order) != ndim:
        raise RuntimeError(f"{name}: required rank {len(format.order)} tensor to use {format.name} format, got rank {ndim}")
    return format.order
