"""The older names for CUDA, as in `torch.cuda.amp`: each warns, and says what to write instead."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from lineal import amp
from lineal.amp.grad_scaler import OptState as OptState
from lineal.base.deprecation import deprecated
from lineal.base.dtypes import float16
from lineal.base.signatures import DType
from lineal.cuda import is_available

__all__ = ["amp_definitely_not_available", "autocast", "custom_bwd", "custom_fwd", "GradScaler"]


def amp_definitely_not_available() -> bool:
    """Return whether there is no GPU."""
    return not is_available()


class autocast(amp.autocast):  # noqa: N801
    """`torch.amp.autocast("cuda", ...)` by its older name."""

    def __init__(self, enabled: bool = True, dtype: DType = float16, cache_enabled: bool = True):
        warn("autocast", "autocast('cuda', args...)")
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """`torch.amp.GradScaler("cuda", ...)` by its older name."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ):
        warn("GradScaler", "GradScaler('cuda', args...)")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


def warn(name: str, instead: str) -> None:
    """Say what to write instead of a name."""
    warnings.warn(f"torch.cuda.amp.{name} is deprecated; write torch.amp.{instead}", FutureWarning, stacklevel=3)


@deprecated("torch.cuda.amp.custom_fwd is deprecated; write torch.amp.custom_fwd(args..., device_type='cuda')")
def custom_fwd(fwd: Callable[..., Any] | None = None, *, cast_inputs: DType | None = None) -> Any:
    """Let the `forward` of a custom function take part in autocast, as `torch.amp.custom_fwd` does."""
    return functools.partial(amp.custom_fwd, device_type="cuda")(fwd, cast_inputs=cast_inputs)


@deprecated("torch.cuda.amp.custom_bwd is deprecated; write torch.amp.custom_bwd(args..., device_type='cuda')")
def custom_bwd(bwd: Callable[..., Any]) -> Any:
    """Let the `backward` of a custom function take part in autocast, as `torch.amp.custom_bwd` does."""
    return amp.custom_bwd(bwd, device_type="cuda")
