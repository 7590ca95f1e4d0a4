"""A module on several devices; on the host, which is one, it is called as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base.signatures import Device
from lineal.nn.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """Call `module`, which it holds under this name: as PyTorch does where there is no other device than the host."""

    def __init__(
        self, module: Module, device_ids: Sequence[Device] | None = None, output_device: Device | None = None, dim: int = 0
    ):
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
