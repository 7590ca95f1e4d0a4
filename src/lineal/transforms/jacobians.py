"""Jacobians and Hessians of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Literal, ParamSpec, overload

import numpy as np

from lineal.base import tree
from lineal.base.signatures import Tensor
from lineal.core import lift
from lineal.transforms.forward import prepared
from lineal.transforms.reverse import vjp
from lineal.transforms.variables import Argnums, alias, free, places_of
from lineal.transforms.vectorize import vmap

__all__ = ["basis", "hessian", "jacfwd", "jacrev"]

P = ParamSpec("P")


def basis(tensors: list) -> list:
    """Return, for each tensor, the unit vectors of all of them together: batches as long as they have elements in all."""
    total = sum(x.value.size for x in tensors)
    batches, start = [], 0
    for x in tensors:
        batch = np.zeros((total, x.value.size), x.value.dtype)
        np.fill_diagonal(batch[start : start + x.value.size], 1)
        batches.append(lift(batch.reshape(total, *x.value.shape)))
        start += x.value.size
    return batches


def parts(batch: Any, tensors: list) -> list:
    """Return a batch over `basis(tensors)` cut into one piece per tensor, of the tensor's shape times the rest."""
    pieces, start = [], 0
    for x in tensors:
        piece = batch[start : start + x.value.size]
        pieces.append(piece.reshape((*x.value.shape, *piece.value.shape[1:])))
        start += x.value.size
    return pieces


def at(func: Callable[..., Any], args: tuple, kwargs: dict, argnums: Argnums) -> tuple[Callable[..., Any], tuple]:
    """Return `func` as a function of the arguments `argnums` alone, and these arguments."""
    places = places_of("jacobian", argnums, len(args))

    def of_chosen(*chosen: Any) -> Any:
        table = dict(zip(places, chosen))
        others = [each if place in table else alias(each) for place, each in enumerate(args)]
        return func(*[table.get(place, each) for place, each in enumerate(others)], **alias(kwargs))

    return of_chosen, tuple(args[place] for place in places)


@overload
def jacrev(
    func: Callable[Concatenate[Tensor, P], Tensor],
    argnums: int = 0,
    *,
    has_aux: Literal[False] = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[Concatenate[Tensor, P], Tensor]: ...
@overload
def jacrev(
    func: Callable[P, Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[P, Any]: ...
def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """Return the function that gives the Jacobian of `func`, row by row: shape `output.shape + input.shape`."""

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = at(func, args, kwargs, argnums)
        output, back, *aux = vjp(of_chosen, *chosen, has_aux=has_aux)
        ys = list(tree.leaves(output))

        def row(*gs: Any) -> tuple:
            found = back(tree.rebuild(output, iter(gs)))
            return tuple(tree.leaves(found))

        columns = vmap(row, randomness="same", chunk_size=chunk_size)(*basis(ys))
        pieces = zip(*[parts(column, ys) for column in columns])
        table = iter([tree.rebuild(chosen, iter(each)) for each in pieces])
        found = tree.transform(lambda _: single(next(table), argnums), output)
        return (found, aux[0]) if has_aux else found

    return jacobian


def single(found: tuple, argnums: Argnums) -> Any:
    """Return one entry per argument as a tuple if argnums is one, else the entry."""
    return found if isinstance(argnums, tuple) else found[0]


@overload
def jacfwd(
    func: Callable[Concatenate[Tensor, P], Tensor],
    argnums: int = 0,
    has_aux: Literal[False] = False,
    *,
    randomness: str = "error",
) -> Callable[Concatenate[Tensor, P], Tensor]: ...
@overload
def jacfwd(
    func: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[P, Any]: ...
def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """Return the function that gives the Jacobian of `func`, column by column: shape `output.shape + input.shape`."""

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = at(func, args, kwargs, argnums)
        output, aux, forward, leaves, history = prepared("jacfwd", of_chosen, chosen, has_aux)
        xs = list(tree.leaves(chosen))
        columns = vmap(lambda *vs: tuple(forward(list(vs))), randomness="same")(*basis(xs))
        rows = []
        for y, column in zip(tree.leaves(output), columns):
            ndim = y.value.ndim
            pieces = [
                piece.movedim(tuple(range(x.value.ndim)), tuple(range(ndim, ndim + x.value.ndim)))
                if x.value.ndim and ndim
                else piece
                for x, piece in zip(xs, parts(column, xs))
            ]
            rows.append(single(tree.rebuild(chosen, iter(pieces)), argnums))
        table = iter(rows)
        found = free(tree.transform(lambda _: next(table), output), leaves, history)
        return (found, free(aux, leaves, history)) if has_aux else found

    return jacobian


@overload
def hessian(func: Callable[Concatenate[Tensor, P], Tensor], argnums: int = 0) -> Callable[Concatenate[Tensor, P], Tensor]: ...
@overload
def hessian(func: Callable[P, Any], argnums: Argnums = 0) -> Callable[P, Any]: ...
def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that gives the second derivatives of `func`: shape `output.shape + input.shape + input.shape`."""
    return jacrev(jacrev(func, argnums), argnums)
