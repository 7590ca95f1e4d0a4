"""The older names for the CPU, as in `torch.cpu.amp`: each warns, and says what to write instead."""

from __future__ import annotations

import warnings

from lineal import amp
from lineal.base.dtypes import bfloat16
from lineal.base.signatures import DType

__all__ = ["autocast", "GradScaler"]


class autocast(amp.autocast):  # noqa: N801
    """`torch.amp.autocast("cpu", ...)` by its older name."""

    def __init__(self, enabled: bool = True, dtype: DType = bfloat16, cache_enabled: bool = True):
        warn("autocast", "autocast('cpu', args...)")
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """`torch.amp.GradScaler("cpu", ...)` by its older name."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ):
        warn("GradScaler", "GradScaler('cpu', args...)")
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


def warn(name: str, instead: str) -> None:
    """Say what to write instead of a name."""
    warnings.warn(f"torch.cpu.amp.{name} is deprecated; write torch.amp.{instead}", FutureWarning, stacklevel=3)
