"""Ops that are linear in each of two inputs: the dot product, the matrix product, a matrix applied to rows."""

from __future__ import annotations

import functools
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from lineal.base import dtypes, later
from lineal.base.config import LARGE_AFFINE, LARGE_PRODUCT
from lineal.base.dtypes import NARROW_SIZES
from lineal.base.signatures import Tensor
from lineal.codegen.batched.arrays import matmul
from lineal.core import AbstractTensor, Node, Op, apply, modes
from lineal.core.door import binary_door, binary_pull
from lineal.core.precision import pairwise
from lineal.ops.broadcasting import sum_to_shape, summed_to
from lineal.ops.reductions.front import folded
from lineal.ops.structural.reshape import reshape

contracted: Any = later.module("lineal.codegen.contract.arrays")

Rule = Callable[[Any, Any], Any]


def by_letters(*shapes: Sequence[int]) -> str:
    """Return shapes as in `2x3 and 4x5`."""
    return " and ".join("x".join(map(str, shape)) or "no dimensions" for shape in shapes)


class Product(Op):
    """An op of two inputs of one dtype; the derivative by each reads the other."""

    keeps = ("1", "0")
    wide = True
    door: ClassVar[Callable[[Any, Any], Any]]

    def __init__(self, *given: Any):
        super().__init__(*given)
        rules = ((self.by_first, (1,)), (self.by_second, (0,)))
        self.__dict__["pull"] = binary_pull(rules)
        self.__dict__["door"] = binary_door(self, pairwise(self, np))

    @abstractmethod
    def by_first(self, g: Any, b: Any) -> Any:
        """Return the first input's cotangent."""

    @abstractmethod
    def by_second(self, g: Any, a: Any) -> Any:
        """Return the second input's cotangent."""

    def remember(self, node: Node, xs: tuple[Tensor, ...], value: Any) -> None:
        a, b = xs
        node.edges = (a.node, b.node)
        node.indices = (a.index, b.index)
        node.kept = (None if b.node is None else a, None if a.node is None else b)
        node.y = None

    def vjp(self, needs, g, y, a, b):
        return self.by_first(g, b) if needs[0] else None, self.by_second(g, a) if needs[1] else None

    def __call__(self, a: Tensor, b: Tensor) -> Any:
        """Apply the op to two tensors."""
        return self.door(a, b)


def multiplied(m: Any, a: Any, b: Any) -> Any:
    """Return a b."""
    return a * b


def is_native(a: np.ndarray, b: np.ndarray, least: int = LARGE_PRODUCT) -> bool:
    """Return whether products of these matrices may have native code: those of whole numbers, and large ones."""
    return a.dtype.kind in "iu" or a.shape[-2] * a.shape[-1] * b.shape[-1] >= least


def multiply(xp: Any, a: Any, b: Any, bias: Any = None) -> Any:
    """Return the product of two matrices, plus a row."""
    least = LARGE_PRODUCT if bias is None else LARGE_AFFINE
    if xp is np and is_native(a, b, least) and (y := contracted.multiplied(a, b, bias)) is not None:
        return y
    y = xp.matmul(a, b)
    if bias is not None:
        y += bias
    return y


class Dot(Product):
    """y = Σ a b of two vectors; ā = ȳ b*, b̄ = ȳ a*."""

    def eager(self, xp, a, b):
        if a.shape != b.shape:
            raise ValueError("sizes differ")
        y = folded(xp.add, a, (0,), a.dtype, multiplied, b)
        # some libraries do not add a single product to 0, as every sum does: -0 alone gives 0
        return xp.dot(a, b) + a.dtype.type(0) if y is None else y.reshape(())

    def by_first(self, g, b):
        return g * b.conj()

    def by_second(self, g, a):
        return g * a.conj()

    def check(self, a, b):
        raise RuntimeError(
            f"dot: inconsistent tensor size, expected as many elements in both, got {a.value.size} and {b.value.size}"
        )


class MatMul(Product):
    """Y = A B of two matrices, or of stacks of them with the same leading sizes; Ā = Ȳ Bᴴ, B̄ = Aᴴ Ȳ   (Giles 2008, §2.2.2).

    `left` and `right` say which factor enters transposed, so that no derivative makes a transpose of its own.
    """

    left: bool
    right: bool
    grad_name = "MmBackward0"
    any_dtype = True

    def eager(self, xp, a, b):
        a, b = a.mT if self.left else a, b.mT if self.right else b
        if a.ndim == 2:
            return multiply(xp, a, b)
        if xp is np and is_native(a, b) and (y := contracted.multiplied(a, b)) is not None:
            return y
        return matmul(a, b) if xp is np else xp.matmul(a, b)

    def narrow(self, xp, kernel, a, b):
        y = contracted.multiplied(a.mT if self.left else a, b.mT if self.right else b) if xp is np else None
        return super().narrow(xp, kernel, a, b) if y is None else y

    def by_first(self, g, b):
        b = b.conj()
        return product(b, g, self.right, True) if self.left else product(g, b, False, not self.right)

    def by_second(self, g, a):
        a = a.conj()
        return product(g, a, True, self.left) if self.right else product(a, g, not self.left, False)

    def check(self, a, b):
        a, b = a.value.shape, b.value.shape
        if len(a) != len(b) or a[-1 - self.left] != b[-2 + self.right] or a[:-2] != b[:-2]:
            raise mismatch("matmul", a, b)


class StackedMatMul(MatMul):
    """The matrix product of two stacks, under the name that PyTorch's `matmul` gives it."""

    grad_name = "UnsafeViewBackward0"
    any_dtype = False


class BatchMatMul(MatMul):
    """The matrix product of two stacks, under the name that `bmm` gives it."""

    grad_name = "BmmBackward0"
    any_dtype = False


class Affine(Product):
    """y = x W (`transposed`: x Wᵀ) for every row of x, whatever its leading sizes; x̄ = ȳ Wᴴ, W̄ = Σ x* ȳᵀ over the rows."""

    transposed: bool
    label: str
    any_dtype = True

    @property
    def grad_name(self) -> str:
        return self.label

    def eager(self, xp, x, w, bias=None):
        if self.transposed:
            w = w.T
        if x.ndim == 2:
            return multiply(xp, x, w, bias)
        if x.ndim > 2:
            rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
            return multiply(xp, rows, w, bias).reshape(*x.shape[:-1], w.shape[1])
        y = xp.matmul(x, w)
        if bias is not None:
            y += bias
        return y

    def narrow(self, xp, kernel, x, w, bias=None):
        if xp is np and x.ndim > 1:
            rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
            y = contracted.multiplied(rows, w.T if self.transposed else w, bias)
            if y is not None:
                return y.reshape(*x.shape[:-1], y.shape[-1])
        return super().narrow(xp, kernel, x, w, *(() if bias is None else (bias,)))

    def by_first(self, g, w):
        return affine(not self.transposed, "MmBackward0")(g, w.conj())

    def by_second(self, g, x):
        rows, g = by_rows(x.conj()), by_rows(g)
        return product(g, rows, True) if self.transposed else product(rows, g, True)

    def check(self, x, w, *bias):
        width, height = w.value.shape
        if x.value.shape[-1] != (height if self.transposed else width):
            name = "linear" if self.transposed else "matmul"
            raise mismatch(name, x.value.shape, (height, width) if self.transposed else (width, height))


class AffineWithBias(Affine):
    """y = x W + b, b added to every row; b̄ = Σ ȳ over the rows."""

    keeps = ("1", "0", "")

    def __init__(self, *given: Any):
        Op.__init__(self, *given)

    remember = Op.remember
    pull = Op.pull

    def run(self, xs):
        x, w, bias = xs
        value = x.value
        if value.ndim != 2 or value.itemsize in NARROW_SIZES or value.__class__ is not np.ndarray:
            return super().run(xs)
        return self.of_rows(value, w.value, bias.value)

    def of_rows(self, x: Any, w: Any, bias: Any) -> Any:
        """Return the value of NumPy's matrices."""
        return multiply(np, x, w.T if self.transposed else w, bias)

    def as_kernel(self):
        eager = self.eager
        usual = lambda xp, x: xp is np and x.ndim == 2 and x.itemsize not in NARROW_SIZES
        return lambda xp, x, w, bias: self.of_rows(x, w, bias) if usual(xp, x) else eager(xp, x, w, bias)

    def vjp(self, needs, g, y, x, w, bias):
        # one op, which nothing more is derived from; who listens hears of ops that can be
        if needs[1] and needs[2] and not modes.grad_enabled.get() and modes.recorder.get() is None and not is_narrow(g):
            found = apply(_adjoint(self.transposed), g, x, w) if needs[0] else apply(_adjoint(self.transposed), g, x)
            return found if needs[0] else (None, *found)
        return (
            self.by_first(g, w) if needs[0] else None,
            self.by_second(g, x) if needs[1] else None,
            sum_to_shape(g, bias.shape) if needs[2] else None,
        )

    def __call__(self, x: Tensor, w: Tensor, bias: Tensor) -> Any:
        return apply(self, x, w, bias)


class AffineAdjoint(Op):
    """The cotangents of x (if W is given), W and b of x W + b, or x Wᵀ + b, where nothing more is derived from them."""

    transposed: bool
    differentiable = False
    grad_name = "AddmmBackward0"
    no_vjp = "taken where nothing more is derived from it; ops otherwise"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, g, x, w=None):
        count = math.prod(x.shape[:-1])
        rows, ys = x.reshape(count, x.shape[-1]), g.reshape(count, g.shape[-1])
        if rows.dtype.kind == "c":
            rows, w = rows.conj(), None if w is None else w.conj()
        by_w = multiply(xp, ys.T, rows) if self.transposed else multiply(xp, rows.T, ys)
        by_b = summed_to(xp, ys, (ys.shape[1],))
        if w is None:
            return by_w, by_b
        return multiply(xp, ys, w if self.transposed else w.T).reshape(x.shape), by_w, by_b

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


def is_narrow(x: AbstractTensor) -> bool:
    """Return whether a tensor is of a half precision."""
    return x.value.itemsize in NARROW_SIZES


dot_product = Dot()
_adjoint = functools.lru_cache(2)(AffineAdjoint)
_PLAIN = {(left, right): MatMul(left, right).door for left in (False, True) for right in (False, True)}
_STACKED = {(left, right): StackedMatMul(left, right).door for left in (False, True) for right in (False, True)}
affine = functools.lru_cache(64)(Affine)
affine_with_bias = functools.lru_cache(64)(AffineWithBias)


stacked_product = BatchMatMul(False, False)


def product(a: Tensor, b: Tensor, left: bool = False, right: bool = False) -> Any:
    """Return the product of two (stacks of) matrices of one dtype and the same leading sizes, each transposed if so said."""
    return (_PLAIN if a.value.ndim == 2 else _STACKED)[left, right](a, b)


def by_rows(x: Tensor) -> Any:
    """Return `x` as a matrix of its rows."""
    shape = x.value.shape
    if len(shape) == 2:
        return x
    return reshape(x, math.prod(shape[:-1]), shape[-1])


def mismatch(name: str, a: Sequence[int], b: Sequence[int]) -> RuntimeError:
    """Return the error for factors whose sizes do not fit."""
    inner = f"{a[-1]} and {b[-2] if len(b) > 1 else b[-1]}"
    return RuntimeError(
        f"{name}: mat1 and mat2 shapes cannot be multiplied ({by_letters(a, b)}): expected the columns of the first "
        f"to be as many as the rows of the second, got {inner}"
    )


def require_same_dtype(name: str, *xs: Tensor) -> None:
    """Raise unless all tensors have one dtype; TypeError if one is no tensor."""
    for x in xs:
        if not isinstance(x, AbstractTensor):
            raise TypeError(f"{name}: expected a tensor, got {type(x).__name__}")
    first = xs[0].value.dtype
    if any(x.value.dtype != first for x in xs):
        given = " and ".join(str(dtypes.of(x.value.dtype)) for x in xs)
        raise RuntimeError(f"{name}: expected tensors to have the same dtype, got {given}")


def require_ndim(name: str, ndim: int, *xs: Tensor) -> None:
    """Raise unless every tensor has `ndim` dimensions."""
    if any(x.value.ndim != ndim for x in xs):
        given = " and ".join(str(tuple(x.value.shape)) for x in xs)
        raise RuntimeError(
            f"{name}: expected tensors of {ndim} dimension{'s' if ndim > 1 else ''} ({ndim}D), got shapes {given}"
        )
