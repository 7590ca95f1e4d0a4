"""Derivatives of functions, going back: grad, grad_and_value, vjp."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, enable_grad, gradients, lift, modes
from lineal.transforms.variables import free, fresh, leads_outside

__all__ = ["grad", "grad_and_value", "vjp"]

Argnums = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that gives the gradient of the scalar function `func` by its arguments `argnums` (any nests).

    With `has_aux`, `func` returns `(scalar, aux)` and the gradient function `(gradient, aux)`. Example: `grad(torch.sin)(x)`.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that gives the gradient and the value of `func`; with `has_aux`, `(gradient, (value, aux))`."""

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        history = modes.grad_enabled.get()
        args, chosen, leaves = vary("grad", args, argnums, history)
        with enable_grad():
            result = func(*args, **kwargs)
            if has_aux and not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError("grad: expected func to return (output, aux) when has_aux=True")
            y = result[0] if has_aux else result
            require_scalar(y)
            found = pull(((y, None),), chosen, leaves, history)
        found = tuple(found) if isinstance(argnums, tuple) else found[0]
        return free(found, leaves, history), free(result, leaves, history)

    return gradient_and_value


def vary(name: str, args: tuple, argnums: Argnums, history: bool) -> tuple[tuple, list, set]:
    """Return the arguments with fresh variables at `argnums`, those arguments, and the leaves among the variables."""
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    if not places:
        raise RuntimeError(f"{name}: argnums must be non-empty")
    for place in places:
        if isinstance(place, bool) or not isinstance(place, int):
            raise RuntimeError(f"{name}: argnums must be int or Tuple[int, ...], got {argnums!r}")
        if not -len(args) <= place < len(args):
            raise RuntimeError(f"{name}: Got argnum={place}, but only {len(args)} positional inputs")
    places = tuple(place % len(args) for place in places)
    if len(set(places)) != len(places):
        raise RuntimeError(f"{name}: argnums elements must be unique, got {argnums}")
    chosen, leaves = fresh([args[place] for place in places], history)
    table = dict(zip(places, chosen))
    return tuple(table.get(place, each) for place, each in enumerate(args)), chosen, leaves


def require_scalar(y: Any) -> None:
    """Refuse a value by which no gradient is defined."""
    if not isinstance(y, AbstractTensor):
        raise RuntimeError(f"grad: Expected f(*args) to return a tensor, got {type(y)}")
    if y.value.ndim:
        raise RuntimeError(f"grad: Expected f(*args) to return a scalar tensor, got tensor with {y.value.ndim} dims")
    if y.value.dtype.kind == "c":
        raise RuntimeError("grad: Expected f(*args) to return a real tensor, got a complex one; take its real part or abs()")


def pull(pairs: Any, xs: Any, leaves: set, history: bool) -> Any:
    """Return the nest `xs` with the cotangents of its tensors (or zeros), from pairs of outputs and cotangents."""
    ys = [(y, g) for y, g in pairs if y.node is not None]
    tensors = [x for x in tree.leaves(xs) if isinstance(x, AbstractTensor)]
    found: Any = (None,) * len(tensors)
    if ys and tensors:
        roots = [*[y for y, _ in ys], *[g for _, g in ys if g is not None]]
        create = history and leads_outside(roots, leaves)
        found = gradients([y for y, _ in ys], tensors, [g for _, g in ys], True, create, True)
    following = iter(found)

    def cotangent(x: Any) -> Any:
        if not isinstance(x, AbstractTensor):
            return x
        g = next(following)
        return lift(np.zeros_like(x.value)) if g is None else g

    return tree.transform(cotangent, xs)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return `func(*primals)` and the function that takes cotangents of the outputs to cotangents of the primals (and aux).

    The cotangents have the form of the output; the result is a tuple if there are several primals.
    """
    history = modes.grad_enabled.get()
    xs, leaves = fresh(primals, history)
    with enable_grad():
        result = func(*xs)
    if has_aux and not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError("vjp: output of function f should be a tuple (output, aux) if has_aux is True")
    output = result[0] if has_aux else result
    ys = list(tree.leaves(output))
    for y in ys:
        if not isinstance(y, AbstractTensor):
            raise RuntimeError(f"vjp: Expected f(*primals) to return only tensors, got unsupported type {type(y)}")

    def back(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        gs = list(tree.leaves(cotangents))
        if len(gs) != len(ys):
            raise RuntimeError(
                f"vjp: Expected pytree structure of cotangents to be the same as of outputs, got {len(gs)} for {len(ys)}"
            )
        for y, g in zip(ys, gs):
            if g.value.shape != y.value.shape:
                raise RuntimeError(f"vjp: expected a cotangent of shape {list(y.value.shape)}, got {list(g.value.shape)}")
        wanted = modes.grad_enabled.get() if create_graph is None else create_graph
        found = free(pull(zip(ys, gs), xs, leaves, wanted), leaves, wanted)
        return found[0] if len(primals) == 1 else found

    value = free(output, leaves, history)
    return (value, back, free(result[1], leaves, history)) if has_aux else (value, back)
