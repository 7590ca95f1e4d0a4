"""The host as a device, as in `torch.cpu`: programs may ask it what they ask accelerators."""

from __future__ import annotations

from typing import Any

from lineal.base import later

__all__ = ["current_device", "device_count", "is_available", "set_device", "synchronize"]

amp: Any = later.module("lineal.amp.cpu")


def is_available() -> bool:
    """Return whether tensors can live on the host."""
    return True


def device_count() -> int:
    """Return the number of hosts: one."""
    return 1


def current_device() -> str:
    """Return the name of the host as a device."""
    return "cpu"


def set_device(device: Any) -> None:
    """Make the host the current device, which it is."""


def synchronize(device: Any = None) -> None:
    """Wait for the host: nothing is ever pending."""
