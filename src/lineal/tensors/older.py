"""Names that older programs use, imported when one of them is first named."""

from __future__ import annotations

import math
import os
from typing import Any, Unpack

import numpy as np

from lineal.base import config
from lineal.base.devices import as_device, device
from lineal.base.dtypes import as_dtype
from lineal.base.signatures import Device, DType, Options, Tensor
from lineal.core import AbstractTensor, lift
from lineal.ops import creation
from lineal.ops.conversion import as_number
from lineal.ops.front import require_tensor
from lineal.ops.promotion import require_computed
from lineal.tensors.creation import CONSTRUCTORS, TypedConstructor
from lineal.tensors.storages import UntypedStorage
from lineal.tensors.typedstorages import TypedStorage

__all__ = [
    "detach",
    "from_file",
    "get_default_device",
    "get_device",
    "get_num_interop_threads",
    "is_distributed",
    "is_same_size",
    "is_signed",
    "is_storage",
    "is_warn_always_enabled",
    "range",
    "set_default_tensor_type",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "typename",
]


class Warned:
    """Whether warnings are to come every time."""

    always = False


def set_warn_always(b: bool) -> None:
    """Note whether what warns once is to warn every time; lineal's warnings come as Python's filters say."""
    Warned.always = bool(b)


def is_warn_always_enabled() -> bool:
    """Return what `set_warn_always` was told."""
    return Warned.always


def is_distributed(input: Tensor) -> bool:
    """Return whether the tensor lies in several processes: never."""
    require_tensor("is_distributed", input)
    return False


def range(start: float, end: float, step: float = 1, **options: Unpack[Options]) -> Tensor:
    """Return start, start + step, … up to and with `end`, in the default dtype; `arange` stops before it."""
    start, end, step = as_number("range", "start", start), as_number("range", "end", end), as_number("range", "step", step)
    if step == 0:
        raise RuntimeError("range: step must be nonzero")
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"range: unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError(f"range: upper bound and lower bound inconsistent with step sign: {start} to {end} by {step}")
    count = math.floor((end - start) / step) + 1
    out, requires_grad, target, where = creation.read("range", options)
    require_computed("range", target)
    return creation.finish(creation.made(creation.Range(start, step, count, target), where), requires_grad, out, "range")


def from_file(
    filename: str,
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | None = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return the first `size` elements of a file as a tensor over its mapped pages, which are read when they are used.

    If `shared`, writes go to the file, which is made and extended as is needed; else they stay in memory, and a file that is
    too short is a RuntimeError.
    """
    as_device(device)
    wanted = as_dtype(dtype or config.get_default_dtype())
    needed = size * wanted.itemsize
    found = os.path.getsize(filename) if os.path.exists(filename) else -1
    if not shared and found < needed:
        raise RuntimeError(f"from_file: file <{filename}> size <{found}> is smaller than the required mapping size <{needed}>")
    if not needed:
        return lift(np.empty(0, wanted.numpy))
    mode = "c" if not shared else "r+" if found >= 0 else "w+"
    return lift(np.asarray(np.memmap(filename, np.uint8, mode, shape=(needed,))).view(wanted.numpy))


def typename(obj: Any) -> str:
    """Return the name of a tensor's type as `type()` gives it; of another object or class, its module and name."""
    if isinstance(obj, AbstractTensor):
        return obj.type()  # type: ignore[attr-defined]
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", None)
    return named.__qualname__ if module in (None, "", "builtins") else f"{module}.{named.__qualname__}"


def is_storage(obj: Any) -> bool:
    """Return whether `obj` is the memory that a tensor lies in, as `untyped_storage` gives it."""
    return isinstance(obj, (UntypedStorage, TypedStorage))


def set_default_tensor_type(t: Any) -> None:
    """Make the dtype of a constructor such as `FloatTensor`, or of its name, the default; `set_default_dtype` is newer."""
    found = next((each for each in CONSTRUCTORS if f"torch.{each.name}" == t), t)
    if not isinstance(found, TypedConstructor):
        raise TypeError(f"set_default_tensor_type: invalid type object {t!r}")
    config.set_default_dtype(found.dtype)


def get_default_device() -> device:
    """Return the device that new tensors live on."""
    return as_device(None)


def get_device(input: Tensor) -> int:
    """Return the index of the tensor's device, -1 for the CPU."""
    require_tensor("get_device", input)
    return -1


def detach(input: Tensor) -> Tensor:
    """Return `input` without its history, over the same memory."""
    require_tensor("detach", input)
    return input.detach()


def is_signed(input: Tensor) -> bool:
    """Return whether the dtype of `input` can hold negative numbers."""
    require_tensor("is_signed", input)
    return input.is_signed()


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Return whether both tensors have one shape."""
    return require_tensor("is_same_size", input).shape == require_tensor("is_same_size", other).shape


def set_flush_denormal(mode: bool) -> bool:
    """Return False: numbers too small for the normal form are kept, whatever `mode` says."""
    return False


def get_num_interop_threads() -> int:
    """Return the number of threads that run ops side by side: one."""
    return 1


def set_num_interop_threads(count: int) -> None:
    """Check `count`, which changes nothing: ops run one after another, each over the threads of `set_num_threads`."""
    if count < 1:
        raise RuntimeError(f"set_num_interop_threads: expects a positive integer, got {count}")
