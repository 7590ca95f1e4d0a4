"""Whether autocast is on, and to which dtype, for each kind of device: PyTorch's functions for it.

The states belong to a thread or task, as modes do. Only the CPU's has an effect, since only there are tensors.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple

from lineal.amp.casting import start
from lineal.base import dtypes
from lineal.base.dtypes import bfloat16, dtype, float16
from lineal.core import modes
from lineal.ops.autocasting import Cache, cache, narrow

__all__ = [
    "autocast_decrement_nesting",
    "autocast_increment_nesting",
    "clear_autocast_cache",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "set_autocast_cache_enabled",
    "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
    "set_autocast_gpu_dtype",
]

DEFAULTS = {
    "cpu": narrow, "cuda": float16, "hpu": bfloat16, "ipu": float16, "maia": bfloat16, "mps": float16, "mtia": float16,
    "privateuseone": float16, "xla": bfloat16, "xpu": float16,
}  # fmt: skip
"""The kinds of device that PyTorch's autocast knows, with the dtypes that it takes unless others are asked for."""

LEGACY = "cuda"
"""The device that functions mean that name none."""


class State(NamedTuple):
    """Whether autocast is on for a kind of device, and to which dtype."""

    enabled: bool
    dtype: dtype


states: ContextVar[dict[str, State]] = ContextVar("autocast_states", default={})  # noqa: B039 - never written to
nesting: ContextVar[int] = ContextVar("autocast_nesting", default=0)
caching: ContextVar[bool] = ContextVar("autocast_caching", default=True)


def checked(name: str, argument: str, given: Any, kind: type) -> Any:
    """Return an argument; TypeError if it is not of its kind."""
    if not isinstance(given, kind):
        raise TypeError(f"{name}(): argument '{argument}' must be {kind.__name__}, not {type(given).__name__}")
    return given


def is_autocast_available(device_type: str) -> bool:
    """Return whether PyTorch has autocast for a kind of device."""
    return checked("is_autocast_available", "device_type", device_type, str) in DEFAULTS


def state_of(name: str, device_type: Any) -> State:
    """Return the state for a kind of device; RuntimeError for one that has none."""
    if checked(name, "device_type", device_type, str) not in DEFAULTS:
        raise RuntimeError(f"{name}: expected a device type with autocast, one of {', '.join(DEFAULTS)}; got {device_type!r}")
    return states.get().get(device_type) or State(False, DEFAULTS[device_type])


def put(device_type: str, state: State) -> None:
    """Let a kind of device have this state."""
    states.set({**states.get(), device_type: state})
    if device_type == "cpu":
        if state.enabled:
            start()
        modes.autocast.set(state.dtype if state.enabled else None)


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Return whether autocast is on for a kind of device, which is CUDA's if none is named."""
    return state_of("is_autocast_enabled", device_type or LEGACY).enabled


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Turn autocast on or off for a kind of device; of one argument, for CUDA's."""
    kind, on = (LEGACY, device_type) if enabled is None else (device_type, enabled)
    before = state_of("set_autocast_enabled", kind)
    put(kind, State(checked("set_autocast_enabled", "enabled", on, bool), before.dtype))  # type: ignore[arg-type]


def get_autocast_dtype(device_type: str) -> dtype:
    """Return the dtype to which autocast casts for a kind of device."""
    return state_of("get_autocast_dtype", device_type).dtype


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Let autocast cast to another dtype for a kind of device."""
    before = state_of("set_autocast_dtype", device_type)
    put(device_type, State(before.enabled, checked("set_autocast_dtype", "dtype", dtype, dtypes.dtype)))


def is_autocast_cache_enabled() -> bool:
    """Return whether weights that were cast are kept."""
    return caching.get()


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Say whether weights that are cast are kept until the outermost autocast ends."""
    caching.set(checked("set_autocast_cache_enabled", "enabled", enabled, bool))
    cache.set((cache.get() or Cache()) if enabled and nesting.get() else None)


def clear_autocast_cache() -> None:
    """Forget the weights that were cast."""
    known = cache.get()
    if known is not None:
        known.clear()


def autocast_increment_nesting() -> int:
    """Count one more autocast that holds, and return how many do."""
    nesting.set(nesting.get() + 1)
    return nesting.get()


def autocast_decrement_nesting() -> int:
    """Count one autocast less that holds, and return how many do."""
    nesting.set(nesting.get() - 1)
    return nesting.get()


def is_autocast_cpu_enabled() -> bool:
    """Return whether autocast is on for the CPU."""
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """Turn autocast on or off for the CPU."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> dtype:
    """Return the dtype to which autocast casts on the CPU."""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: dtype) -> None:
    """Let autocast cast to another dtype on the CPU."""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> dtype:
    """Return the dtype to which autocast would cast for CUDA."""
    return get_autocast_dtype(LEGACY)


def set_autocast_gpu_dtype(dtype: dtype) -> None:
    """Let autocast cast to another dtype for CUDA, of which there is no device here."""
    set_autocast_dtype(LEGACY, dtype)
