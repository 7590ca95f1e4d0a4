"""What functions do with sparse tensors: rules by the names of the functions, a table for each family of layouts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

__all__ = ["COMPRESSED", "COORDINATES", "EVERY", "answer", "answers", "enter"]

F = TypeVar("F", bound=Callable[..., Any])

COORDINATES, COMPRESSED = "coordinates", "sparse_compressed"
EVERY = (COORDINATES, COMPRESSED)
RULES: dict[str, dict[str, Callable[..., Any]]] = {COORDINATES: {}, COMPRESSED: {}}
"""The rules; functions and methods of one name share one."""
LAYOUTS = {COORDINATES: "torch.sparse_coo", COMPRESSED: "torch.sparse_csr, sparse_csc, sparse_bsr or sparse_bsc"}


def enter(rule: Callable[..., Any], names: Iterable[str], tables: Iterable[str]) -> None:
    """Enter a rule for the functions of these names into some tables."""
    for each in tables:
        RULES[each].update(dict.fromkeys(names, rule))


def answers(*names: str, of: tuple[str, ...] = (COORDINATES,)) -> Callable[[F], F]:
    """Enter a rule for the functions of these names, whose arguments it takes."""

    def entered(rule: F) -> F:
        enter(rule, names, of)
        return rule

    return entered


def answer(table: str, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Return what a function makes of sparse tensors; NotImplementedError names the one that has no rule."""
    name = func.__name__
    if name in ("__get__", "__set__", "__delete__"):
        name = func.__self__.fget.__name__
    if name not in RULES[table]:
        raise NotImplementedError(f"{name}: there is no rule for tensors of the layout {LAYOUTS[table]}; use to_dense() first")
    return RULES[table][name](*args, **kwargs)
