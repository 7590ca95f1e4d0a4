"""Tracing: a module or a function is called with symbols, and what it does is a graph."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest import mock

from lineal.fx.graph import Graph
from lineal.fx.modules import GraphModule
from lineal.fx.nodes import map_aggregate
from lineal.fx.symbols import Proxy, TracerBase
from lineal.nn import Module, Sequential
from lineal.nn.registry import Registry
from lineal.tensors import Tensor

__all__ = ["Tracer", "symbolic_trace", "wrap"]

T = TypeVar("T")
WRAPPED: list[tuple[dict[str, Any], str]] = []
"""The functions that are one node each, as the globals and the name by which they are called."""


def wrap(fn_or_name: T) -> T:
    """Let a function of the calling module, given by itself or by name, be one node wherever it is called with symbols."""
    name = fn_or_name if isinstance(fn_or_name, str) else getattr(fn_or_name, "__name__", "")
    if not name:
        raise RuntimeError(f"wrap: expected a function or the name of one, got {fn_or_name!r}")
    WRAPPED.append((sys._getframe(1).f_globals, str(name)))
    return fn_or_name


def recorded(function: Any) -> Any:
    """Return a function that is one node when it is called with symbols."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        found: list[Proxy] = []
        map_aggregate((args, kwargs), lambda each: found.append(each) if isinstance(each, Proxy) else None)
        return found[0].tracer.create_proxy("call_function", function, args, kwargs) if found else function(*args, **kwargs)

    return called


class Tracer(TracerBase):
    """Traces modules; layers of `torch.nn`, and those that `is_leaf_module` names, are one node each."""

    def __init__(self, autowrap_modules: tuple = (), autowrap_functions: tuple = (), param_shapes_constant: bool = False):
        self.autowrap_functions = autowrap_functions
        self.root: Any = None
        self.symbols: dict[int, Proxy] = {}

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Return whether a module is one node: those of `torch.nn` are, but for Sequential."""
        return m.__module__.startswith(("torch.nn", "lineal.nn")) and not isinstance(m, Sequential)

    def path_of_module(self, mod: Module) -> str:
        """Return the path from the root to a module; NameError if it is not there."""
        for name, each in self.root.named_modules():
            if each is mod:
                return name
        raise NameError("module is not installed as a submodule")

    def call_module(self, m: Module, forward: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        """Enter a node for a call of a module, or go into it."""
        path = self.path_of_module(m)
        if self.is_leaf_module(m, path):
            return self.create_proxy("call_module", path, args, kwargs)
        return forward(*args, **kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Return the symbol of a parameter or a buffer, one for each."""
        if not isinstance(attr_val, Tensor):
            return attr_val
        for name, each in (*self.root.named_parameters(), *self.root.named_buffers()):
            if each is attr_val:
                if name not in parameter_proxy_cache:
                    parameter_proxy_cache[name] = self.create_proxy("get_attr", name, (), {})
                return parameter_proxy_cache[name]
        return attr_val

    def leaf(self, a: Any) -> Any:
        if isinstance(a, Proxy):
            return a.node
        if isinstance(a, (Tensor, Module)):
            held = (*self.root.named_parameters(), *self.root.named_buffers(), *self.root.named_modules())
            return self.graph.get_attr(next((name for name, each in held if each is a), None) or self.kept(a))
        return a

    def kept(self, constant: Any) -> str:
        """Return the name under which the root keeps a tensor that was made while it was traced."""
        found = next((name for name, each in vars(self.root).items() if each is constant), None)
        if found is None:
            found = next(name for name in map("_tensor_constant{}".format, range(sys.maxsize)) if not hasattr(self.root, name))
            vars(self.root)[found] = constant
        return found

    def create_args_for_root(
        self, root_fn: Any, is_module: bool, concrete_args: Any = None
    ) -> tuple[Any, list, dict[str, Any]]:
        """Enter the arguments of a function, and return it with the symbols it is called with."""
        given, args, kwargs = dict(concrete_args or {}), [], {}
        if is_module:
            args.append(self.root)
        for name, each in list(inspect.signature(root_fn).parameters.items())[int(is_module) :]:
            star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
            default = () if each.default is each.empty else (each.default,)
            value = given[name] if name in given else self.create_proxy("placeholder", star + name, default, {}, name)
            if each.kind is each.KEYWORD_ONLY:
                kwargs[name] = value
            elif each.kind is each.VAR_KEYWORD:
                kwargs.update(value if isinstance(value, dict) else {})
            else:
                args.extend(value if isinstance(value, (list, tuple)) and star else [value])
        return root_fn, args, kwargs

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Let calls of modules, their parameters and wrapped functions come to this tracer until the block ends."""
        call, look, cache, tracer = Module.__call__, Registry.__getattr__, dict[str, Any](), self

        def called(mod: Any, *args: Any, **kwargs: Any) -> Any:
            return tracer.call_module(mod, functools.partial(call, mod), args, kwargs)

        def looked(mod: Any, name: str) -> Any:
            return tracer.getattr(name, look(mod, name), cache)

        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(Module, "__call__", called))
            stack.enter_context(mock.patch.object(Registry, "__getattr__", looked))
            for space, name in WRAPPED:
                found = space.get(name) or getattr(__import__("builtins"), name)
                stack.enter_context(mock.patch.dict(space, {name: recorded(found)}))
            yield

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> Graph:
        """Return the graph of a module's `forward`, or of a function."""
        is_module = isinstance(root, Module)
        self.root, function = (root, type(root).forward) if is_module else (Module(), root)
        self.graph = Graph(tracer_cls=type(self))
        function, args, kwargs = self.create_args_for_root(function, is_module, concrete_args)
        with self.listening():
            result = function(*args, **kwargs)
        self.create_node("output", "output", (self.create_arg(result),), {})
        return self.graph


def symbolic_trace(root: Any, concrete_args: dict[str, Any] | None = None) -> GraphModule:
    """Return a module or a function as a module that runs the nodes of its graph.

    TraceError where the way depends on numbers; arguments in `concrete_args` are these values, and no arguments any more.
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    return GraphModule(tracer.root, graph, type(root).__name__ if isinstance(root, Module) else root.__name__)
