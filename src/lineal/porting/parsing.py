"""Names of `torch._C._nn`: how PyTorch reads arguments."""

from __future__ import annotations

from typing import Any

from lineal.nn.conversion import parse_to

__all__: list[str] = []


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Return the device, the dtype, `non_blocking` and the memory format that the arguments of `to` mean."""
    return (*parse_to(*args, **kwargs), kwargs.get("memory_format"))
