"""`autocast`: products in half precision, what needs digits in float32; and how custom functions take part."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, overload

import numpy as np

from lineal.amp import state
from lineal.amp.state import is_autocast_available
from lineal.base.devices import device
from lineal.base.dtypes import bfloat16, dtype, float16
from lineal.base.signatures import DType
from lineal.core import modes
from lineal.cuda import is_available
from lineal.ops.autocasting import cache, is_eligible
from lineal.ops.conversion import cast

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]

F = TypeVar("F", bound=Callable[..., Any])

SUPPORTED = (bfloat16, float16)
"""To what autocast may cast."""


def autocast_decorator(autocast_instance: autocast, func: F) -> F:
    """Return a function that runs within `autocast_instance`."""

    @functools.wraps(func)
    def within(*args: Any, **kwargs: Any) -> Any:
        with autocast_instance:
            return func(*args, **kwargs)

    return within  # type: ignore[return-value]


class autocast:  # noqa: N801
    """Within the block, or the decorated function, products are computed in `dtype`, and losses in float32.

    `dtype` is bfloat16 for `device_type` "cpu" unless float16 is asked for. Weights that are cast are kept until the outermost
    autocast ends, unless `cache_enabled` is off. Without a GPU, "cuda" warns and does nothing; `enabled=False` turns an outer
    one off. Which functions are concerned is PyTorch's choice for CPUs. Micikevicius et al. (2018), arXiv:1710.03740.
    """

    def __init__(self, device_type: str, dtype: DType | None = None, enabled: bool = True, cache_enabled: bool | None = None):
        if not isinstance(device_type, str):
            raise ValueError(f"autocast: expected a device_type of type str, got {type(device_type).__name__}")
        if not is_autocast_available(device_type):
            device(device_type)
            raise RuntimeError(f"autocast: User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        default = state.get_autocast_dtype(device_type)
        self.fast_dtype = default if dtype is None else state.checked("autocast", "dtype", dtype, type(default))
        self._cache_enabled = state.is_autocast_cache_enabled() if cache_enabled is None else bool(cache_enabled)
        self._enabled = bool(enabled) and self.is_possible()
        self.before: list[tuple[Any, ...]] = []

    def is_possible(self) -> bool:
        """Return whether there are such devices and dtypes; warn if not."""
        if self.device == "cuda" and not is_available():
            warnings.warn("autocast: CUDA is not available. Disabling autocast.", stacklevel=3)
            return False
        if self.device != "cuda" and self.fast_dtype not in SUPPORTED:
            warnings.warn(
                f"autocast: on {self.device.upper()} the target dtype {self.fast_dtype} is not supported, only "
                f"{' and '.join(map(str, SUPPORTED))} are. Disabling autocast.",
                stacklevel=3,
            )
            return False
        return True

    def __enter__(self) -> autocast:
        outer = state.state_of("autocast", self.device)
        self.before.append((outer, state.caching.get(), cache.get(), modes.autocast.get()))
        state.autocast_increment_nesting()
        state.put(self.device, state.State(self._enabled, self.fast_dtype))
        state.set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, *exception: object) -> None:
        outer, kept, known, lower = self.before.pop()
        state.autocast_decrement_nesting()
        state.put(self.device, outer)
        state.caching.set(kept)
        cache.set(known)
        modes.autocast.set(lower)

    def __call__(self, func: F) -> F:
        if not callable(func):
            raise TypeError(
                f"autocast: expected a function to decorate, got {type(func).__name__}; as a context manager it is used by "
                "`with torch.autocast(device_type=...):`"
            )
        return autocast_decorator(self, func)


def _enter_autocast(*vals: Any) -> autocast:
    """Enter an autocast, and return it."""
    return autocast(*vals).__enter__()


def _exit_autocast(mode: autocast) -> None:
    """Leave an autocast."""
    mode.__exit__(None, None, None)


def _cast(value: Any, device_type: str, dtype: dtype) -> Any:
    """Return a nest in which tensors that autocast would cast have a dtype."""
    if is_eligible(value):
        return cast(value, dtype) if value.device.type == device_type else value
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, Mapping):
        return {_cast(key, device_type, dtype): _cast(each, device_type, dtype) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_cast(each, device_type, dtype) for each in value])
    is_nest = isinstance(value, Iterable) and not hasattr(value, "dtype")
    return (_cast(each, device_type, dtype) for each in value) if is_nest else value


def required(name: str, device_type: Any) -> str:
    """Return a device type; ValueError if it is no word."""
    if not isinstance(device_type, str):
        raise ValueError(f"{name}: expected a device_type of type str, got {type(device_type).__name__}")
    return device_type


@overload
def custom_fwd(fwd: F, *, device_type: str, cast_inputs: DType | None = None) -> F: ...
@overload
def custom_fwd(fwd: None = None, *, device_type: str, cast_inputs: DType | None = None) -> Callable[[F], F]: ...
def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: DType | None = None) -> Any:
    """Let the `forward` of a custom function take part in autocast: with the state that holds, or without autocast.

    With `cast_inputs`, in an autocast, its floating tensors are cast to that dtype, and autocast is off inside; outside of an
    autocast nothing is done.
    """
    kind = required("custom_fwd", device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    forward = fwd

    @functools.wraps(forward)
    def within(*args: Any, **kwargs: Any) -> Any:
        context, enabled = args[0], state.is_autocast_enabled(kind)
        context._dtype = state.get_autocast_dtype(kind)
        context._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return forward(*args, **kwargs)
        with autocast(kind, enabled=False):
            given = [_cast(each, kind, cast_inputs) for each in args[1:]]  # type: ignore[arg-type]
            return forward(context, *given, **_cast(kwargs, kind, cast_inputs))  # type: ignore[arg-type]

    return within


@overload
def custom_bwd(bwd: F, *, device_type: str) -> F: ...
@overload
def custom_bwd(bwd: None = None, *, device_type: str) -> Callable[[F], F]: ...
def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Let the `backward` of a custom function run with the autocast that held in its `forward`, decorated by `custom_fwd`."""
    kind = required("custom_bwd", device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    backward = bwd

    @functools.wraps(backward)
    def within(*args: Any, **kwargs: Any) -> Any:
        with autocast(kind, enabled=args[0]._fwd_used_autocast, dtype=args[0]._dtype):
            return backward(*args, **kwargs)

    return within
