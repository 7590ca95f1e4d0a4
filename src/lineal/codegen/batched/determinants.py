"""Determinants by elimination, and what bounds the condition."""

from __future__ import annotations

from lineal.codegen.batched.grids import Grid
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.lu import Elimination, build
from lineal.codegen.batched.norms import frobenius_norm
from lineal.codegen.batched.triangular import substitute
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value


def determinant(kind: Kind, n: int) -> Kernel:
    """Return the kernel det(A, d)."""

    def write(group: Group, A: Grid) -> None:
        steps = Elimination(group.code, A)
        steps.run()
        group.store_one(1, product_of_pivots(steps))

    return build(kind, n, (Operand(1, kind),), write)


def determinant_bounded(kind: Kind, n: int) -> Kernel:
    """Return the kernel det(A, d, least) with |det A| / (2n (|A|_F / √n)ⁿ), which is at most 1 / (|A|₁ |A⁻¹|₁).

    Guggenheimer, Edelman and Johnson (1995), College Math. J. 26, eq. 2.
    """

    def write(group: Group, A: Grid) -> None:
        code = group.code
        inverse = code.const(n**0.5) / frobenius_norm(code, A)
        steps = Elimination(code, A)
        steps.run()
        least = code.variable(1 / (2 * n))
        for i in code.each(0, n, [least]):
            # factor by factor, which stays in range where the powers do not
            least.value = least.value * (abs(A[i, i]) * inverse)
        group.store_one(1, product_of_pivots(steps))
        group.store_one(2, least.value)

    return build(kind, n, (Operand(1, kind), Operand(1, kind)), write)


def determinant_probed(kind: Kind, n: int, probes: int) -> Kernel:
    """Return the kernel det(A, V, d, norm, size): |A| and |W| in the Frobenius norm, A W = V for one V of so many `probes`.

    The size is infinite where a pivot is zero.
    """

    def write(group: Group, A: Grid) -> None:
        code = group.code
        W = group.load(1, code.grid(n, probes))
        group.store_one(3, frobenius_norm(code, A))
        steps = Elimination(code, A, W)
        steps.run()
        group.store_one(2, product_of_pivots(steps))
        substitute(code, A.backwards, W.upside_down, steps.inverse.upside_down)
        size = frobenius_norm(code, W)
        group.store_one(4, code.e.select(steps.info.value == 0, size, code.const(float("inf"))))

    one = Operand(1, kind)
    return build(kind, n, (Operand(n * probes, kind, shared=True), one, one, one), write, n * n * probes)


def product_of_pivots(steps: Elimination) -> Value:
    """Return the determinant."""
    product = steps.sign
    for i in steps.code.each(0, steps.A.rows, [product]):
        product.value = product.value * steps.A[i, i]
    return product.value


def sign_and_logarithm(kind: Kind, n: int) -> Kernel:
    """Return the kernel slogdet(A, sign, logarithm)."""

    def write(group: Group, A: Grid) -> None:
        code, m = group.code, group.code.e.math
        steps = Elimination(code, A)
        steps.run()
        sign, total = steps.sign, code.variable(0.0)
        for i in code.each(0, n, [sign, total]):
            x = A[i, i]
            sign.value = sign.value * m.sign(x)
            total.value = total.value + m.log(abs(x))
        # of a matrix with NaN the sign is 0, as PyTorch has it
        group.store_one(1, code.e.select(total.value == total.value, sign.value, code.const(0.0)))
        group.store_one(2, total.value)

    return build(kind, n, (Operand(1, kind), Operand(1, kind)), write)
