"""Nests of lists, tuples and dicts, flattened and rebuilt, as in `torch.utils._pytree`."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from lineal.base.results import Result
from lineal.base.spec import Size

__all__ = [
    "SUPPORTED_NODES",
    "LeafSpec",
    "PyTree",
    "TreeSpec",
    "register_pytree_node",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_structure",
    "tree_unflatten",
]

MAPPINGS = (dict, OrderedDict, defaultdict)

PyTree = Any


class NodeDef(NamedTuple):
    """How nests of a class are taken apart, into parts and a context, and rebuilt of these."""

    type: Any
    flatten_fn: Callable[[Any], tuple[list[Any], Any]]
    unflatten_fn: Callable[[list[Any], Any], Any]


def mapping_parts(tree: Any) -> tuple[list[Any], Any]:
    """Return the values of a dict, and what it needs besides: what makes absent values, and the keys."""
    return list(tree.values()), (getattr(tree, "default_factory", None), list(tree))


def sequence_parts(tree: Any) -> tuple[list[Any], Any]:
    """Return the elements of a sequence, and how many it may have."""
    return list(tree), getattr(tree, "maxlen", None)


def fields_filled(parts: list[Any], kind: Any) -> Any:
    """Return a tuple with names of these parts; those that functions give take them as a sequence."""
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


SUPPORTED_NODES: dict[Any, NodeDef] = {
    dict: NodeDef(dict, mapping_parts, lambda parts, context: dict(zip(context[1], parts))),
    OrderedDict: NodeDef(OrderedDict, mapping_parts, lambda parts, context: OrderedDict(zip(context[1], parts))),
    defaultdict: NodeDef(
        defaultdict, mapping_parts, lambda parts, context: defaultdict(context[0], zip(context[1], parts, strict=True))
    ),
    list: NodeDef(list, sequence_parts, lambda parts, context: list(parts)),
    tuple: NodeDef(tuple, sequence_parts, lambda parts, context: tuple(parts)),
    Size: NodeDef(Size, sequence_parts, lambda parts, context: Size(parts)),
    deque: NodeDef(deque, sequence_parts, lambda parts, context: deque(parts, maxlen=context)),
    namedtuple: NodeDef(namedtuple, lambda tree: (list(tree), type(tree)), fields_filled),
}
"""The classes of nests; what is made by `namedtuple` stands there under that name."""


def _get_node_type(tree: Any) -> Any:
    """Return under which name the class of something stands among the classes of nests, if it is one."""
    kind = type(tree)
    named = kind not in SUPPORTED_NODES and isinstance(tree, tuple) and (hasattr(kind, "_fields") or isinstance(tree, Result))
    return namedtuple if named else kind


def register_pytree_node(cls: type, flatten_fn: Callable[..., Any], unflatten_fn: Callable[..., Any], **names: Any) -> None:
    """Let objects of a class be nests: `flatten_fn(x)` gives the parts and a context, of which `unflatten_fn` makes an x.

    ValueError if the class has been registered. PyTorch's other arguments, for exported programs, are not used.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn)


class TreeSpec:
    """The form of a nest: the type of what is outermost, its keys or whatever else it needs, and the forms in it."""

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]):
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_children = len(children_specs)
        self.num_leaves: int = sum(each.num_leaves for each in children_specs) if type is not None else 1

    def is_leaf(self) -> bool:
        """Return whether this is the form of a leaf."""
        return self.type is None

    def rebuilt(self, parts: list[Any]) -> Any:
        """Return a nest of this form, of what it is made of."""
        return SUPPORTED_NODES[self.type].unflatten_fn(parts, self.context)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (self.type, self.context, self.children_specs) == (other.type, other.context, other.children_specs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self.type is None:
            return "*"
        keys = self.context[1] if self.type in MAPPINGS else self.context
        return f"TreeSpec({self.type.__name__}, {keys}, {self.children_specs})"


class LeafSpec(TreeSpec):
    """The form of a leaf."""

    def __init__(self) -> None:
        super().__init__(None, None, [])


def parts_of(tree: Any) -> tuple[Any, list[Any]] | None:
    """Return what a nest needs to be rebuilt besides its parts, and these; None of a leaf."""
    found = SUPPORTED_NODES.get(_get_node_type(tree))
    if found is None:
        return None
    parts, context = found.flatten_fn(tree)
    return context, list(parts)


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """Return the leaves of a nest in order, and its form; `None` is a leaf, dicts keep the order of their keys."""
    found = None if is_leaf is not None and is_leaf(tree) else parts_of(tree)
    if found is None:
        return [tree], LeafSpec()
    context, parts = found
    flat = [tree_flatten(each, is_leaf) for each in parts]
    return [leaf for leaves, _ in flat for leaf in leaves], TreeSpec(_get_node_type(tree), context, [spec for _, spec in flat])


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """Return the nest of this form that has these leaves; ValueError for another number of them."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten: expected {treespec.num_leaves} leaves, got {len(leaves)}")
    return built(iter(leaves), treespec)


def built(leaves: Any, spec: TreeSpec) -> Any:
    """Return the nest of a form whose leaves come next."""
    if spec.type is None:
        return next(leaves)
    return spec.rebuilt([built(leaves, each) for each in spec.children_specs])


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """Return the leaves of a nest in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """Return the form of a nest."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Return a nest of the same form with `func` of every leaf, and of the leaves of `rests` at the same places.

    ValueError if a nest of `rests` has another form.
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves]
    for each in rests:
        others, form = tree_flatten(each, is_leaf)
        if form != spec:
            raise ValueError(f"tree_map: expected nests of one form, got {spec} and {form}")
        columns.append(others)
    return tree_unflatten(map(func, *columns), spec)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Call `func` of every leaf for what it does; return the nest."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(types: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Return a nest of the same form with `func` of the leaves that are of a type, or of which a function is true."""
    is_wanted = types if callable(types) and not isinstance(types, type) else lambda leaf: isinstance(leaf, types)
    return tree_map(lambda leaf: func(leaf) if is_wanted(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Return whether a function is true of all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Return whether a function is true of a leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))
