"""What programs ask of `torch.distributed` before they use it: there is one process."""

from __future__ import annotations

__all__ = ["is_available", "is_initialized"]


def is_available() -> bool:
    """Return whether processes can compute together: not in this build."""
    return False


def is_initialized() -> bool:
    """Return whether a group of processes was formed."""
    return False
