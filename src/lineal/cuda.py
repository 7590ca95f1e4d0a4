"""What programs ask about CUDA before they choose a device, as PyTorch built for CPUs answers it."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NoReturn

from lineal.base import later
from lineal.base.devices import device as _device
from lineal.base.errors import OutOfMemoryError
from lineal.base.signatures import Tensor

__all__ = [
    "BoolTensor",
    "CUDAGraph",
    "ByteTensor",
    "DoubleTensor",
    "Event",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "OutOfMemoryError",
    "Stream",
    "StreamContext",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "device_of",
    "empty_cache",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "init",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_current_stream_capturing",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_cached",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_cached",
    "memory_reserved",
    "memory_stats",
    "memory_summary",
    "reset_max_memory_allocated",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_per_process_memory_fraction",
    "set_rng_state",
    "set_rng_state_all",
    "set_stream",
    "stream",
    "synchronize",
]

amp: Any = later.module("lineal.amp.cuda")


def refuse(name: str) -> NoReturn:
    """Raise what PyTorch built for CPUs raises where CUDA is really used."""
    raise AssertionError(f"cuda.{name}: this build of lineal computes on the CPU; ask cuda.is_available() first")


def is_available() -> bool:
    """Return whether tensors can live on a CUDA device; this build computes on the CPU."""
    return False


def is_initialized() -> bool:
    """Return whether CUDA is in use."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Return whether the current CUDA device computes in bfloat16."""
    return False


def device_count() -> int:
    """Return the number of CUDA devices that tensors can live on."""
    return 0


def get_arch_list() -> list[str]:
    """Return the kinds of CUDA devices that there is code for."""
    return []


def init() -> None:
    """Refuse to begin to use CUDA."""
    refuse("init")


def index_of(given: Any) -> int:
    """Return the number of a CUDA device, -1 for None; ValueError for another kind of device."""
    if given is None or isinstance(given, int):
        return -1 if given is None else given
    found = _device(given)
    if found.type != "cuda":
        raise ValueError(f"expected a cuda device, but got: {found}")
    return 0 if found.index is None else found.index


def set_device(device: Any) -> None:
    """Refuse to make a CUDA device the current one; a negative number asks for nothing."""
    if index_of(device) >= 0:
        refuse("set_device")


def current_device() -> int:
    """Refuse to name the current CUDA device."""
    refuse("current_device")


def get_device_name(device: Any = None) -> str:
    """Refuse to name a CUDA device."""
    refuse("get_device_name")


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Refuse to tell what a CUDA device can do."""
    refuse("get_device_capability")


def get_device_properties(device: Any = None) -> NoReturn:
    """Refuse to tell the properties of a CUDA device."""
    refuse("get_device_properties")


class device:  # noqa: N801 - PyTorch's name
    """A block in which a CUDA device is the current one; RuntimeError on entry, unless its number is negative."""

    def __init__(self, device: Any):
        self.idx = index_of(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            raise RuntimeError("cuda.device: this build of lineal computes on the CPU; ask cuda.is_available() first")

    def __exit__(self, *exception: object) -> None:
        pass


class device_of(device):  # noqa: N801 - PyTorch's name
    """A block in which the device of a tensor is the current one; nothing for a tensor on the CPU."""

    def __init__(self, obj: Tensor):
        super().__init__(obj.device if obj.is_cuda else None)


class Stream:
    """A queue of a CUDA device's, which cannot be made."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise RuntimeError("cuda.Stream: this build of lineal computes on the CPU; ask cuda.is_available() first")


class Event:
    """A mark in a CUDA device's queue, which cannot be made."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise RuntimeError("cuda.Event: this build of lineal computes on the CPU; ask cuda.is_available() first")


def current_stream(device: Any = None) -> Stream:
    """Refuse to give the current queue of a CUDA device."""
    refuse("current_stream")


def default_stream(device: Any = None) -> Stream:
    """Refuse to give the first queue of a CUDA device."""
    refuse("default_stream")


def set_stream(stream: Stream | None) -> None:
    """Make a queue the current one; None changes nothing."""


class StreamContext(contextlib.nullcontext):
    """A block whose work goes to a queue; with None, where it goes anyway."""


def stream(stream: Stream | None) -> StreamContext:
    """Return a block whose work goes to `stream`; with None, where it goes anyway."""
    return StreamContext()


class FloatTensor:
    """The type of CUDA's float32 tensors by its older name, of which there are none; TypeError for who makes one."""

    def __new__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available: this build of lineal computes on the CPU")


class DoubleTensor(FloatTensor):
    """The type of CUDA's float64 tensors."""


class HalfTensor(FloatTensor):
    """The type of CUDA's float16 tensors."""


class IntTensor(FloatTensor):
    """The type of CUDA's int32 tensors."""


class LongTensor(FloatTensor):
    """The type of CUDA's int64 tensors."""


class ByteTensor(FloatTensor):
    """The type of CUDA's uint8 tensors."""


class BoolTensor(FloatTensor):
    """The type of CUDA's tensors of truth values."""


def synchronize(device: object = None) -> None:
    """Wait for a CUDA device, of which there is none: nothing is ever pending."""


def empty_cache() -> None:
    """Give back cached CUDA memory, of which there is none."""


def ipc_collect() -> None:
    """Give back memory that another process has let go of, of which there is none."""


def memory_allocated(device: Any = None) -> int:
    """Return how many bytes tensors take on a CUDA device."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated
max_memory_cached = memory_cached = memory_reserved


def is_current_stream_capturing() -> bool:
    """Return whether what is queued on a CUDA device is being recorded."""
    return False


class CUDAGraph:
    """A recording of a CUDA device's queue, which cannot be made."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise RuntimeError("cuda.CUDAGraph: this build of lineal computes on the CPU; ask cuda.is_available() first")


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """Return what is known of a CUDA device's memory."""
    return OrderedDict()


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Return what is known of a CUDA device's memory in words."""
    return "no CUDA device, and no memory of one"


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Refuse to tell how much memory of a CUDA device is free."""
    refuse("mem_get_info")


def reset_peak_memory_stats(device: Any = None) -> None:
    """Forget how much memory of a CUDA device was in use: none."""


reset_max_memory_allocated = reset_peak_memory_stats


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Refuse to limit the memory of a CUDA device."""
    refuse("set_per_process_memory_fraction")


def manual_seed(seed: int) -> None:
    """Seed the generator of the current CUDA device; silently nothing without one, as in PyTorch."""


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all CUDA devices; silently nothing without one, as in PyTorch."""


def seed() -> None:
    """Seed the generator of the current CUDA device at random; nothing without one."""


seed_all = seed


def get_rng_state(device: Any = "cuda") -> Tensor:
    """Refuse to give the state of a CUDA device's generator."""
    refuse("get_rng_state")


def get_rng_state_all() -> list[Tensor]:
    """Return the states of the generators of all CUDA devices."""
    return []


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Set the state of a CUDA device's generator; silently nothing without one, as in PyTorch."""


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Set the states of the generators of all CUDA devices, of which there are none."""
