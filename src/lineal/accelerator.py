"""What programs ask about accelerators before they choose a device, as in `torch.accelerator`."""

from __future__ import annotations

from typing import Any, NoReturn

from lineal.base.devices import device

__all__ = [
    "current_accelerator",
    "current_device_index",
    "current_stream",
    "device_count",
    "device_index",
    "empty_cache",
    "get_memory_info",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_accumulated_memory_stats",
    "reset_peak_memory_stats",
    "set_device_index",
    "synchronize",
]


def is_available() -> bool:
    """Return whether tensors can live on an accelerator; this build computes on the CPU."""
    return False


def current_accelerator(check_available: bool = False) -> device | None:
    """Return the accelerator's device, or None without one."""
    return None


def device_count() -> int:
    """Return the number of accelerators that tensors can live on."""
    return 0


def synchronize(device: object = None) -> None:
    """Wait for an accelerator, of which there is none: nothing is ever pending."""


def refuse(name: str) -> NoReturn:
    """Raise what PyTorch raises where there is no accelerator."""
    raise RuntimeError(f"accelerator.{name}: there is no accelerator; ask accelerator.is_available() first")


def current_device_index() -> int:
    """Refuse to number the current accelerator."""
    refuse("current_device_index")


def set_device_index(device: Any) -> None:
    """Refuse to make an accelerator the current one."""
    refuse("set_device_index")


def empty_cache() -> None:
    """Give back cached memory of an accelerator, of which there is none."""


def memory_allocated(device_index: Any = None) -> int:
    """Return how many bytes tensors take on an accelerator."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def memory_stats(device_index: Any = None) -> dict[str, Any]:
    """Return what is known of an accelerator's memory: nothing."""
    return {}


def reset_peak_memory_stats(device_index: Any = None) -> None:
    """Begin to measure anew: there is nothing to measure."""


reset_accumulated_memory_stats = reset_peak_memory_stats


def get_memory_info(device_index: Any = None) -> tuple[int, int]:
    """Refuse to tell how much memory an accelerator has."""
    refuse("get_memory_info")


def current_stream(device: Any = None) -> NoReturn:
    """Refuse to give the queue of an accelerator."""
    refuse("current_stream")


class device_index:  # noqa: N801 - PyTorch's name
    """A block in which an accelerator is the current one; None asks for nothing."""

    def __init__(self, device: int | None):
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            refuse("device_index")

    def __exit__(self, *exception: object) -> None:
        pass
