"""Whether compressed tensors are looked at more closely when they are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Self

__all__ = ["check_sparse_tensor_invariants"]


class check_sparse_tensor_invariants:  # noqa: N801
    """Within the block, or the decorated function, tensors of compressed layouts are refused whose indices do not grow."""

    state: ClassVar[bool] = False

    def __init__(self, enable: bool = True):
        self.wanted = enable
        self.before: list[bool] = []

    @staticmethod
    def is_enabled() -> bool:
        """Return whether it is asked for."""
        return check_sparse_tensor_invariants.state

    @staticmethod
    def enable() -> None:
        """Ask for it from here on."""
        check_sparse_tensor_invariants.state = True

    @staticmethod
    def disable() -> None:
        """Ask for it no longer."""
        check_sparse_tensor_invariants.state = False

    def __enter__(self) -> Self:
        self.before.append(self.is_enabled())
        check_sparse_tensor_invariants.state = self.wanted
        return self

    def __exit__(self, *exception: object) -> None:
        check_sparse_tensor_invariants.state = self.before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.wanted):
                return function(*args, **kwargs)

        return checked
