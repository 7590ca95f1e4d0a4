"""What programs that a launcher starts use of `torch.distributed.elastic`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from lineal.base import failing

__all__ = ["record"]

F = TypeVar("F", bound=Callable[..., Any])


def record(fn: F, error_handler: Any = None) -> F:
    """Return a program's main function, of whose errors the other ranks hear at once."""

    @wraps(fn)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            failing.tell(error)
            raise

    return recorded  # type: ignore[return-value]
