"""What programs say to a compiler besides `compile`, as in `torch.compiler`: most of it changes nothing here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
]

F = TypeVar("F", bound=Callable[..., Any])


def is_compiling() -> bool:
    """Return False: what runs while a function is compiled is the function itself, so that both do the same."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return `fn` as it is, or a decorator that does; a compiled function that calls it is traced through it.

    What no program can do, as printing, leaves that function eager in any case.
    """
    return fn if fn is not None else lambda given: given


def allow_in_graph(fn: F) -> F:
    """Return `fn` as it is: every function is traced by running it."""
    return fn


assume_constant_result = allow_in_graph


def list_backends(exclude_tags: Iterable[str] = ("debug", "experimental")) -> list[str]:
    """Return the names that `compile` takes for `backend`; they all mean lineal's own compiler."""
    return ["inductor"]


def reset() -> None:
    """Do nothing: programs are kept by the functions that they belong to, and go with them."""


def cudagraph_mark_step_begin() -> None:
    """Do nothing: the results of a program are never overwritten by its next call."""
