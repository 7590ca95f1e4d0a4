"""Derivatives of functions, going back: grad, grad_and_value, vjp."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, overload

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, enable_grad, gradients, lift, modes, synchronize
from lineal.transforms.captured import guarding
from lineal.transforms.variables import Argnums, alias, free, fresh, leads_outside, outputs, places_of, with_aux

__all__ = ["grad", "grad_and_value", "vjp"]

P = ParamSpec("P")
X = TypeVar("X")
Y = TypeVar("Y")


@overload
def grad(
    func: Callable[Concatenate[X, P], Any], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Callable[Concatenate[X, P], X]: ...
@overload
def grad(func: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[P, Any]: ...
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


@overload
def grad_and_value(
    func: Callable[Concatenate[X, P], Y], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Callable[Concatenate[X, P], tuple[X, Y]]: ...
@overload
def grad_and_value(func: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[P, tuple[Any, Any]]: ...
def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that gives the gradient and the value of `func`; with `has_aux`, `(gradient, (value, aux))`."""

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        history = modes.grad_enabled.get()
        args, chosen, leaves = vary("grad", args, argnums, history)
        kwargs = alias(kwargs)
        with enable_grad():
            with guarding(func, (args, kwargs)):
                result = func(*args, **kwargs)
            y, _ = with_aux("grad", result, has_aux)
            require_scalar(y)
            synchronize(y)
            found = pull(((y, None),), chosen, leaves, history)
        found = tuple(found) if isinstance(argnums, tuple) else found[0]
        return free(found, leaves, history), free(result, leaves, history)

    return gradient_and_value


def vary(name: str, args: tuple, argnums: Argnums, history: bool) -> tuple[tuple, list, set]:
    """Return the arguments with fresh variables at `argnums`, those arguments, and the leaves among the variables.

    The others are aliases, so that writing to them leaves the caller's tensors without a history.
    """
    places = places_of(name, argnums, len(args))
    chosen, leaves = fresh([args[place] for place in places], history)
    table = dict(zip(places, chosen))
    return tuple(table[place] if place in table else alias(each) for place, each in enumerate(args)), chosen, leaves


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


@overload
def vjp(func: Callable[..., Y], *primals: Any, has_aux: Literal[False] = False) -> tuple[Y, Callable[..., tuple[Any, ...]]]: ...
@overload
def vjp(func: Callable[..., Any], *primals: Any, has_aux: Literal[True]) -> tuple[Any, Callable[..., tuple[Any, ...]], Any]: ...
def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return `func(*primals)` and the function that takes cotangents of the outputs to cotangents of the primals (and aux).

    The cotangents have the form of the output; the result is a tuple of one entry per primal, in the primal's form.
    """
    history = modes.grad_enabled.get()
    for x in tree.leaves(primals):
        if not isinstance(x, AbstractTensor):
            raise ValueError(f"vjp: expected the primals to be tensors, got {type(x)}")
    xs, leaves = fresh(primals, history)
    with enable_grad(), guarding(func, xs):
        result = func(*xs)
    output, aux = with_aux("vjp", result, has_aux)
    ys = outputs("vjp", output)

    def back(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> tuple:
        if not tree.alike(output, cotangents):
            raise RuntimeError(
                "vjp: Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function"
            )
        gs = list(tree.leaves(cotangents))
        for y, g in zip(ys, gs):
            if g.value.shape != y.value.shape:
                raise RuntimeError(f"vjp: expected a cotangent of shape {list(y.value.shape)}, got {list(g.value.shape)}")
        wanted = modes.grad_enabled.get() if create_graph is None else create_graph
        return free(pull(zip(ys, gs), xs, leaves, wanted), leaves, wanted)

    value = free(output, leaves, history)
    return (value, back, free(aux, leaves, history)) if has_aux else (value, back)
