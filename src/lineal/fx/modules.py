"""A graph as a module."""

from __future__ import annotations

import copy
import inspect
import operator
from typing import Any

from lineal.fx.graph import Graph
from lineal.fx.nodes import Node, map_arg
from lineal.nn import Module, Parameter
from lineal.tensors import Tensor

__all__ = ["GraphModule", "attribute", "bound"]


def attribute(root: Any, target: str) -> Any:
    """Return what stands at a path below a module, or in a dict of paths."""
    return root[target] if isinstance(root, dict) else operator.attrgetter(target)(root)


KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""The kinds of arguments by how many stars stand before them."""


def bound(graph: Graph, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a graph's arguments; TypeError if they do not fit, as Python says it."""
    nodes = graph.find_nodes(op="placeholder")
    names = [str(node.target) for node in nodes]
    if len(args) == len(names) and not kwargs and not any(name.startswith("*") for name in names):
        return dict(zip(names, args))
    parameters = []
    for name, node in zip(names, nodes):
        bare, default = name.lstrip("*"), node.args[0] if node.args else inspect.Parameter.empty
        kind = KINDS[len(name) - len(bare)]
        parameters.append(inspect.Parameter(bare, kind, default=default if kind is KINDS[0] else inspect.Parameter.empty))
    signature = inspect.Signature(sorted(parameters, key=lambda each: (each.kind, each.default is not each.empty)))
    found = signature.bind(*args, **kwargs)
    found.apply_defaults()
    return {name: found.arguments[name.lstrip("*")] for name in names}


class GraphModule(Module):
    """A module whose `forward` runs the nodes of a graph; it holds those parts of `root` that the graph names.

    `root` is a module, or a dict of parts by their paths.
    """

    def __init__(self, root: Any, graph: Graph, class_name: str = "GraphModule"):
        super().__init__()
        self.class_name = class_name
        if isinstance(root, Module):
            self.training = root.training
        for node in graph.nodes:
            if node.op in ("get_attr", "call_module"):
                place(self, str(node.target), attribute(root, str(node.target)))
        self.graph = graph

    @property
    def graph(self) -> Graph:
        """The graph that is run."""
        return self._graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        self._graph = graph
        graph.owning_module = self

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the nodes."""
        given, values = bound(self.graph, args, kwargs), dict[Node, Any]()
        for node in self.graph.nodes:
            own, named = map_arg((node.args, node.kwargs), values.__getitem__)
            if node.op == "output":
                return own[0]
            values[node] = self._value(node, own, named, given)
        return None

    def _value(self, node: Node, args: tuple, kwargs: dict[str, Any], given: dict[str, Any]) -> Any:
        if node.op == "placeholder":
            return given[node.target]
        if node.op == "call_function":
            return node.target(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        found = attribute(self, node.target)
        return found if node.op == "get_attr" else found(*args, **kwargs)

    @property
    def code(self) -> str:
        """The graph as a function in Python."""
        return self.graph.python_code("self").src

    def recompile(self) -> Any:
        """Return the code; the nodes are run as they are, so nothing else is to be done."""
        return self.graph.python_code("self")

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put a module at a path."""
        place(self, target, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Take the module at a path away; return whether there was one."""
        parent, _, name = target.rpartition(".")
        holder = attribute(self, parent) if parent else self
        return holder._modules.pop(name, None) is not None

    def delete_all_unused_submodules(self) -> None:
        """Take away the modules that no node names."""
        used = [str(node.target) for node in self.graph.nodes if node.op in ("call_module", "get_attr")]
        for name, _ in list(self.named_modules()):
            if name and not any(f"{each}.".startswith(f"{name}.") or name.startswith(f"{each}.") for each in used):
                self.delete_submodule(name)

    def print_readable(self, print_output: bool = True, **options: Any) -> str:
        """Print the code, and return it."""
        text = f"class {self.class_name}(torch.nn.Module):{self.code}".replace("\n", "\n    ")
        if print_output:
            print(text)
        return text

    def _get_name(self) -> str:
        return self.class_name

    def __deepcopy__(self, memo: dict) -> GraphModule:
        twin = copy.copy(self)
        state = {name: each for name, each in self.__dict__.items() if name != "_graph"}
        twin.__dict__ = copy.deepcopy(state, memo)
        twin.graph = copy.deepcopy(self.graph, memo)
        return twin

    def __str__(self) -> str:
        return "\n".join(
            [super().__repr__(), self.code, "# To see more debug info, please use `graph_module.print_readable()`"]
        )


def place(root: Module, target: str, value: Any) -> None:
    """Put something at a path below a module, making the modules on the way there."""
    *path, name = target.split(".")
    for each in path:
        inner = root._modules.get(each)
        if inner is None:
            root.add_module(each, inner := Module())
        root = inner
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        root.register_buffer(name, value)
    else:
        setattr(root, name, value)
