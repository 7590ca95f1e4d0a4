"""Products of matrices: small ones as code of their own, large ones by the routine of contractions, others by BLAS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack

from lineal.codegen import blas
from lineal.codegen.choice import BLOCKS, WRITTEN, multiplied_by
from lineal.codegen.contract.contraction import Contraction, contraction
from lineal.codegen.contract.problem import Contract
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, kind_of, pointer
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value
from lineal.compiler.kernels.epilogues import epilogue_of, sheets_of
from lineal.compiler.kernels.loops import parameters
from lineal.compiler.kernels.openproducts import Form, formed, write_open
from lineal.compiler.kernels.smallproducts import SmallProduct
from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.nodes.node import Product
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.tiled import Tiled, problem, work

__all__ = ["call", "form_of", "is_direct", "is_large", "is_small", "contraction_of", "work", "write_product"]

WORTH_THREADS = 1 << 20
"""From how many multiplications on a stack of products is split over threads."""

SEVERAL = 4
"""From how many large products on each is left to one thread."""


def is_direct(e: Emitter, node: Product) -> bool:
    """Return whether a product is a single call."""
    return len(node.out.shape) == 2 and not is_small(e, node)


def is_large(e: Emitter, node: Product) -> bool:
    """Return whether a product is worth blocks, because none of its sides is short."""
    return multiplied_by(problem(node, e.general, e.spread)) == BLOCKS


def is_small(e: Emitter, node: Product) -> bool:
    """Return whether the products of a node are worth code of their own."""
    return multiplied_by(problem(node, e.general, e.spread)) == WRITTEN


def write_product(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a product, or of a stack of products; return that it returns no status."""
    (node,) = group.nodes
    assert isinstance(node, Product)
    buffers, axes = parameters(group), leading(node)
    with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))]) as given:
        worth, form = worth_threads(e, node), form_of(e, node)
        if form is not None:
            address = dict(zip(buffers, given))
            write_open(e, form, name, [address[each] for each in (node.a.buffer, node.b.buffer, node.out)])
        elif axes and e.spread and (worth or e.general):

            def work(start: Value, stop: Value, *given: Value) -> None:
                stack(e, node, begin(e, node, buffers, given), axes, (start, stop), spread=not worth)

            shared(e, name, axes[0][0], given, work, grain=1, worth=e.decided(worth))
        else:
            stack(e, node, begin(e, node, buffers, given), axes, spread=e.spread)
    return False


def worth_threads(e: Emitter, node: Product) -> bool:
    """Return whether a stack of products is worth several threads."""
    axes, total = leading(node), math.prod(node.out.shape) * node.a.shape[-1]
    return total >= WORTH_THREADS and bool(axes) and axes[0][0] >= (SEVERAL if is_large(e, node) else 2)


def form_of(e: Emitter, node: Product) -> Form | None:
    """Return the form of a small product that is to serve many sizes; None if it is written for its own, or elsewhere."""
    return formed(e, node, leading(node), worth_threads(e, node)) if e.general and is_small(e, node) else None


def contraction_of(e: Emitter, group: Group) -> Contraction:
    """Return the routine that does a large product, and what is made of its sums."""
    node = group.nodes[0]
    assert isinstance(node, Product)
    rows, columns = node.a.strides[-2:]
    kinds = (kind_of(each.buffer.dtype).name for each in (node.a, node.b))
    epilogue = epilogue_of(group) if isinstance(group, Tiled) else None
    by_columns = rows == 1 and columns != 1
    problem = Contract(*kinds, by_columns=by_columns, pairs=node.pairs, epilogue=epilogue, laid=node.laid)
    return contraction(problem, e.target)


Axis = tuple[int, tuple[int, int, int]]
"""How many products there are along an axis of a stack, and how far it moves in A, B and C."""


def leading(node: Product) -> list[Axis]:
    """Return the axes of a stack, the longest first; neighbours are one where all three matrices go through in one stride."""
    found: list[Axis] = []
    for n, size in enumerate(node.out.shape[:-2]):
        steps = (node.a.strides[n], node.b.strides[n], node.out.strides[n])
        if size == 1:
            continue
        if found and found[-1][1] == tuple(step * size for step in steps):
            size *= found.pop()[0]
        found.append((size, steps))
    return sorted(found, key=lambda axis: -axis[0])


def begin(e: Emitter, node: Product, buffers: Sequence[Buffer], given: Sequence[Value]) -> list[Value]:
    """Return where the first A, B and C begin."""
    address = dict(zip(buffers, given))
    factors = (e.address(address[each.buffer], each.offset, kind_of(each.buffer.dtype)) for each in (node.a, node.b))
    return [*factors, address[node.out]]


def stack(
    e: Emitter,
    node: Product,
    places: Sequence[Value],
    axes: Sequence[Axis],
    span: tuple[Value, Value] | None = None,
    *,
    spread: bool,
) -> None:
    """Write the products of a stack one after the other, of the first axis those of a span; `spread`: each on all threads."""
    kinds = [kind_of(each.dtype) for each in (node.a.buffer, node.b.buffer, node.out)]
    with ExitStack() as loops:
        for n, (size, steps) in enumerate(axes):
            start, stop = span if span and not n else (0, size)
            i = loops.enter_context(e.loop(stop, start))
            moves = zip(places, steps, kinds)
            places = [e.address(place, i * step, kind) if step else place for place, step, kind in moves]
        if is_small(e, node):
            SmallProduct(e, node).write(*places)
        else:
            multiply(e, node, *places, spread=spread)


def call(e: Emitter, group: Group, address: dict[Buffer, Value], spread: int = 1) -> None:
    """Write the call that does a single product, and what is made of its sums, at these addresses; `spread`: see `multiply`."""
    node = group.nodes[0]
    assert isinstance(node, Product)
    at = lambda buffer, offset: e.address(address[buffer], offset, kind_of(buffer.dtype))
    a, b = (at(each.buffer, each.offset) for each in (node.a, node.b))
    if not isinstance(group, Tiled):
        multiply(e, node, a, b, address[node.out], spread)
        return
    sheets = sheets_of(group, node.out, group.sizes)
    given = [place for each in sheets for place in (at(each.buffer, each.offset), e.index(each.steps[0]))]
    e.call(contraction_of(e, group).name, None, *factors(e, node, a, b), e.const(spread, int64), *given)


def factors(e: Emitter, node: Product, a: Value, b: Value) -> list[Value]:
    """Return what a routine is given of the factors: addresses, strides and sizes."""
    (m, n), k = node.out.shape[-2:], node.a.shape[-1]
    steps = (tuple(map(e.index, each.strides[-2:])) for each in (node.a, node.b))
    return [a, *next(steps), b, *next(steps), *map(e.index, (m, n, k))]


def multiply(e: Emitter, node: Product, a: Value, b: Value, out: Value, spread: int = 1) -> None:
    """Write the product of two matrices by one call: of the routine for large ones, or of BLAS.

    The routine may use threads as soon as `spread` says, see there.
    """
    (m, n), k = node.out.shape[-2:], node.a.shape[-1]
    if is_large(e, node):
        alone = Group(0, None)
        alone.add(node)
        rest = (e.apart(int(spread)), out, e.index(node.out.strides[-2]))
        e.call(contraction_of(e, alone).name, None, *factors(e, node, a, b), *rest)
        return
    (a_turned, a_row), (b_turned, b_row) = layout(node.a), layout(node.b)
    kind = kind_of(node.out.dtype)
    blas.gemm(e, kind, a, b, out, m, n, k, transpose_a=a_turned, transpose_b=b_turned, strides=(a_row, b_row, n))


def layout(view: BufferView) -> tuple[bool, int]:
    """Return whether a matrix lies by columns, and how far its rows (or columns) are apart."""
    (m, n), (rows, columns) = view.shape[-2:], view.strides[-2:]
    if columns == 1 or (n == 1 and rows >= 1 and columns != 1 and m > 1 and rows >= n):
        return False, max(rows, n, 1)
    if n == 1:
        return False, max(rows, 1)
    return True, max(columns, m, 1)
