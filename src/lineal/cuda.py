"""What programs ask about CUDA before they choose a device."""

from __future__ import annotations

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """Return whether tensors can live on a CUDA device; this build computes on the CPU."""
    return False


def device_count() -> int:
    """Return the number of CUDA devices that tensors can live on."""
    return 0


def synchronize(device: object = None) -> None:
    """Wait for a CUDA device, of which there is none: nothing is ever pending."""


def empty_cache() -> None:
    """Give back cached CUDA memory, of which there is none."""


def manual_seed(seed: int) -> None:
    """Seed the generator of the current CUDA device; silently nothing without one, as in PyTorch."""


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all CUDA devices; silently nothing without one, as in PyTorch."""
