"""The one name of `torch.fx` that programs use without tracing anything: a mark on functions."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["wrap"]

T = TypeVar("T")


def wrap(fn_or_name: T) -> T:
    """Return what is given: functions are marked so for a symbolic tracer, which is not here."""
    return fn_or_name
