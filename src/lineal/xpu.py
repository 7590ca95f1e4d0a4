"""What programs ask about Intel's GPUs before they choose a device, as in `torch.xpu`."""

from __future__ import annotations

from typing import Any

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """Return whether tensors can live on such a device; this build computes on the CPU."""
    return False


def device_count() -> int:
    """Return the number of such devices."""
    return 0


def synchronize(device: Any = None) -> None:
    """Wait for such a device, of which there is none: nothing is ever pending."""


def empty_cache() -> None:
    """Give back cached memory of such a device, of which there is none."""


def manual_seed(seed: int) -> None:
    """Seed the generator of such a device; nothing without one."""


manual_seed_all = manual_seed
