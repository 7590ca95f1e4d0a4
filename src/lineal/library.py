"""Operators of users' own, as in `torch.library`: a function by a name, with what derives it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from lineal.core import AbstractTensor, is_grad_enabled, no_grad
from lineal.core.custom import Function

__all__ = ["CustomOpDef", "custom_op", "impl_abstract", "register_autograd", "register_fake", "register_kernel"]

F = TypeVar("F", bound=Callable[..., Any])
KNOWN: dict[str, CustomOpDef] = {}
"""The operators by their names."""


class CustomOpDef:
    """An operator: called, it runs its function, whose ops nobody derives; what derives it is registered."""

    def __init__(self, name: str, fn: Callable[..., Any], mutates_args: tuple[str, ...]):
        self._name, self._mutates = name, mutates_args
        self._kernel = fn
        self._signature = inspect.signature(fn)
        self._backward: Callable[..., Any] | None = None
        self._setup_context: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._name})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = (*bound.args, *bound.kwargs.values())
        if is_grad_enabled() and any(isinstance(x, AbstractTensor) and x.node is not None for x in given):
            if self._mutates:
                raise RuntimeError(f"{self._name}: what writes to its arguments has no derivative; call it in no_grad")
            return Called.apply(*given, self)
        with no_grad():
            return self._run(given)

    def _run(self, given: tuple) -> Any:
        positional = [each for each in self._signature.parameters.values() if each.kind is not each.KEYWORD_ONLY]
        named = [each.name for each in self._signature.parameters.values() if each.kind is each.KEYWORD_ONLY]
        return self._kernel(*given[: len(positional)], **dict(zip(named, given[len(positional) :])))

    def register_fake(self, fn: F, /) -> F:
        """Take a function that tells shapes alone, and return it: here shapes are those of the numbers."""
        return fn

    register_vmap = register_fake

    def register_kernel(self, device_types: str | Iterable[str] | None, fn: Any = None, /) -> Any:
        """Let a function compute on some devices, of which the host's is the one that is here; a decorator without `fn`."""
        if fn is None:
            return lambda function: self.register_kernel(device_types, function)
        if device_types is None or "cpu" in ((device_types,) if isinstance(device_types, str) else device_types):
            self._kernel = fn
        return fn

    def register_autograd(self, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None) -> None:
        """Derive by `backward(ctx, *grads)`; `setup_context(ctx, inputs, output)` keeps what it reads."""
        self._backward, self._setup_context = backward, setup_context


class Called(Function):
    """One call of an operator that may be differentiated; the last argument is the operator."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        *given, op = args
        output = op._run(tuple(given))
        ctx.op = op
        if op._setup_context is not None:
            op._setup_context(ctx=ctx, inputs=tuple(given), output=output)
        return output

    @staticmethod
    def backward(ctx: Any, *gs: Any) -> Any:
        op = ctx.op
        if op._backward is None:
            raise RuntimeError(f"backward: {op._name} has no derivative; register one by register_autograd")
        found = op._backward(ctx, *gs)
        return (*(found if isinstance(found, tuple) else (found,)), None)


def custom_op(
    name: str,
    fn: Callable[..., Any] | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: str | Iterable[str] | None = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Return an operator of this name, as `namespace::name`, that runs a function; a decorator without `fn`.

    ValueError for a name without a namespace.
    """
    if fn is None:
        options: Any = {"mutates_args": mutates_args, "device_types": device_types, "schema": schema, "tags": tags}
        return lambda function: custom_op(name, function, **options)
    if name.count("::") != 1:
        raise ValueError(f"custom_op: expected a name such as 'namespace::name', got {name!r}")
    KNOWN[name] = CustomOpDef(name, fn, () if mutates_args == "unknown" else tuple(mutates_args))
    return KNOWN[name]


def known(op: str | CustomOpDef) -> CustomOpDef:
    """Return the operator of a name; RuntimeError if there is none."""
    if isinstance(op, CustomOpDef):
        return op
    if op not in KNOWN:
        raise RuntimeError(f"library: there is no operator {op!r}; it is made by custom_op")
    return KNOWN[op]


def register_fake(op: str | CustomOpDef, func: Any = None, /, **_: Any) -> Any:
    """Take a function that tells the shapes of an operator's results, and return it; a decorator without `func`."""
    return known(op).register_fake if func is None else known(op).register_fake(func)


impl_abstract = register_fake


def register_kernel(op: str | CustomOpDef, device_types: str | Iterable[str] | None, func: Any = None, /, **_: Any) -> Any:
    """Let a function compute an operator on some devices; a decorator without `func`."""
    return known(op).register_kernel(device_types, func)


def register_autograd(
    op: str | CustomOpDef, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None, lib: Any = None
) -> None:
    """Derive an operator by `backward(ctx, *grads)`; `setup_context(ctx, inputs, output)` keeps what it reads."""
    known(op).register_autograd(backward, setup_context=setup_context)
