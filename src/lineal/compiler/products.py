"""Products of matrices: small ones as code of their own, others by BLAS."""

from __future__ import annotations

import math

from lineal.codegen import blas
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import kind_of, pointer
from lineal.codegen.values import Value
from lineal.compiler.grouping import Group
from lineal.compiler.nodes import Base, Product, Window
from lineal.compiler.smallproducts import SmallProduct

__all__ = ["is_small", "multiply", "write_product"]

SMALL = 1 << 16
"""Up to how many multiplications a product is written out."""


def is_small(node: Product) -> bool:
    """Return whether a product is worth code of its own."""
    *lead, m, n = node.out.shape
    return not lead and m * n * node.a.shape[-1] <= SMALL


def write_product(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a small product: name(a, b, out); return that it returns no status."""
    (node,) = group.nodes
    assert isinstance(node, Product)
    kind = kind_of(node.out.dtype)
    bases = list(dict.fromkeys((*group.external(), *group.stored)))
    with e.function(name, [(f"p{n}", pointer) for n in range(len(bases))]) as given:
        address = dict(zip(bases, given))
        a, b = (e.address(address[each.base], each.offset, kind) for each in (node.a, node.b))
        SmallProduct(e, node).write(a, b, address[node.out])
    return False


def multiply(e: Emitter, node: Product, address: dict[Base, Value]) -> None:
    """Write the product of two matrices, or of two stacks one after the other, by BLAS."""
    kind = kind_of(node.out.dtype)
    *lead, m, n = node.out.shape
    k = node.a.shape[-1]
    a, a_turned, a_row = layout(node.a)
    b, b_turned, b_row = layout(node.b)
    places = [e.address(address[each.base], each.offset, kind) for each in (node.a, node.b)]
    for place in range(math.prod(lead)):
        rest, index = place, []
        for size in reversed(lead):
            rest, here = divmod(rest, size)
            index.append(here)
        steps = [sum(i * s for i, s in zip(reversed(index), each.strides)) for each in (node.a, node.b)]
        at = [e.address(base, step, kind) for base, step in zip(places, steps)]
        out = e.address(address[node.out], place * m * n, kind)
        blas.gemm(e, kind, *at, out, m, n, k, transpose_a=a_turned, transpose_b=b_turned, strides=(a_row, b_row, n))


def layout(window: Window) -> tuple[Window, bool, int]:
    """Return a matrix's window, whether it lies by columns, and how far its rows (or columns) are apart."""
    (m, n), (rows, columns) = window.shape[-2:], window.strides[-2:]
    if columns == 1 or n == 1 and rows >= 1 and columns != 1 and m > 1 and rows >= n:
        return window, False, max(rows, n, 1)
    if n == 1:
        return window, False, max(rows, 1)
    return window, True, max(columns, m, 1)
