"""A list of nodes, in which each reads those before it."""

from __future__ import annotations

import builtins
import copy
import keyword
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from lineal.fx.nodes import Node, map_arg, text_of

__all__ = ["Graph", "PythonCode"]

OPS = ("placeholder", "get_attr", "call_function", "call_method", "call_module", "output")


class PythonCode(NamedTuple):
    """A graph as a function in Python; it is for readers, since a module runs the nodes themselves."""

    src: str
    globals: dict[str, Any]


def snake_case(name: str) -> str:
    """Return the name of a class or a function as that of a variable."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Graph:
    """The steps of a function, in order; new ones come to the end, or where `inserting_before` says."""

    def __init__(self, owning_module: Any = None, tracer_cls: Any = None, tracer_extras: dict[str, Any] | None = None):
        self.owning_module, self._tracer_cls, self._tracer_extras = owning_module, tracer_cls, tracer_extras
        self._nodes: list[Node] = []
        self._names: set[str] = set()
        self._place: Callable[[], int] = self._end

    def _end(self) -> int:
        return len(self._nodes)

    @property
    def nodes(self) -> list[Node]:
        """The nodes in order; a copy, so that nodes may come and go while it is gone through."""
        return list(self._nodes)

    def beside(self, node: Node, step: int) -> Node | None:
        """Return the node so many places on, None beyond the ends."""
        place = self._nodes.index(node) + step
        return self._nodes[place] if 0 <= place < len(self._nodes) else None

    def move(self, node: Node, beside: Node, step: int) -> None:
        """Put a node of the graph before another one, or with a step of 1 behind it."""
        self._nodes.remove(node)
        self._nodes.insert(self._nodes.index(beside) + step, node)

    def unused(self, candidate: str) -> str:
        """Return a name that no node has, as near to the one wanted as can be."""
        base = re.sub(r"\W", "_", candidate)
        base = f"_{base}" if base[:1].isdigit() else base or "_"
        stem, _, number = base.rpartition("_")
        stem, count = (stem, int(number)) if stem and number.isdecimal() else (base, 0)
        name = base
        while name in self._names or keyword.iskeyword(name) or hasattr(builtins, name):
            count += 1
            name = f"{stem}_{count}"
        self._names.add(name)
        return name

    def create_node(
        self,
        op: str,
        target: Any,
        args: tuple | None = None,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Return a new node, entered where the graph grows."""
        if op not in OPS:
            raise AssertionError(f"create_node: expected op to be one of {', '.join(OPS)}, got {op!r}")
        wanted = name or snake_case(str(getattr(target, "__name__", target)))
        node = Node(self, self.unused(wanted), op, target, args or (), kwargs or {}, type_expr)
        self._nodes.insert(self._place(), node)
        return node

    def placeholder(self, name: str, type_expr: Any = None, default_value: Any = ...) -> Node:
        """Return a node for an argument of the function."""
        return self.create_node("placeholder", name, () if default_value is ... else (default_value,), type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """Return a node for a parameter, a buffer or another attribute of the module."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_function(self, the_function: Any, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """Return a node that calls a function."""
        return self.create_node("call_function", the_function, args, kwargs, type_expr=type_expr)

    def call_method(self, method_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """Return a node that calls the method of its first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_module(self, module_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """Return a node that calls a submodule."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def output(self, result: Any, type_expr: Any = None) -> Node:
        """Return the node of the function's result."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def output_node(self) -> Node:
        """Return the node of the function's result."""
        return next(each for each in reversed(self._nodes) if each.op == "output")

    def find_nodes(self, *, op: str, target: Any = None, sort: bool = True) -> list[Node]:
        """Return the nodes of a kind, if given with this target."""
        return [each for each in self._nodes if each.op == op and (target is None or each.target == target)]

    @contextmanager
    def _inserting(self, place: Callable[[], int]) -> Iterator[None]:
        before, self._place = self._place, place
        try:
            yield
        finally:
            self._place = before

    def inserting_before(self, n: Node | None = None) -> Any:
        """Let new nodes come before one, by default before all, until the block ends."""
        return self._inserting((lambda: 0) if n is None else (lambda: self._nodes.index(n)))

    def inserting_after(self, n: Node | None = None) -> Any:
        """Let new nodes come, in order, after one, by default after all, until the block ends."""
        if n is None:
            return self._inserting(self._end)
        start, size = self._nodes.index(n), len(self._nodes)
        return self._inserting(lambda: start + 1 + len(self._nodes) - size)

    def erase_node(self, to_erase: Node) -> None:
        """Take a node away; RuntimeError if another one reads it."""
        if to_erase.users:
            raise RuntimeError(f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users: {to_erase.users}")
        to_erase._update((), {})
        to_erase._erased = True
        self._nodes.remove(to_erase)

    def node_copy(self, node: Node, arg_transform: Callable[[Node], Any] = lambda node: node) -> Node:
        """Return a copy of a node, maybe of another graph's; its arguments are what the function says of them."""
        args, kwargs = map_arg((node.args, node.kwargs), arg_transform)
        made = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        made.meta = copy.copy(node.meta)
        return made

    def graph_copy(self, g: Graph, val_map: dict[Node, Node], return_output_node: bool = False) -> Any:
        """Enter copies of all nodes of a graph, and return what stands for its result; `val_map` learns of the copies."""
        for node in g._nodes:
            if node in val_map:
                continue
            if node.op == "output":
                made = map_arg(node.args[0], val_map.__getitem__)
                return (made, node) if return_output_node else made
            val_map[node] = self.node_copy(node, val_map.__getitem__)
        return None

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Take away what nobody reads and what does nothing else; return whether there was any."""
        keeps, size = is_impure_node or Node.is_impure, len(self._nodes)
        for node in reversed(self.nodes):
            if not node.users and not keeps(node):
                self.erase_node(node)
        return len(self._nodes) < size

    def lint(self) -> None:
        """Raise a RuntimeError if a node reads one that does not come before it."""
        seen: set[Node] = set()
        for node in self._nodes:
            for each in node.all_input_nodes:
                if each not in seen:
                    raise RuntimeError(f"Argument '{each}' of Node '{node}' was used before it has been defined!")
            seen.add(node)

    def python_code(self, root_module: str, **options: Any) -> PythonCode:
        """Return the graph as a function of `root_module`, usually "self"."""
        lines = [f"    {line}" for node in self._nodes for line in written(node, root_module)]
        given = ", ".join([root_module, *[argument(each) for each in self.find_nodes(op="placeholder")]])
        return PythonCode("\n".join([f"\ndef forward({given}):", *(lines or ["    pass"]), ""]), {})

    def print_tabular(self) -> None:
        """Print the nodes line by line."""
        for node in self._nodes:
            print(node.op, node.name, node.target, node.args, node.kwargs, sep="  ")

    def __deepcopy__(self, memo: dict) -> Graph:
        made = Graph(tracer_cls=self._tracer_cls, tracer_extras=self._tracer_extras)
        result = made.graph_copy(self, {})
        if self.find_nodes(op="output"):
            made.output(result)
        return made

    def __str__(self) -> str:
        return "\n".join(["graph():", *[f"    {each.format_node()}" for each in self._nodes]])


def argument(node: Node) -> str:
    """Return an argument of the function as a signature has it."""
    return f"{node.target} = {text_of(node.args[0])}" if node.args else str(node.target)


def written(node: Node, root: str) -> list[str]:
    """Return the lines that a node is in Python."""
    args = [text_of(each) for each in node.args]
    given = ", ".join([*args, *[f"{key} = {text_of(each)}" for key, each in node.kwargs.items()]])
    if node.op == "placeholder":
        return [] if node.name == str(node.target).lstrip("*") else [f"{node.name} = {str(node.target).lstrip('*')}"]
    if node.op == "output":
        return [f"return {args[0]}"]
    if node.op == "get_attr":
        return [f"{node.name} = {root}.{node.target}"]
    if node.op == "call_method":
        return [f"{node.name} = {args[0]}.{node.target}({given.partition(args[0])[2].lstrip(', ')})"]
    return [f"{node.name} = {text_of(node.target) if node.op == 'call_function' else f'{root}.{node.target}'}({given})"]
