"""What programs ask about accelerators before they choose a device, as in `torch.accelerator`."""

from __future__ import annotations

from lineal.base.devices import device

__all__ = ["current_accelerator", "device_count", "is_available", "synchronize"]


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
