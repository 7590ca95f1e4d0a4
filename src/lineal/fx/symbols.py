"""What functions are called with to be traced: symbols, which enter a node for whatever is done with them."""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

from lineal.fx.graph import Graph
from lineal.fx.nodes import Node, map_aggregate
from lineal.overrides import begin, is_tensor_method_or_property

__all__ = ["Attribute", "GraphAppendingTracer", "Proxy", "TraceError", "TracerBase"]

PLAIN = (str, int, float, bool, complex, type(None), type(...), slice, range)


class TraceError(ValueError):
    """A function does something that depends on the numbers."""


class TracerBase:
    """What enters nodes for symbols."""

    graph: Graph

    def create_node(
        self, kind: str, target: Any, args: tuple, kwargs: dict[str, Any], name: str | None = None, type_expr: Any = None
    ) -> Node:
        """Enter a node; for those who look at each."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """Return the symbol of a node."""
        return Proxy(node, self)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple,
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:
        """Enter a node of arguments that may have symbols in them, and return its symbol."""
        node = self.create_node(kind, target, self.create_arg(tuple(args)), self.create_arg(dict(kwargs)), name, type_expr)
        return (proxy_factory_fn or self.proxy)(node)

    def create_arg(self, a: Any) -> Any:
        """Return what a node has for an argument: nodes for symbols."""
        return map_aggregate(a, self.leaf)

    def leaf(self, a: Any) -> Any:
        """Return what a node has for an argument that is no list, tuple or dict."""
        return a.node if isinstance(a, Proxy) else a

    def to_bool(self, obj: Proxy) -> bool:
        """Refuse a branch: which one is taken depends on numbers."""
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy) -> Iterator:
        """Return the parts of a symbol where the program says how many there are, as in `a, b = x`."""
        count = unpacked(sys._getframe(2))
        if count is None:
            raise TraceError(
                "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args or "
                "**kwargs function argument."
            )
        return iter([obj[place] for place in range(count)])

    def keys(self, obj: Proxy) -> Any:
        """Return what `**x` of a symbol goes through."""
        return Attribute(obj, "keys")()


def unpacked(frame: Any) -> int | None:
    """Return into how many names the instruction that runs in a frame parts a value; None if it is another."""
    found = next((each for each in dis.get_instructions(frame.f_code) if each.offset == frame.f_lasti), None)
    return found.argval if found is not None and found.opname == "UNPACK_SEQUENCE" else None


class GraphAppendingTracer(TracerBase):
    """Enters nodes at the end of a graph."""

    def __init__(self, graph: Graph):
        self.graph = graph


def operated(function: Any) -> Callable[..., Proxy]:
    """Return the method of one of Python's operators."""

    def method(self: Proxy, *others: Any) -> Proxy:
        return self.tracer.create_proxy("call_function", function, (self, *others), {})

    return method


def reflected(function: Any) -> Callable[..., Proxy]:
    """Return the method of an operator whose left side knows no symbols."""

    def method(self: Proxy, other: Any) -> Proxy:
        return self.tracer.create_proxy("call_function", function, (other, self), {})

    return method


class Proxy:
    """The symbol of a node: whatever is done with it becomes a node, and gives a symbol."""

    def __init__(self, node: Node, tracer: TracerBase | None = None):
        # functions are to ask before they compute
        begin()
        self.node = node
        self.tracer = GraphAppendingTracer(node.graph) if tracer is None else tracer

    def __getattr__(self, name: str) -> Attribute:
        if name.startswith("__"):
            raise AttributeError(name)
        return Attribute(self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator:
        return self.tracer.iter(self)

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def __len__(self) -> int:
        raise RuntimeError("'len' is not supported in symbolic tracing by default; call torch.fx.wrap('len') to record it")

    def keys(self) -> Any:
        """Return the keys of what is a dict."""
        return self.tracer.keys(self)

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    __hash__ = object.__hash__

    @classmethod
    def __torch_function__(cls, orig_method: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Proxy:
        found: list[Proxy] = []
        map_aggregate((args, kwargs or {}), lambda each: found.append(each) if isinstance(each, Proxy) else None)
        name = getattr(orig_method, "__name__", "")
        if name == "einsum" and len(args) == 2 and isinstance(args[1], (list, tuple)):
            # readers of graphs expect the operands one by one, as PyTorch asks for them
            args = (args[0], *args[1])
        if is_tensor_method_or_property(orig_method):
            return found[0].tracer.create_proxy("call_method", name, args, kwargs or {})
        return found[0].tracer.create_proxy("call_function", orig_method, args, kwargs or {})

    __add__, __radd__ = operated(operator.add), reflected(operator.add)
    __sub__, __rsub__ = operated(operator.sub), reflected(operator.sub)
    __mul__, __rmul__ = operated(operator.mul), reflected(operator.mul)
    __truediv__, __rtruediv__ = operated(operator.truediv), reflected(operator.truediv)
    __floordiv__, __rfloordiv__ = operated(operator.floordiv), reflected(operator.floordiv)
    __mod__, __rmod__ = operated(operator.mod), reflected(operator.mod)
    __pow__, __rpow__ = operated(operator.pow), reflected(operator.pow)
    __matmul__, __rmatmul__ = operated(operator.matmul), reflected(operator.matmul)
    __and__, __rand__ = operated(operator.and_), reflected(operator.and_)
    __or__, __ror__ = operated(operator.or_), reflected(operator.or_)
    __xor__, __rxor__ = operated(operator.xor), reflected(operator.xor)
    __lshift__, __rlshift__ = operated(operator.lshift), reflected(operator.lshift)
    __rshift__, __rrshift__ = operated(operator.rshift), reflected(operator.rshift)
    __lt__, __le__, __gt__, __ge__ = map(operated, (operator.lt, operator.le, operator.gt, operator.ge))
    __eq__, __ne__ = map(operated, (operator.eq, operator.ne))  # type: ignore[assignment]
    __neg__, __pos__, __invert__, __abs__ = map(operated, (operator.neg, operator.pos, operator.invert, operator.abs))
    __getitem__, __setitem__ = map(operated, (operator.getitem, operator.setitem))


class Attribute(Proxy):
    """An attribute of a symbol; it becomes a node when it is used, and a call of a method if it is called."""

    def __init__(self, root: Proxy, attr: str):
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The node of the attribute."""
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)
