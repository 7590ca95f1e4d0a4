"""Two tensors with named dimensions become one: permute, reshape, multiply as matrices."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, NamedTuple

from lineal.ops.contraction.products import product
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.structural.reshape import reshape

Labels = tuple[str, ...]


class Labelled(NamedTuple):
    """A tensor and the names of its dimensions."""

    tensor: Any
    labels: Labels

    def sizes(self) -> dict[str, int]:
        """Return the size of each name."""
        return dict(zip(self.labels, self.tensor.value.shape))


def ordered(x: Labelled, labels: Labels) -> Any:
    """Return the tensor with its dimensions in the order of `labels`."""
    if x.labels == labels:
        return x.tensor
    return x.tensor.permute(tuple(x.labels.index(label) for label in labels))


def summed(x: Labelled, kept: Collection[str]) -> Labelled:
    """Return `x` summed over the names that are not in `kept`."""
    places = tuple(place for place, label in enumerate(x.labels) if label not in kept)
    if not places:
        return x
    return Labelled(x.tensor.sum(places, dtype=x.tensor.dtype), tuple(label for label in x.labels if label in kept))


def contract(a: Labelled, b: Labelled, kept: Collection[str]) -> Labelled:
    """Return the product of `a` and `b` summed over the names that are not in `kept`."""
    a, b = summed(a, {*kept, *b.labels}), summed(b, {*kept, *a.labels})
    shared = [label for label in a.labels if label in b.labels]
    batch = tuple(label for label in shared if label in kept)
    inner = tuple(label for label in shared if label not in kept)
    left = tuple(label for label in a.labels if label not in shared)
    right = tuple(label for label in b.labels if label not in shared)
    return (_as_matrices if inner else _elementwise)(a, b, batch, left, right, inner)


def _elementwise(a: Labelled, b: Labelled, batch: Labels, left: Labels, right: Labels, _: Labels) -> Labelled:
    first, second = ordered(a, batch + left), ordered(b, batch + right)
    if left and right:
        first = reshape(first, (*first.value.shape, *(1,) * len(right)))
        shape, lead = second.value.shape, len(batch)
        second = reshape(second, (*shape[:lead], *(1,) * len(left), *shape[lead:]))
    elif left:
        second = reshape(second, (*second.value.shape, *(1,) * len(left)))
    elif right:
        first = reshape(first, (*first.value.shape, *(1,) * len(right)))
    return Labelled(mul(first, second), batch + left + right)


def _as_matrices(a: Labelled, b: Labelled, batch: Labels, left: Labels, right: Labels, inner: Labels) -> Labelled:
    sizes = {**a.sizes(), **b.sizes()}
    inner = tuple(label for label in b.labels if label in inner) if _memory_order(b, inner) else inner
    lead, rows, columns, depth = (tuple(sizes[label] for label in each) for each in (batch, left, right, inner))
    turned_a, turned_b = a.labels == batch + inner + left, b.labels == batch + right + inner
    turned_a = turned_a and bool(left)
    first = ordered(a, batch + inner + left if turned_a else batch + left + inner)
    second = ordered(b, batch + right + inner if turned_b else batch + inner + right)
    heads = (math.prod(lead),) if batch else ()
    m, k, n = math.prod(rows), math.prod(depth), math.prod(columns)
    first = _shaped(first, (*heads, k, m) if turned_a else (*heads, m, k))
    second = _shaped(second, (*heads, n, k) if turned_b else (*heads, k, n))
    y = product(first, second, turned_a, turned_b)
    return Labelled(_shaped(y, lead + rows + columns), batch + left + right)


def _memory_order(b: Labelled, inner: Labels) -> bool:
    """Return whether the second tensor, and not the first, is better left as it lies: the larger copy is the one to save."""
    places = [b.labels.index(label) for label in inner]
    return places != sorted(places)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.value.shape == shape else reshape(x, shape)
