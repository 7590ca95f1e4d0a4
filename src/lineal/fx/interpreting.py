"""Graphs gone through node by node."""

from __future__ import annotations

from typing import Any

from lineal.fx.graph import Graph
from lineal.fx.modules import GraphModule, attribute, bound
from lineal.fx.nodes import Node, map_arg
from lineal.fx.symbols import GraphAppendingTracer, Proxy

__all__ = ["Interpreter", "Transformer"]


class Interpreter:
    """Runs the nodes of a graph; a subclass says what else becomes of each kind."""

    def __init__(self, module: Any, garbage_collect_values: bool = True, graph: Graph | None = None):
        self.module, self.graph = module, module.graph if graph is None else graph
        self.submodules = dict(module.named_modules())
        self.env: dict[Node, Any] = {}
        self.given: dict[str, Any] = {}

    def run(self, *args: Any, initial_env: dict[Node, Any] | None = None, enable_io_processing: bool = True) -> Any:
        """Return the result of the graph for these arguments; `initial_env` has values of nodes that are not to be run."""
        self.env = dict(initial_env or {})
        self.given = bound(self.graph, args, {})
        for node in self.graph.nodes:
            if node not in self.env:
                self.env[node] = self.run_node(node)
            if node.op == "output":
                return self.env[node]
        return None

    def run_node(self, n: Node) -> Any:
        """Return the value of a node."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return getattr(self, n.op)(n.target, args, kwargs)

    def fetch_args_kwargs_from_env(self, n: Node) -> tuple[tuple, dict[str, Any]]:
        """Return the arguments of a node, values for nodes."""
        return map_arg((n.args, n.kwargs), self.env.__getitem__)

    def map_nodes_to_values(self, args: Any, n: Node) -> Any:
        """Return a nest of the same form, values for nodes."""
        return map_arg(args, self.env.__getitem__)

    def fetch_attr(self, target: str) -> Any:
        """Return an attribute of the module, by its path."""
        return attribute(self.module, target)

    def placeholder(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Return an argument of the function."""
        return self.given[target]

    def get_attr(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Return a parameter, a buffer or another attribute."""
        return self.fetch_attr(target)

    def call_function(self, target: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call a function."""
        return target(*args, **kwargs)

    def call_method(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call a method of the first argument."""
        return getattr(args[0], target)(*args[1:], **kwargs)

    def call_module(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call a submodule."""
        return self.fetch_attr(target)(*args, **kwargs)

    def output(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Return the result."""
        return args[0]


class Transformer(Interpreter):
    """Makes another graph of a graph: every node is run with symbols, and what a subclass says of it is entered."""

    def __init__(self, module: GraphModule):
        super().__init__(module)
        self.new_graph = Graph()
        self.tracer = GraphAppendingTracer(self.new_graph)

    def placeholder(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        return self.tracer.create_proxy("placeholder", target, args, {})

    def get_attr(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        return self.tracer.create_proxy("get_attr", target, (), {})

    def call_function(self, target: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        return self.tracer.create_proxy("call_function", target, args, kwargs)

    def call_method(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        return self.tracer.create_proxy("call_method", target, args, kwargs)

    def call_module(self, target: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        return self.tracer.create_proxy("call_module", target, args, kwargs)

    def transform(self) -> GraphModule:
        """Return the module of the new graph."""
        result = self.run(*[Proxy(node, self.tracer) for node in self.graph.find_nodes(op="placeholder")])
        self.new_graph.output(self.tracer.create_arg(result))
        return GraphModule(self.module, self.new_graph)
