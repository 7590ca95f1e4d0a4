"""One step of a graph: what is called, and with what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Node", "map_aggregate", "map_arg", "text_of"]


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """Return a nest of the same form with `fn` of everything in it that is no list, tuple, dict or slice."""
    if isinstance(a, tuple):
        made = [map_aggregate(each, fn) for each in a]
        return type(a)(*made) if hasattr(a, "_fields") else tuple(made)
    if isinstance(a, list):
        return [map_aggregate(each, fn) for each in a]
    if isinstance(a, dict):
        return {key: map_aggregate(each, fn) for key, each in a.items()}
    if isinstance(a, slice):
        return slice(*[map_aggregate(each, fn) for each in (a.start, a.stop, a.step)])
    return fn(a)


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """Return a nest of the same form with `fn` of every node in it."""
    return map_aggregate(a, lambda each: fn(each) if isinstance(each, Node) else each)


class Node:
    """A step: `op` says whether it is an argument, an attribute, a call of a function, a method or a module, or the result.

    `target` is the function, or the name of the rest; `users` are the nodes that read this one, in order.
    """

    def __init__(self, graph: Any, name: str, op: str, target: Any, args: tuple, kwargs: dict, type_expr: Any = None):
        self.graph, self.name, self.op, self.target, self.type = graph, name, op, target, type_expr
        self.users: dict[Node, None] = {}
        self.meta: dict[str, Any] = {}
        self._input_nodes: dict[Node, None] = {}
        self._args: tuple = ()
        self._kwargs: dict[str, Any] = {}
        self._erased = False
        self._update(args, kwargs)

    def _update(self, args: tuple, kwargs: dict[str, Any]) -> None:
        """Take other arguments, and tell the nodes among them."""
        for each in self._input_nodes:
            each.users.pop(self, None)
        found: dict[Node, None] = {}
        self._args = map_arg(tuple(args), lambda node: found.setdefault(node) or node)
        self._kwargs = map_arg(dict(kwargs), lambda node: found.setdefault(node) or node)
        self._input_nodes = found
        for each in found:
            each.users.setdefault(self)

    @property
    def args(self) -> tuple:
        """The positional arguments, nodes for what comes of them."""
        return self._args

    @args.setter
    def args(self, args: tuple) -> None:
        self._update(args, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs: dict[str, Any]) -> None:
        self._update(self._args, kwargs)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes among the arguments, each once."""
        return list(self._input_nodes)

    @property
    def next(self) -> Node | None:
        """The node after this one."""
        return self.graph.beside(self, 1)

    @property
    def prev(self) -> Node | None:
        """The node before this one."""
        return self.graph.beside(self, -1)

    def update_arg(self, idx: int, arg: Any) -> None:
        """Replace one positional argument."""
        self.args = (*self.args[:idx], arg, *self.args[idx + 1 :])

    def insert_arg(self, idx: int, arg: Any) -> None:
        """Put a positional argument before another one."""
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Any) -> None:
        """Replace one keyword argument."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Read another node wherever this one reads `old_input`."""
        args, kwargs = map_arg((self.args, self.kwargs), lambda node: new_input if node is old_input else node)
        self._update(args, kwargs)

    def replace_all_uses_with(
        self, replace_with: Node, delete_user_cb: Callable[[Node], bool] = lambda user: True, *, propagate_meta: bool = False
    ) -> list[Node]:
        """Let all that read this node, for which the callback is true, read another; return them."""
        if propagate_meta:
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    def append(self, x: Node) -> None:
        """Move a node to right behind this one."""
        self.graph.move(x, self, 1)

    def prepend(self, x: Node) -> None:
        """Move a node to right before this one."""
        self.graph.move(x, self, 0)

    def is_impure(self) -> bool:
        """Return whether the step does something besides giving a value, so that it stays if nobody reads it."""
        asserts = getattr(self.target, "__name__", "") == "_assert"
        return self.op in ("placeholder", "output") or asserts or (self.op == "call_method" and str(self.target).endswith("_"))

    def format_node(self) -> str:
        """Return the node as a line."""
        if self.op == "output":
            return f"return {text_of(self.args[0])}"
        what = f"[target={text_of(self.target) if self.op == 'call_function' else self.target}]"
        if self.op == "placeholder" and self.args:
            what += f"(default={text_of(self.args[0])})"
        given = f"(args = {plain(self.args)}, kwargs = {plain(self.kwargs)})"
        counted = f"[num_users={len(self.users)}]"
        return f"%{self.name} : {counted} = {self.op}{what}" + (given if self.op.startswith("call") else "")

    def __repr__(self) -> str:
        return self.name


def plain(given: Any) -> str:
    """Return arguments as a listing of nodes has them."""
    if isinstance(given, dict):
        return f"{{{', '.join(f'{key}: {plain(each)}' for key, each in given.items())}}}"
    if isinstance(given, (tuple, list)):
        inner = ", ".join(map(plain, given))
        return f"[{inner}]" if isinstance(given, list) else f"({inner}{',' if len(given) == 1 else ''})"
    return f"%{given.name}" if isinstance(given, Node) else given if isinstance(given, str) else text_of(given)


def text_of(given: Any) -> str:
    """Return arguments as Python writes them, nodes and functions by their names."""
    if isinstance(given, tuple):
        return f"({', '.join(map(text_of, given))}{',' if len(given) == 1 else ''})"
    if isinstance(given, list):
        return f"[{', '.join(map(text_of, given))}]"
    if isinstance(given, dict):
        return f"{{{', '.join(f'{key!r}: {text_of(each)}' for key, each in given.items())}}}"
    if isinstance(given, slice):
        return f"slice({text_of(given.start)}, {text_of(given.stop)}, {text_of(given.step)})"
    if isinstance(given, Node):
        return given.name
    if hasattr(given, "path"):
        return given.path
    name = getattr(given, "__qualname__", None)
    if name is None or isinstance(given, (str, bytes)):
        return repr(given)
    return name if given.__module__ == "builtins" else f"{given.__module__.replace('_operator', 'operator')}.{name}"
