"""What an op costs: how many operations on numbers it takes, from its inputs' and outputs' shapes.

A product and a sum count one each, so that a product of matrices takes 2 m n k; a function of a number, a comparison count one;
a reduction one for each number that it reads. What only moves numbers, or looks at them otherwise, takes none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lineal.core import Op

__all__ = ["flops", "products"]

Shape = Sequence[int]
Rule = Callable[[Op, Sequence[Shape], Sequence[Shape]], float]

MOVING = ("structural", "indexing", "creation", "conversion", "layout", "broadcasting", "premise", "random", "sorting")
"""The folders and files of ops that move numbers, make or compare them."""
SEVERAL_PASSES = 5
"""How many operations a softmax, or what is like it, takes for each number."""
NORMALISING = 8
"""How many a normalisation takes: mean, difference, square, sum, scale and shift."""


def matmul(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
    """Return what Y = A B takes."""
    k = xs[0][-2 if getattr(op, "left", False) else -1]
    return 2 * math.prod(ys[0]) * k


def affine(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
    """Return what Y = X Wᵀ, and a bias, take."""
    return math.prod(ys[0]) * (2 * xs[0][-1] + (len(xs) > 2))


def convolution(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
    """Return what a convolution of an image with a kernel, and a bias, take."""
    return math.prod(ys[0]) * (2 * math.prod(xs[1][1:]) + (len(xs) > 2))


def by_image(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
    """Return what the adjoint by the image takes: as much as the convolution, whose result is its first input."""
    return 2 * math.prod(xs[0]) * math.prod(xs[1][1:])


def by_kernel(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
    """Return what the adjoint by the kernel takes: as much as the convolution, whose result is its first input."""
    return 2 * math.prod(xs[0]) * math.prod(ys[0][1:])


def attention(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
    """Return what two products, and the softmax between them, take."""
    scores = math.prod(xs[0][:-1]) * xs[1][-2]
    return scores * (2 * xs[0][-1] + 2 * xs[2][-1] + SEVERAL_PASSES)


def attention_adjoint(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
    """Return what five products, and the softmax again, take."""
    return 2.5 * attention(op, xs, ys)


def cubic(factor: float) -> Rule:
    """Return the rule of an op on matrices that takes `factor` n³, and 2 n² for each column of a right-hand side."""

    def rule(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> float:
        *stack, m, n = xs[0]
        columns = xs[1][-1] if len(xs) > 1 and len(xs[1]) > 1 else len(xs) > 1
        return math.prod(stack) * (factor * m * n * min(m, n) + 2 * m * n * columns)

    return rule


def for_each(factor: int) -> Rule:
    """Return the rule of an op that takes so many operations for each number it reads."""
    return lambda op, xs, ys: factor * math.prod(xs[0])


RULES: dict[str, Rule] = {
    "Dot": lambda op, xs, ys: 2 * math.prod(xs[0]),
    "MatMul": matmul,
    "StackedMatMul": matmul,
    "BatchMatMul": matmul,
    "Affine": affine,
    "AffineWithBias": affine,
    "Convolution": convolution,
    "ConvolutionByImage": by_image,
    "ConvolutionByKernel": by_kernel,
    "Attention": attention,
    "AttentionAdjoint": attention_adjoint,
    "Cholesky": cubic(1 / 3),
    "Solve": cubic(2 / 3),
    "SolveProbed": cubic(2 / 3),
    "Inverse": cubic(2),
    "Determinant": cubic(2 / 3),
    "SignLogDet": cubic(2 / 3),
    **dict.fromkeys(("Softmax", "SafeSoftmax", "LogSoftmax", "LogSumExp"), for_each(SEVERAL_PASSES)),
    **dict.fromkeys(("LayerNorm", "GroupNorm", "BatchNorm"), for_each(NORMALISING)),
}
"""The ops that are not of one operation for each number, by the names of their classes."""


def flops(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> int:
    """Return how many operations `op` takes that makes outputs of the shapes `ys` of inputs of the shapes `xs`."""
    kind = type(op)
    rule = RULES.get(kind.__name__)
    if rule is not None:
        return round(rule(op, xs, ys))
    if op.aliasing is not None or not xs or moves(kind.__module__):
        return 0
    return max(math.prod(each) for each in (*xs, *ys))


PRODUCTS: dict[str, Rule] = {
    **dict.fromkeys(("MatMul", "StackedMatMul", "BatchMatMul"), matmul),
    **dict.fromkeys(("Affine", "AffineWithBias"), lambda op, xs, ys: affine(op, xs[:2], ys)),
    "Convolution": lambda op, xs, ys: convolution(op, xs[:2], ys),
    "ConvolutionByImage": by_image,
    "ConvolutionByKernel": by_kernel,
    "Attention": lambda op, xs, ys: 2 * math.prod(xs[0][:-1]) * xs[1][-2] * (xs[0][-1] + xs[2][-1]),
}
"""The ops that PyTorch counts, without biases and what is done number by number."""


def products(op: Op, xs: Sequence[Shape], ys: Sequence[Shape]) -> int:
    """Return how many operations an op takes if it is a product, a convolution or attention; 0 of any other."""
    rule = PRODUCTS.get(type(op).__name__)
    return 0 if rule is None else round(rule(op, xs, ys))


def moves(module: str) -> bool:
    """Return whether the ops of a module move numbers, and compute nothing."""
    parts = module.split(".")
    return parts[1] == "core" or (parts[1] == "ops" and parts[2] in MOVING)
