"""Products of matrices: small ones as code of their own, others by BLAS."""

from __future__ import annotations

import math
from contextlib import ExitStack

from lineal.codegen import blas
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import kind_of, pointer
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value
from lineal.compiler.bigproducts import BigProduct
from lineal.compiler.grouping import Group
from lineal.compiler.loops import parameters
from lineal.compiler.nodes import Base, Product, Window
from lineal.compiler.smallproducts import SmallProduct

__all__ = ["is_direct", "is_small", "multiply", "work", "write_product"]

SMALL = 1 << 20
"""Up to how many multiplications a product is written out."""

WORTH_THREADS = 1 << 20
"""From how many multiplications on a stack of products is split over threads."""

SHORTEST = 8
"""How long every side of a product is at least, to be written out in blocks; BLAS does the others."""

PACKED = 1 << 16
"""How many bytes of this call's memory a product may use."""


def work(node: Product) -> int:
    """Return how many multiplications each product of a node takes."""
    return math.prod(node.out.shape[-2:]) * node.a.shape[-1]


def is_direct(node: Product) -> bool:
    """Return whether a product is a single call of BLAS."""
    return len(node.out.shape) == 2 and not is_small(node) and not is_large(node)


def is_large(node: Product) -> bool:
    """Return whether a product is worth blocks, because none of its sides is short."""
    return not is_small(node) and min(*node.out.shape[-2:], node.a.shape[-1]) >= SHORTEST


def is_small(node: Product) -> bool:
    """Return whether the products of a node are worth code of their own."""
    n, k = node.out.shape[-1], node.a.shape[-1]
    return work(node) <= SMALL and (node.b.strides[-1] == 1 or k * (n + 16) * node.out.dtype.itemsize <= PACKED)


def write_product(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a small product, or of a stack of products; return that it returns no status."""
    (node,) = group.nodes
    assert isinstance(node, Product)
    bases = parameters(group)
    lead, total = node.out.shape[:-2], math.prod(node.out.shape) * node.a.shape[-1]
    with e.function(name, [(f"p{n}", pointer) for n in range(len(bases))]) as given:
        if not lead and is_large(node):
            address = dict(zip(bases, given))
            a, b = [e.address(address[each.base], each.offset, kind_of(each.base.dtype)) for each in (node.a, node.b)]
            BigProduct(e, node).write_in(name, a, b, address[node.out])
        elif lead and lead[0] > 1 and is_small(node) and total >= WORTH_THREADS:
            body = lambda start, stop, *captured: stack(e, node, dict(zip(bases, captured)), start, stop)
            shared(e, name, lead[0], given, body, grain=1)
        else:
            stack(e, node, dict(zip(bases, given)), 0, lead[0] if lead else 1)
    return False


def stack(e: Emitter, node: Product, address: dict[Base, Value], start: int | Value, stop: int | Value) -> None:
    """Write the products of a stack one after the other, of the first axis those from start to stop."""
    kind, lead = kind_of(node.out.dtype), node.out.shape[:-2]
    places = [address[node.a.base], address[node.b.base], address[node.out]]
    places = [e.address(place, each.offset, kind) for place, each in zip(places, (node.a, node.b))] + places[2:]
    with ExitStack() as loops:
        for n, size in enumerate(lead):
            i = loops.enter_context(e.loop(size if n else stop, 0 if n else start))
            steps = [each.strides[n] for each in (node.a, node.b, node.out)]
            places = [e.address(place, i * step, kind) if step else place for place, step in zip(places, steps)]
        if is_small(node):
            SmallProduct(e, node).write(*places)
        else:
            multiply(e, node, *places)


def multiply(e: Emitter, node: Product, a: Value, b: Value, out: Value) -> None:
    """Write the product of two matrices by BLAS."""
    (m, n), k = node.out.shape[-2:], node.a.shape[-1]
    (a_turned, a_row), (b_turned, b_row) = layout(node.a), layout(node.b)
    kind = kind_of(node.out.dtype)
    blas.gemm(e, kind, a, b, out, m, n, k, transpose_a=a_turned, transpose_b=b_turned, strides=(a_row, b_row, n))


def layout(window: Window) -> tuple[bool, int]:
    """Return whether a matrix lies by columns, and how far its rows (or columns) are apart."""
    (m, n), (rows, columns) = window.shape[-2:], window.strides[-2:]
    if columns == 1 or (n == 1 and rows >= 1 and columns != 1 and m > 1 and rows >= n):
        return False, max(rows, n, 1)
    if n == 1:
        return False, max(rows, 1)
    return True, max(columns, m, 1)
