"""Names of `torch._dynamo` and `torch._inductor`, the compiler that `lineal.compile` stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lineal.compiler import CompiledFunction as OptimizedModule
from lineal.compiler import compile as optimize
from lineal.compiler import explain

__all__ = [
    "OptimizedModule",
    "explain",
    "graph_break",
    "mark_dynamic",
    "mark_static",
    "mark_static_address",
    "maybe_mark_dynamic",
    "nonstrict_trace",
    "optimize",
]

F = TypeVar("F", bound=Callable[..., Any])


def mark_dynamic(t: Any, index: int | tuple[int, ...], *, min: int | None = None, max: int | None = None, **_: Any) -> None:
    """Do nothing: which sizes vary is seen from calls."""


def mark_static(t: Any, index: int | tuple[int, ...] | None = None) -> None:
    """Do nothing: which sizes vary is seen from calls."""


maybe_mark_dynamic = mark_static


def mark_static_address(t: Any, guard: bool = True) -> None:
    """Do nothing: where tensors lie is no part of a program."""


def graph_break(msg: str = "") -> None:
    """Do nothing: a function is one program, or runs eagerly."""


def nonstrict_trace(traceable_fn: F) -> F:
    """Return the function as it is: every function is traced by running it."""
    return traceable_fn
