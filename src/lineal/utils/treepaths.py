"""Nests by path: where in lists, tuples and dicts a leaf stands, as in `torch.utils._pytree`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from lineal.utils.pytree import TreeSpec, parts_of, tree_flatten, tree_unflatten

__all__ = [
    "GetAttrKey",
    "MappingKey",
    "SequenceKey",
    "key_get",
    "keystr",
    "tree_flatten_with_path",
    "tree_iter",
    "tree_leaves_with_path",
    "tree_map_with_path",
]


class SequenceKey(NamedTuple):
    """A place in a list or a tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """Return what stands there."""
        return sequence[self.idx]


class MappingKey(NamedTuple):
    """A key of a dict."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """Return what stands there."""
        return mapping[self.key]


class GetAttrKey(NamedTuple):
    """A field of a named tuple."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """Return what stands there."""
        return getattr(obj, self.name)


KeyPath = tuple[SequenceKey | MappingKey | GetAttrKey, ...]
IsLeaf = Callable[[Any], bool]


def keystr(kp: KeyPath) -> str:
    """Return a path as one would write it in Python, as `['a'][0].b`."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: KeyPath) -> Any:
    """Return what stands in a nest at the end of a path."""
    for key in kp:
        obj = key.get(obj)
    return obj


def walked(tree: Any, is_leaf: IsLeaf | None, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the leaves of a nest, each with its path."""
    found = None if is_leaf is not None and is_leaf(tree) else parts_of(tree)
    if found is None:
        yield path, tree
        return
    for key, part in zip(keys_of(tree, len(found[1])), found[1]):
        yield from walked(part, is_leaf, (*path, key))


def keys_of(tree: Any, count: int) -> Iterator[SequenceKey | MappingKey | GetAttrKey]:
    """Yield the keys of what is outermost in a nest, of `count` parts."""
    if isinstance(tree, dict):
        return map(MappingKey, tree)
    fields = getattr(tree, "_fields", None)
    return map(GetAttrKey, fields) if fields is not None else map(SequenceKey, range(count))


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf | None = None) -> list[tuple[KeyPath, Any]]:
    """Return the leaves of a nest in order, each with its path."""
    return list(walked(tree, is_leaf, ()))


def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf | None = None) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """Return the leaves of a nest in order, each with its path, and the nest's form."""
    return tree_leaves_with_path(tree, is_leaf), tree_flatten(tree, is_leaf)[1]


def tree_map_with_path(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf | None = None) -> Any:
    """Return a nest of the same form with `func` of every leaf's path and every leaf, and of those of `rests`.

    ValueError if a nest of `rests` has another form.
    """
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    columns = [tree_flatten(each, is_leaf) for each in rests]
    for _, form in columns:
        if form != spec:
            raise ValueError(f"tree_map_with_path: expected nests of one form, got {spec} and {form}")
    paths, leaves = [path for path, _ in pairs], [leaf for _, leaf in pairs]
    return tree_unflatten(map(func, paths, leaves, *(each for each, _ in columns)), spec)


def tree_iter(tree: Any, is_leaf: IsLeaf | None = None) -> Iterator[Any]:
    """Yield the leaves of a nest in order."""
    return (leaf for _, leaf in walked(tree, is_leaf, ()))


def _dict_flatten(d: dict[Any, Any]) -> tuple[list[Any], Any]:
    """Return what `register_pytree_node` wants of a class of dicts: the values, and the keys."""
    return list(d.values()), list(d)


def _dict_unflatten(values: Iterable[Any], context: Any) -> dict[Any, Any]:
    """Return the dict of these values, and of the keys that `_dict_flatten` gave."""
    return dict(zip(context, values, strict=True))


def _dict_flatten_with_keys(d: dict[Any, Any]) -> tuple[list[tuple[MappingKey, Any]], Any]:
    """Return what `_dict_flatten` does, the values with their places."""
    return [(MappingKey(key), each) for key, each in d.items()], list(d)
