"""Steps along sparse gradients: reads and writes at their entries."""

from __future__ import annotations

from typing import Any

__all__ = ["add_entries", "entries_of", "put_entries"]


def entries_of(x: Any, grad: Any) -> Any:
    """Return what a strided tensor has at the entries of a sparse one."""
    return x.detach()[tuple(grad.coordinates)]


def put_entries(x: Any, grad: Any, entries: Any) -> None:
    """Write to a strided tensor at the entries of a sparse one, no two of which share a place."""
    x.index_put_(tuple(grad.coordinates), entries)


def add_entries(x: Any, grad: Any, entries: Any) -> None:
    """Add to a strided tensor at the entries of a sparse one."""
    x.index_put_(tuple(grad.coordinates), entries, accumulate=True)
