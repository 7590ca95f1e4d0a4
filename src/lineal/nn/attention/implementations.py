"""Which implementation of attention is in use, of those that somebody has registered."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Protocol

__all__ = [
    "activate_flash_attention_impl",
    "current_flash_attention_impl",
    "list_flash_attention_impls",
    "register_flash_attention_impl",
    "restore_flash_attention_impl",
]


class Handle(Protocol):
    """What undoes an activation."""

    def remove(self) -> Any:
        """Undo it."""
        ...


registered: dict[str, Callable[[], Handle | None]] = {}
active: list[tuple[str, Handle]] = []


def register_flash_attention_impl(impl: str, *, register_fn: Callable[[], Handle | None]) -> None:
    """Let `activate_flash_attention_impl(impl)` call `register_fn`; what that returns undoes it by `remove()`."""
    registered[impl] = register_fn


def activate_flash_attention_impl(impl: str) -> None:
    """Activate an implementation instead of the one that is active; ValueError unless it is registered."""
    undo()
    if impl not in registered:
        raise ValueError(f"Unknown flash attention impl '{impl}'. Available implementations: {list_flash_attention_impls()}")
    handle = registered[impl]()
    if handle is not None:
        active.append((impl, handle))


def list_flash_attention_impls() -> list[str]:
    """Return the names of the registered implementations."""
    return sorted(registered)


def current_flash_attention_impl() -> str | None:
    """Return the name of the active implementation, None for lineal's own."""
    return active[-1][0] if active else None


def restore_flash_attention_impl() -> None:
    """Return to lineal's own implementation."""
    if not undo():
        warnings.warn("Trying to restore the default implementation of attention when no other was activated", stacklevel=2)


def undo() -> bool:
    """Undo the activation, if there is one; return whether there was."""
    if not active:
        return False
    active.pop()[1].remove()
    return True
