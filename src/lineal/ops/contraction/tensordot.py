"""Contraction of two tensors over listed dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base.signatures import Tensor
from lineal.base.spec import axis
from lineal.core import AbstractTensor
from lineal.ops.autocasting import is_on, lowered
from lineal.ops.contraction.pairwise import Named, contraction
from lineal.ops.contraction.products import require_same_dtype
from lineal.ops.front import store

__all__ = ["tensordot"]


def tensordot(a: Any, b: Any, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Return Σ a × b over pairs of dimensions.

    `dims` lists them as (of a, of b); a number means the last ones of a with the first ones of b. A dimension of size 1 pairs
    with any other.
    """
    if not is_on():
        require_same_dtype("tensordot", a, b)
    of_a, of_b = _paired(a.value.ndim, b.value.ndim, dims)
    if is_on():
        # a sum over everything is a dot product, which autocast leaves alone
        a, b = (a, b) if out is not None or len(of_a) == a.value.ndim == b.value.ndim else lowered(a, b)
        require_same_dtype("tensordot", a, b)
    first, second = a.value.shape, b.value.shape
    for here, there in zip(of_a, of_b):
        if first[here] != second[there]:
            if first[here] == 1:
                b = b.sum(there, keepdim=True, dtype=b.dtype)
            elif second[there] == 1:
                a = a.sum(here, keepdim=True, dtype=a.dtype)
            else:
                raise RuntimeError(
                    f"tensordot: contracted dimensions need to match, got shapes {tuple(first)} and {tuple(second)}: "
                    f"first has size {first[here]} in dim {here} and second has size {second[there]} in dim {there}"
                )
    names = {there: f"a{here}" for here, there in zip(of_a, of_b)}
    labels_a = tuple(f"a{place}" for place in range(len(first)))
    labels_b = tuple(names.get(place, f"b{place}") for place in range(len(second)))
    kept = frozenset(labels_a + labels_b).difference(names.values())
    y = contraction(Named(labels_a, a.value.shape), Named(labels_b, b.value.shape), kept)(a, b)
    return y if out is None else store(y, out, "tensordot")


def _paired(ndim_a: int, ndim_b: int, dims: Any) -> tuple[list[int], list[int]]:
    """Return the axes of both tensors to contract."""
    if isinstance(dims, AbstractTensor):
        dims = dims.value.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(ndim_a, ndim_b):
            raise RuntimeError(
                f"tensordot: expected dims >= 0 and at most {min(ndim_a, ndim_b)}, the dimensions of both, got {dims}"
            )
        return list(range(ndim_a - dims, ndim_a)), list(range(dims))
    given: Sequence[Any] = [[each] if isinstance(each, int) else list(each) for each in dims]
    if len(given) != 2 or len(given[0]) != len(given[1]):
        raise RuntimeError(f"tensordot: both dimension lists should have same length, got {dims}")
    of_a = [axis("tensordot", each, ndim_a) for each in given[0]]
    of_b = [axis("tensordot", each, ndim_b) for each in given[1]]
    for places in (of_a, of_b):
        if len(set(places)) != len(places):
            raise RuntimeError(f"tensordot: expected distinct dimensions, got {dims}")
    return of_a, of_b
