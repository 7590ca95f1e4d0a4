"""Derivatives of functions, going forward: jvp by two ways back.

A way back is linear in its cotangents u: ḡ(u) = Jᵀ u. Its own way back, from the tangent v, is J v; what u is does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, enable_grad, gradients, lift, modes
from lineal.transforms.variables import free, fresh

__all__ = ["jvp", "linearize", "push"]


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


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """Return `func(*primals)` and its derivative in the direction `tangents` (a tuple like `primals`), and aux."""
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or len(primals) != len(tangents):
        raise RuntimeError(
            f"jvp: expected primals and tangents to be tuples of one length, got {type(primals)} and {type(tangents)}"
        )
    result, forward, leaves, history = prepared("jvp", func, primals, has_aux)
    output = result[0] if has_aux else result
    vs = directions("jvp", primals, tangents)
    found = forward(vs)
    tangent = tree.rebuild(output, iter(found))
    value, tangent = free(output, leaves, history), free(tangent, leaves, history)
    return (value, tangent, free(result[1], leaves, history)) if has_aux else (value, tangent)


def prepared(name: str, func: Callable[..., Any], primals: tuple, has_aux: bool) -> tuple:
    """Return the function's result on fresh variables, its linear part, the leaves among them, and the outer gradient mode."""
    history = modes.grad_enabled.get()
    xs, leaves = fresh(primals, history)
    with enable_grad():
        result = func(*xs)
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise RuntimeError(f"{name}: output of function f should be a tuple (output, aux) if has_aux is True")
        ys = list(tree.leaves(result[0] if has_aux else result))
        for y in ys:
            if not isinstance(y, AbstractTensor):
                raise RuntimeError(f"{name}: Expected f(*args) to return only tensors, got unsupported type {type(y)}")
        forward = pusher(ys, [x for x in tree.leaves(xs) if isinstance(x, AbstractTensor)])
    return result, forward, leaves, history


def directions(name: str, primals: Any, tangents: Any) -> list:
    """Return the tangents in order, each checked against its primal."""
    xs, vs = list(tree.leaves(primals)), list(tree.leaves(tangents))
    if len(xs) != len(vs):
        raise RuntimeError(
            f"{name}: Expected primals and tangents to have the same python structure, got {len(xs)} and {len(vs)}"
        )
    for x, v in zip(xs, vs):
        if x.value.shape != v.value.shape:
            raise RuntimeError(f"{name}: expected a tangent of shape {list(x.value.shape)}, got {list(v.value.shape)}")
    return vs


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return `func(*primals)` and its derivative there as a linear function of tangents."""
    output, forward, leaves, history = prepared("linearize", func, primals, False)

    def linear(*tangents: Any) -> Any:
        found = forward(directions("linearize", primals, tangents))
        return free(tree.rebuild(output, iter(found)), leaves, modes.grad_enabled.get())

    return free(output, leaves, history), linear
