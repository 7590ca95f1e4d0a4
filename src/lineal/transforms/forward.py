"""Derivatives of functions, going forward: jvp by two ways back.

A backward pass is linear in its cotangents u: ḡ(u) = Jᵀ u. Its own backward pass, from the tangent v, is J v, whatever u is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

import numpy as np

from lineal.base import dtypes, tree
from lineal.core import AbstractTensor, enable_grad, gradients, lift, modes
from lineal.transforms.captured import guarding
from lineal.transforms.variables import alias, free, fresh, leads_to, outputs, with_aux

__all__ = ["jvp", "linearize", "push"]

Y = TypeVar("Y")


def push(ys: list, xs: list, vs: list) -> list:
    """Return the tangents of `ys` for the tangents `vs` of `xs`; zeros where nothing depends."""
    return pusher(ys, xs)(vs)


def pusher(ys: list, xs: list) -> Callable[[list], list]:
    """Return the linear function that takes tangents of `xs` to tangents of `ys`."""
    moving = [y for y in ys if y.node is not None]
    us: list[Any] = [lift(np.zeros_like(y.value)) for y in moving]
    for u in us:
        u.requires_grad_()
    found: tuple = (None,) * len(xs)
    with enable_grad():
        if moving:
            found = gradients(moving, xs, us, True, True, True)
    reached = [(place, g) for place, g in enumerate(found) if g is not None and g.node is not None]

    def forward(vs: list) -> list:
        tangents: Any = (None,) * len(us)
        if reached:
            create = modes.grad_enabled.get()
            gs = [vs[place] for place, _ in reached]
            tangents = gradients([g for _, g in reached], us, gs, True, create, True)
        table = {id(y): t for y, t in zip(moving, tangents) if t is not None}
        return [table[id(y)] if id(y) in table else lift(np.zeros_like(y.value)) for y in ys]

    return forward


@overload
def jvp(
    func: Callable[..., Y],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: Literal[False] = False,
) -> tuple[Y, Y]: ...
@overload
def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: Literal[True],
) -> tuple[Any, Any, Any]: ...
def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """Return `func(*primals)` and its derivative in the direction `tangents` (a tuple like `primals`), and aux.

    With `strict`, RuntimeError for an output that does not depend on the primals; else its tangent is zero.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple) or not given:
            raise RuntimeError(f"jvp: Expected {name} to be a non-empty tuple, got {given!r}")
    vs = directions("jvp", primals, tangents)
    output, aux, forward, leaves, history = prepared("jvp", func, primals, has_aux)
    if strict and any(y.node is None or not leads_to((y,), leaves) for y in tree.leaves(output)):
        raise RuntimeError("jvp: The output of f is independent of the inputs. This is not allowed with strict=True.")
    tangent = tree.rebuild(output, iter(forward(vs)))
    value, tangent = free(output, leaves, history), free(tangent, leaves, history)
    return (value, tangent, free(aux, leaves, history)) if has_aux else (value, tangent)


def prepared(name: str, func: Callable[..., Any], primals: tuple, has_aux: bool) -> tuple:
    """Return the function's output and aux, its linear part, the leaves of its variables, and the outer gradient mode."""
    for x in tree.leaves(primals):
        if isinstance(x, AbstractTensor) and x.value.dtype.kind not in "fcV":
            raise ValueError(f"{name}: Expected primal to be floating point or complex, got {dtypes.of(x.value.dtype)}")
    history = modes.grad_enabled.get()
    variables, leaves = fresh(primals, history)
    with enable_grad():
        # going forward, the function may write to its arguments, which leaves may not
        xs = alias(variables)
        with guarding(func, xs):
            result = func(*xs)
        output, aux = with_aux(name, result, has_aux)
        forward = pusher(outputs(name, output), [x for x in tree.leaves(variables) if isinstance(x, AbstractTensor)])
    return output, aux, forward, leaves, history


def directions(name: str, primals: Any, tangents: Any) -> list:
    """Return the tangents in order, each checked against its primal."""
    xs, vs = list(tree.leaves(primals)), list(tree.leaves(tangents))
    if not tree.alike(primals, tangents):
        raise RuntimeError(f"{name}: Expected primals and tangents to have the same python structure")
    for v in vs:
        if not isinstance(v, AbstractTensor):
            raise RuntimeError(f"{name}: Expected tangents to be tensors, got {type(v)}")
    for x, v in zip(xs, vs):
        if x.value.shape != v.value.shape:
            raise RuntimeError(f"{name}: expected a tangent of shape {list(x.value.shape)}, got {list(v.value.shape)}")
    return vs


def linearize(func: Callable[..., Y], *primals: Any) -> tuple[Y, Callable[..., Y]]:
    """Return `func(*primals)` and its derivative there as a linear function of tangents."""
    output, _, forward, leaves, history = prepared("linearize", func, primals, False)

    def linear(*tangents: Any) -> Any:
        found = forward(directions("linearize", primals, tangents))
        return free(tree.rebuild(output, iter(found)), leaves, modes.grad_enabled.get())

    return free(output, leaves, history), linear
