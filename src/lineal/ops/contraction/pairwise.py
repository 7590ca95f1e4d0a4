"""Two tensors with named dimensions become one: permute, reshape, multiply as matrices. Planned by shapes, once, then run."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection
from typing import Any, NamedTuple

from lineal.base.spec import Shape
from lineal.ops.contraction.products import product
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.structural.reshape import reshape

Labels = tuple[str, ...]


class Named(NamedTuple):
    """The names of a tensor's dimensions and their sizes."""

    labels: Labels
    shape: Shape

    def keep(self, labels: Collection[str]) -> Named:
        """Return what is left after summing over the names that are not in `labels`."""
        left = [(label, size) for label, size in zip(self.labels, self.shape) if label in labels]
        return Named(tuple(label for label, _ in left), tuple(size for _, size in left))

    def without(self, labels: Collection[str]) -> Shape:
        """Return the places of the names that are not in `labels`."""
        return tuple(place for place, label in enumerate(self.labels) if label not in labels)


class Arrangement(NamedTuple):
    """What to do with one tensor before it is multiplied: sum over places, permute, reshape; each may be nothing."""

    sums: Shape
    order: Shape | None
    shape: Shape | None

    def __call__(self, x: Any) -> Any:
        """Return the tensor arranged."""
        if self.sums:
            x = x.sum(self.sums, dtype=x.dtype)
        if self.order is not None:
            x = x.permute(self.order)
        return x if self.shape is None else reshape(x, self.shape)


class Contraction(NamedTuple):
    """How two tensors are contracted: arranged, multiplied (as matrices, `turned` or not, or by elements), reshaped."""

    first: Arrangement
    second: Arrangement
    turned: tuple[bool, bool] | None
    shape: Shape | None
    result: Named

    def __call__(self, a: Any, b: Any) -> Any:
        """Return the contraction of the two tensors."""
        a, b = self.first(a), self.second(b)
        y = mul(a, b) if self.turned is None else product(a, b, *self.turned)
        return y if self.shape is None else reshape(y, self.shape)


def reordered(labels: Labels, wanted: Labels) -> Shape | None:
    """Return the permutation from `labels` to `wanted`, or None if they are the same."""
    return None if labels == wanted else tuple(labels.index(label) for label in wanted)


@functools.lru_cache(1024)
def contraction(a: Named, b: Named, kept: frozenset[str]) -> Contraction:
    """Return how to multiply two tensors and sum over the names that are not in `kept`."""
    sums_a, sums_b = a.without(kept.union(b.labels)), b.without(kept.union(a.labels))
    a, b = a.keep(kept.union(b.labels)), b.keep(kept.union(a.labels))
    shared = [label for label in a.labels if label in b.labels]
    batch = tuple(label for label in shared if label in kept)
    inner = tuple(label for label in b.labels if label in shared and label not in kept)
    left = tuple(label for label in a.labels if label not in shared)
    right = tuple(label for label in b.labels if label not in shared)
    sizes = {**dict(zip(a.labels, a.shape)), **dict(zip(b.labels, b.shape))}
    lead, rows, columns = (tuple(sizes[label] for label in each) for each in (batch, left, right))
    result = Named(batch + left + right, lead + rows + columns)
    if not inner:
        first = Arrangement(sums_a, reordered(a.labels, batch + left), lead + rows + (1,) * len(right) if right else None)
        spread = (lead + (1,) * len(left) + columns) if left else None
        return Contraction(first, Arrangement(sums_b, reordered(b.labels, batch + right), spread), None, None, result)
    turned_a = bool(left) and a.labels == batch + inner + left
    turned_b = b.labels == batch + right + inner
    from_a = batch + inner + left if turned_a else batch + left + inner
    from_b = batch + right + inner if turned_b else batch + inner + right
    heads = (math.prod(lead),) if batch else ()
    m, k, n = math.prod(rows), math.prod(sizes[label] for label in inner), math.prod(columns)
    return Contraction(
        Arrangement(sums_a, reordered(a.labels, from_a), changed(from_a, sizes, (*heads, *((k, m) if turned_a else (m, k))))),
        Arrangement(sums_b, reordered(b.labels, from_b), changed(from_b, sizes, (*heads, *((n, k) if turned_b else (k, n))))),
        (turned_a, turned_b),
        None if result.shape == (*heads, m, n) else result.shape,
        result,
    )


def changed(labels: Labels, sizes: dict[str, int], shape: Shape) -> Shape | None:
    """Return `shape`, or None if the labels' sizes are that already."""
    return None if tuple(sizes[label] for label in labels) == shape else shape
