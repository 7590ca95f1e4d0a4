"""Rewrites of systems of linear equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.compiler.rewrites.draft import Draft, turns
from lineal.ops.contraction.products import Affine, BatchMatMul, MatMul, StackedMatMul
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.elementwise.comparison import eq, isfinite
from lineal.ops.linalg.determinants import Determinant, DeterminantBounded, DeterminantProbed
from lineal.ops.linalg.lu import LUFactor
from lineal.ops.linalg.systems import Inverse, InversePull, Solve, SolveFactored, SolveProbed
from lineal.ops.premise import Premise
from lineal.ops.structural.axes import Squeeze, Unsqueeze
from lineal.tracing import Equation, Var

__all__ = ["PRODUCTS", "solve", "unwatched"]

PRODUCTS = (MatMul, StackedMatMul, BatchMatMul)
PLAIN = {SolveProbed: Solve(), DeterminantBounded: Determinant(), DeterminantProbed: Determinant()}


def unwatched(draft: Draft) -> None:
    """X, |A|, |A⁻¹ V| = A⁻¹ (B, V) is X = A⁻¹ B where nobody reads what tells the condition; likewise det A."""

    def rule(each: Equation) -> tuple[Var, ...] | None:
        if type(each.op) not in PLAIN or any(draft.reads[var] for var in each.outputs[1:]):
            return None
        spec = each.outputs[0].spec
        return (draft.put(PLAIN[type(each.op)], each.inputs, (spec.shape, spec.storage)), *each.outputs[1:])

    draft.rewrite(rule)


def solve(draft: Draft) -> None:
    """inv(A) B = solve(A, B) and B inv(A) = solve(Aᵀ, Bᵀ)ᵀ, where inv(A) is only multiplied; so in -A⁻ᵀ G A⁻ᵀ, its adjoint."""
    inverses = {each.outputs[0]: Unformed(draft, each) for each in draft.equations if type(each.op) is Inverse}
    inverses = {var: found for var, found in inverses.items() if only_multiplied(draft, var)}
    if not inverses:
        return

    def rule(each: Equation) -> tuple[Var, ...] | None:
        if type(each.op) is InversePull and each.inputs[0] in inverses:
            return (inverses[each.inputs[0]].pulled(each.inputs[1]),)
        op: Any = each.op
        if type(each.op) is Affine and len(each.inputs[0].spec.shape) == 1:
            second = inverse_of(draft, inverses, each.inputs[1], op.transposed)
            return None if second is None else (second[0].times_vector(each.inputs[0], not second[1]),)
        if type(op) not in PRODUCTS:
            return None
        a, b = each.inputs
        first, second = inverse_of(draft, inverses, a, op.left), inverse_of(draft, inverses, b, op.right)
        if first is not None:
            found, transposed = first
            return (found.times(draft.transposed(b) if op.right else b, transposed),)
        if second is not None:
            found, transposed = second
            return (draft.transposed(found.times(a if op.left else draft.transposed(a), not transposed)),)
        return None

    draft.rewrite(rule)


def inverse_of(draft: Draft, inverses: dict[Var, Unformed], x: Var, transposed: bool) -> tuple[Unformed, bool] | None:
    """Return the inverse that a factor is, and whether it is transposed."""
    maker = draft.maker(x)
    while maker is not None and turns(maker):
        x, transposed = maker.inputs[0], not transposed
        maker = draft.maker(x)
    return None if x not in inverses else (inverses[x], transposed)


def only_multiplied(draft: Draft, x: Var) -> bool:
    """Return whether matrices of real numbers are read by products with other matrices only."""
    if x.spec.storage.kind != "f" or x in draft.wanted:
        return False
    for each in draft.readers(x):
        if turns(each):
            if not only_multiplied(draft, each.outputs[0]):
                return False
        elif type(each.op) is InversePull:
            if each.inputs[1] is x:
                return False
        elif type(each.op) is Affine:
            if each.inputs[0] is x or len(each.inputs[0].spec.shape) != 1:
                return False
        elif type(each.op) not in PRODUCTS or each.inputs[0] is each.inputs[1]:
            return False
    return True


class Unformed:
    """An inverse that is multiplied by solving: small ones of a stack each time anew, others by factors made once."""

    def __init__(self, draft: Draft, equation: Equation):
        self.draft = draft
        self.A, *factors = equation.inputs
        self.factors: tuple[Var, ...] | None = tuple(factors) or None
        self.stacked = len(self.A.spec.shape) > 2

    def times(self, B: Var, transposed: bool) -> Var:
        """Add the solution of A X = B, or Aᵀ X = B if `transposed`."""
        draft, like = self.draft, (B.spec.shape, B.spec.storage)
        # a product with infinities gives some where elimination gives NaN
        finite = draft.put(isfinite.op, (B,), (B.spec.shape, np.bool_), grad=False)
        draft.put(Premise(), (finite,), (B.spec.shape, np.bool_), grad=False)
        if self.stacked:
            return draft.put(Solve(), (draft.transposed(self.A) if transposed else self.A, B), like)
        return draft.put(SolveFactored("lu", transposed, False), (self.A, B, *self.factored()), like)

    def times_vector(self, b: Var, transposed: bool) -> Var:
        """Add the solution of A x = b, or Aᵀ x = b if `transposed`."""
        n, dtype = b.spec.shape[0], b.spec.storage
        x = self.times(self.draft.put(Unsqueeze((1,)), (b,), ((n, 1), dtype)), transposed)
        return self.draft.put(Squeeze((1,)), (x,), ((n,), dtype))

    def factored(self) -> tuple[Var, ...]:
        """Return LU and pivots; add what makes them, and the premise that A is regular, where they are needed first."""
        if self.factors is None:
            draft, (shape, dtype) = self.draft, (self.A.spec.shape, self.A.spec.storage)
            *lead, n, _ = shape
            like = ((shape, dtype), ((*lead, n), np.int32), (lead, np.int32))
            LU, pivots, info = draft.put(LUFactor(), (self.A,), *like, grad=False)
            regular = draft.put(eq.op, (info, draft.literal(0, np.int32)), (lead, np.bool_), grad=False)
            draft.put(Premise(), (regular,), (lead, np.bool_), grad=False)
            self.factors = (LU, pivots)
        return self.factors

    def pulled(self, G: Var) -> Var:
        """Add -A⁻ᵀ G A⁻ᵀ; of G = P Q with a short inner side, P and Q are solved with."""
        draft, n = self.draft, self.A.spec.shape[-1]
        maker: Any = draft.maker(G)
        like = (G.spec.shape, G.spec.storage)
        if maker is not None and type(maker.op) in PRODUCTS and maker.inputs[0].spec.shape[-1 - maker.op.left] < n:
            P, Q = maker.inputs
            P = draft.transposed(P) if maker.op.left else P
            right = Q if maker.op.right else draft.transposed(Q)
            return draft.put(MatMul(False, True), (self.negative(self.times(P, True)), self.times(right, False)), like)
        half = self.times(G, True)
        return self.negative(draft.transposed(self.times(draft.transposed(half), False)))

    def negative(self, x: Var) -> Var:
        """Add -x."""
        return self.draft.put(mul.op, (x, self.draft.literal(-1, x.spec.storage)), (x.spec.shape, x.spec.storage))
