"""Functions and modules as graphs of nodes, made by calling them with symbols, as in `torch.fx`."""

from lineal.fx.graph import Graph
from lineal.fx.interpreting import Interpreter, Transformer
from lineal.fx.modules import GraphModule
from lineal.fx.nodes import Node, map_aggregate, map_arg
from lineal.fx.symbols import Attribute, GraphAppendingTracer, Proxy, TraceError, TracerBase
from lineal.fx.tracing import Tracer, symbolic_trace, wrap

__all__ = [
    "Attribute",
    "Graph",
    "GraphAppendingTracer",
    "GraphModule",
    "Interpreter",
    "Node",
    "Proxy",
    "TraceError",
    "Tracer",
    "TracerBase",
    "Transformer",
    "map_aggregate",
    "map_arg",
    "symbolic_trace",
    "wrap",
]
