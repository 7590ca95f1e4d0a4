"""The rewrite of products of several matrices."""

from __future__ import annotations

from typing import Any

from lineal.compiler.rewrites.draft import Draft, turns
from lineal.compiler.rewrites.systems import PRODUCTS
from lineal.ops.contraction.products import MatMul
from lineal.tracing import Equation, Var

__all__ = ["chain"]

CLEARLY = 0.5
"""An order is taken only if it costs less than this part of the written one, since it rounds otherwise."""
WORTH = 1 << 16
"""And only if it saves so many multiplications: where infinities meet in another order, NaN may come of numbers, or none."""

Factor = tuple[Var, bool]
"""A matrix, and whether it is transposed."""


def chain(draft: Draft) -> None:
    """(A B) C = A (B C), in the order that takes the fewest multiplications, where that is far fewer."""

    def rule(each: Equation) -> tuple[Var, ...] | None:
        if not multiplies(each) or any(inner(draft, reader, each.outputs[0]) for reader in draft.readers(each.outputs[0])):
            return None
        cost: list[int] = []
        factors = factors_of(draft, each, False, cost)
        if len(factors) < 3:
            return None
        order, least = best(factors)
        if least >= CLEARLY * sum(cost) or sum(cost) - least < WORTH:
            return None
        return (product(draft, factors, order, 0, len(factors) - 1)[0],)

    draft.rewrite(rule)


def multiplies(each: Equation | None) -> bool:
    """Return whether an equation is a product of matrices of floating-point numbers."""
    return each is not None and type(each.op) in PRODUCTS and each.outputs[0].spec.storage.kind == "f"


def inner(draft: Draft, reader: Equation, x: Var) -> bool:
    """Return whether a product is a factor of `reader` alone, so that its order can be chosen there."""
    return multiplies(reader) and draft.reads[x] == 1


def factors_of(draft: Draft, each: Equation, turned: bool, cost: list[int]) -> list[Factor]:
    """Return the factors of a product of products that nobody else reads, and append what each product costs."""
    op: Any = each.op
    (m, k), n = sides(each.inputs[0], op.left), sides(each.inputs[1], op.right)[1]
    cost.append(m * k * n)
    found: list[Factor] = []
    for x, flag in ((each.inputs[0], op.left), (each.inputs[1], op.right)):
        found += descended(draft, x, flag, cost)
    return [(x, not flag) for x, flag in reversed(found)] if turned else found


def descended(draft: Draft, x: Var, turned: bool, cost: list[int]) -> list[Factor]:
    """Return the factors of one factor."""
    maker = draft.maker(x)
    if maker is not None and draft.reads[x] == 1:
        if turns(maker):
            return descended(draft, maker.inputs[0], not turned, cost)
        if multiplies(maker):
            return factors_of(draft, maker, turned, cost)
    return [(x, turned)]


def sides(x: Var, turned: bool) -> tuple[int, int]:
    """Return the rows and columns of a factor."""
    *_, m, n = x.spec.shape
    return (n, m) if turned else (m, n)


def best(factors: list[Factor]) -> tuple[dict[tuple[int, int], int], int]:
    """Return where to split each stretch of factors, and what the whole costs."""
    shapes = [sides(*each) for each in factors]
    count = len(shapes)
    least = {(n, n): 0 for n in range(count)}
    order = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            outer = shapes[i][0] * shapes[j][1]
            costs = {k: least[i, k] + least[k + 1, j] + outer * shapes[k][1] for k in range(i, j)}
            order[i, j] = min(costs, key=costs.__getitem__)
            least[i, j] = costs[order[i, j]]
    return order, least[0, count - 1]


def product(draft: Draft, factors: list[Factor], order: dict[tuple[int, int], int], i: int, j: int) -> Factor:
    """Add the product of factors i to j."""
    if i == j:
        return factors[i]
    k = order[i, j]
    (a, left), (b, right) = product(draft, factors, order, i, k), product(draft, factors, order, k + 1, j)
    shape = (*a.spec.shape[:-2], sides(a, left)[0], sides(b, right)[1])
    return draft.put(MatMul(left, right), (a, b), (shape, a.spec.storage)), False
