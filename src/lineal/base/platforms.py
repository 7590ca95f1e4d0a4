"""What computes on a kind of device: one record each. CuPy, or anything else with arrays like NumPy's, comes in as a record.

NumPy's arrays are the host's. `FOREIGN` has the classes of all others; it is empty until a second record is registered, and
until then the seam costs a look at an empty dict.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "FOREIGN",
    "HOST",
    "PLATFORMS",
    "UNUSUAL",
    "NoNumbersError",
    "Platform",
    "array_module",
    "lent",
    "meeting",
    "moved",
    "native_function",
    "platform_of",
    "put",
    "register",
]


class Platform(NamedTuple):
    """All that is to be known of a kind of device."""

    kind: str
    """The word before the colon in a device's name, as in "cpu"."""
    array: type
    """The class of its arrays."""
    module: Any
    """The functions that take them, under NumPy's names."""
    empty: Callable[..., Any]
    """`empty(shape, dtype)`: new memory, in C order."""
    copy: Callable[[Any, Any], None]
    """`copy(target, source)`: put the numbers of an array into another of its shape and dtype; either may be the host's."""
    address: Callable[[Any], int]
    """`address(array)`: where its first element lies."""
    launch: Callable[..., Callable[..., Any]]
    """`launch(address, types, result)`: the compiled function at an address, as Python calls it: with what has these types of
    ctypes; an array is passed as its address."""
    numbers: bool = True
    """Whether its arrays have numbers, and not a shape alone."""
    lend: Callable[[Any], np.ndarray] | None = None
    """`lend(array)`: what kernels of the host compute on in the place of an array; None for a copy."""


class NoNumbersError(RuntimeError):
    """A number is asked for of an array that has a shape alone."""


def native_function(address: int, types: Sequence[Any], result: Any = None) -> Callable[..., Any]:
    """Return the host's function at an address as one that gives the GIL away while it runs."""
    return ctypes.CFUNCTYPE(result, *types)(address)


def native_address(array: np.ndarray) -> int:
    """Return where an array of NumPy's begins."""
    return array.__array_interface__["data"][0]


HOST = Platform("cpu", np.ndarray, np, np.empty, np.copyto, native_address, native_function)
PLATFORMS = {HOST.kind: HOST}
"""The records by kind."""
FOREIGN: dict[type, Platform] = {}
"""The records of what is not the host, by the class of their arrays."""

UNUSUAL: set[Any] = set()
"""What fast paths leave to others, in one look: the classes in `FOREIGN`, and dtypes that are only stored. As a rule empty."""


def register(platform: Platform) -> None:
    """Let tensors live on another kind of device."""
    PLATFORMS[platform.kind] = platform
    FOREIGN[platform.array] = platform
    UNUSUAL.add(platform.array)


def platform_of(value: object) -> Platform:
    """Return the record of the device that an array lies on."""
    if isinstance(value, np.ndarray):
        return HOST
    found = FOREIGN.get(type(value))
    if found is None:
        if hasattr(type(value), "__array_namespace__"):
            # what stands for an array that is gone says so itself
            value.__array_namespace__()  # type: ignore[attr-defined]
        raise RuntimeError(f"device: no array module is known for a value of type {type(value).__name__}")
    return found


def array_module(value: object) -> Any:
    """Return the module (NumPy, for CUDA arrays CuPy) whose functions take `value`."""
    return np if isinstance(value, np.ndarray) else platform_of(value).module


def put(target: Any, source: Any) -> None:
    """Put the numbers of `source` into `target`, of the same shape and dtype, wherever the two lie."""
    there, here = platform_of(target), platform_of(source)
    if here is not there and here is not HOST and there is not HOST:
        source, here = moved(source, HOST), HOST
    (here if there is HOST else there).copy(target, source)


def moved(value: Any, platform: Platform) -> Any:
    """Return an array in the memory of a device: itself if it lies there."""
    if platform_of(value) is platform:
        return value
    y = platform.empty(value.shape, value.dtype)
    put(y, value)
    return y


def lent(value: Any) -> np.ndarray:
    """Return what the host computes on in the place of an array: itself, or a copy."""
    lend = platform_of(value).lend
    return moved(value, HOST) if lend is None else lend(value)


def meeting(name: str, values: Sequence[Any]) -> tuple[Platform, tuple]:
    """Return the one device that arrays lie on, and the arrays; numbers of the host, arrays of no dimensions, go along.

    RuntimeError names the op `name` if they lie on several.
    """
    kinds = [platform_of(each) for each in values]
    wanted = {each for each, value in zip(kinds, values) if each is not HOST or value.ndim} or set(kinds[:1]) or {HOST}
    if len(wanted) > 1:
        found = " and ".join(sorted(each.kind for each in wanted))
        raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found at least two devices, {found}")
    platform = wanted.pop()
    return platform, tuple([moved(each, platform) for each in values])
