"""Who is to know at once that an error ends this process: other ranks wait for it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["listeners", "tell"]

listeners: list[Callable[[BaseException], None]] = []


def tell(error: BaseException) -> None:
    """Tell all that listen of the error that ends the process; what runs programs and catches their errors calls this."""
    for each in listeners:
        each(error)
