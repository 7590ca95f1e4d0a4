"""Nests of lists, tuples and dicts: flatten to leaves, rebuild, map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def leaves(tree: Any) -> Iterator[Any]:
    """Yield everything in a nest that is not itself a list, tuple or dict, in order."""
    if isinstance(tree, dict):
        for each in tree.values():
            yield from leaves(each)
    elif isinstance(tree, (list, tuple)):
        for each in tree:
            yield from leaves(each)
    else:
        yield tree


def transform(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a nest of the same form with `function` of every leaf; named tuples keep their type."""
    if isinstance(tree, dict):
        return type(tree)((key, transform(function, each)) for key, each in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(transform(function, each) for each in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(transform(function, each) for each in tree)
    return function(tree)


def rebuild(tree: Any, replacements: Iterator[Any]) -> Any:
    """Return a nest like `tree` whose leaves are taken in order from `replacements`."""
    return transform(lambda _: next(replacements), tree)


def alike(one: Any, other: Any) -> bool:
    """Return whether two nests have the same form: the same kinds of containers, of the same lengths or keys."""
    if isinstance(one, dict):
        return type(one) is type(other) and one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(alike, one, other))
    return not isinstance(other, (list, tuple, dict))
