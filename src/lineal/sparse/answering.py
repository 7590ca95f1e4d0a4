"""What functions do with sparse tensors: rules by the names of the functions, in which `SparseTensor` looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["ANSWERS", "answer", "answers"]

F = TypeVar("F", bound=Callable[..., Any])

ANSWERS: dict[str, Callable[..., Any]] = {}
"""The rules; functions and methods of one name share one."""


def answers(*names: str) -> Callable[[F], F]:
    """Enter a rule for the functions of these names, whose arguments it takes."""

    def enter(rule: F) -> F:
        ANSWERS.update(dict.fromkeys(names, rule))
        return rule

    return enter


def answer(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Return what a function makes of sparse tensors; NotImplementedError names the one that has no rule."""
    name = func.__name__
    if name in ("__get__", "__set__", "__delete__"):
        name = func.__self__.fget.__name__
    if name not in ANSWERS:
        raise NotImplementedError(f"{name}: there is no rule for tensors of the layout torch.sparse_coo; use to_dense() first")
    return ANSWERS[name](*args, **kwargs)
