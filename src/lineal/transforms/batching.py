"""Batch rules: how an op on one example is done to a batch whose dimension stands first.

A rule gets the op, the batch size, for each input whether it has the batch dimension, and the inputs; it returns the batch of
outputs, or NotImplemented where it does not know (then the op is looped over the slices). Most ops need no rule of their own:
they are themselves with every axis moved up by one, which the names of their attributes tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.core import Op, Overwrite, Renumber, ViewScatter, apply, lift, write
from lineal.core.inplace import Copy
from lineal.ops import broadcasting, conversion, creation
from lineal.ops.contraction import distances, products, vectors
from lineal.ops.elementwise import exponential, parts
from lineal.ops.indexing import advanced, basic, gathering, masks, scatter_reduction
from lineal.ops.linalg import (
    cholesky,
    cholesky_derivative,
    cofactors,
    determinants,
    eig,
    eigh,
    expectations,
    functions,
    least_squares,
    lu,
    qr,
    solving,
    svd,
    systems,
    triangular,
)
from lineal.ops.pattern import Elementwise
from lineal.ops.premise import Expectation, Premise
from lineal.ops.random import sampling
from lineal.ops.random.generator import Advance
from lineal.ops.reductions import (
    cumulative,
    exponentials,
    extremes,
    moments,
    norms,
    picking,
    recurrences,
    standardising,
    sums,
    truth,
)
from lineal.ops.reductions import products as product_reductions
from lineal.ops.sorting import middle, order
from lineal.ops.structural import (
    axes,
    diagonals,
    embedding,
    flipping,
    joining,
    padding,
    reshape,
    slicing,
    stacking,
    triangles,
    windows,
)
from lineal.tensors.autograd_methods import Detach
from lineal.transforms.variables import Alias

__all__ = ["aligned", "rule_of", "shifted"]

Rule = Callable[..., Any]
RULES: dict[type[Op], Rule] = {}

POINTWISE = (
    Alias,
    Detach,
    conversion.Cast,
    Copy,
    parts.Real,
    parts.Imag,
    parts.ViewAsReal,
    parts.ViewAsComplex,
    Premise,
    Expectation,
)
"""Ops of one input that do not look at its axes."""

STACKS = (
    *(cholesky.Cholesky, determinants.Determinant, determinants.SignLogDet, eig.Eig, eigh.Eigh, lu.LUFactor, qr.QR, svd.SVD),
    *(
        systems.Inverse,
        systems.InverseEx,
        solving.ReciprocalCondition,
        systems.Solve,
        systems.SolveEx,
        systems.SolveFactored,
        systems.SolveProbed,
        expectations.WellConditioned,
        expectations.WellFactored,
        triangular.SolveTriangular,
    ),
    *(systems.InversePull, systems.SolvePull, determinants.DeterminantBounded, determinants.DeterminantProbed),
    *(cofactors.Cofactors, cholesky_derivative.CholeskyPull, qr.QRPull),
    *(
        triangles.Tril,
        triangles.Triu,
        functions.Exponential,
        least_squares.PseudoInverse,
        least_squares.Scale,
        distances.PairDistance,
    ),
    *(products.MatMul, products.StackedMatMul, products.BatchMatMul),
)
"""Ops on matrices that take stacks of them."""

SHIFTED = (
    *(standardising.Centred, standardising.InverseSpread),
    *(sums.Sum, sums.Mean, moments.Std, moments.Var, extremes.Extreme, extremes.ExtremeAt),
    *(extremes.ArgExtreme, truth.Truth, exponentials.LogSumExp, exponentials.Softmax, exponentials.SoftmaxBackward),
    *(exponentials.LogSoftmax, exponentials.LogSoftmaxBackward, exponentials.LogCumSumExp, cumulative.CumSum),
    *(cumulative.CumExtreme, recurrences.CumProd, recurrences.Recurrence, recurrences.Shift, picking.Pick, picking.Place),
    *(
        axes.Squeeze,
        axes.Transpose,
        diagonals.Diagonal,
        embedding.Embed,
        flipping.Flip,
        flipping.Roll,
        joining.Cat,
        joining.Split,
    ),
    *(stacking.Stack, stacking.Unbind, slicing.Select, slicing.Slice, gathering.Gather, gathering.GatherSum, gathering.Scatter),
    *(gathering.ScatterAdd, scatter_reduction.ScatterExtreme, scatter_reduction.ScatterProduct, vectors.Cross),
    *(norms.VectorNorm, order.Sort, order.ArgSort, order.TopK, order.KthValue, middle.Median, middle.Mode, windows.Unfold),
    *(padding.ConstantPad,),
)
"""Ops that on a batch are themselves with every axis moved up by one."""

DRAWS = (
    *(sampling.Uniform, sampling.Normal, sampling.Integers, sampling.Bernoulli, sampling.Poisson, sampling.Binomial),
    *(sampling.Exponential, sampling.Cauchy, sampling.Geometric, sampling.Multinomial),
)
"""Ops that draw random numbers of a shape."""

ANY_RANK = (stacking.Stack, embedding.Embed, basic.Embed, basic.Slice)
"""Ops that have no axis of their input among their attributes, so that examples of no dimensions need no care."""


def rule(*classes: type[Op]) -> Callable[[Rule], Rule]:
    """Enter a rule for some classes of ops."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(classes, function))
        return function

    return enter


def rule_of(op: Op) -> Rule | None:
    """Return the rule of an op, or None."""
    return RULES.get(type(op)) or (elementwise_rule if isinstance(op, Elementwise) else None)


def shifted(op: Op, size: int) -> Op:
    """Return `op` with every axis among its attributes moved up by one and the batch put before every shape."""
    return type(op)(*[moved(kind, getattr(op, each), size) for each, kind in zip(op.fields, op.kinds)])


MOVES: dict[str, Callable[[Any, int], Any]] = {
    "Axis": lambda axis, size: axis + 1,
    "Axes": lambda axes, size: tuple([each + 1 for each in axes]),
    "Order": lambda order, size: (0, *[each + 1 for each in order]),
    "Shape": lambda shape, size: (size, *shape),
    "Widths": lambda widths, size: ((0, 0), *widths),
    "Items": lambda items, size: ((0, size, 1), *items),
    "ViewOp": lambda view, size: shifted(view, size),
}
"""What becomes of an attribute on a batch, by the type that its annotation names."""


def moved(kind: str, value: Any, size: int) -> Any:
    """Return one attribute of an op for a batch; None, where it may be that, stays."""
    move = MOVES.get(kind.removesuffix(" | None"))
    return value if move is None or value is None else move(value, size)


def spans_all(op: Op) -> bool:
    """Return whether an axis that the op might have had is None: it works on all axes at once, the batch's too."""
    return any(kind == "Axis | None" and getattr(op, each) is None for each, kind in zip(op.fields, op.kinds))


def aligned(size: int, mark: bool, x: Any) -> Any:
    """Return `x` with the batch dimension, repeated along it if it had none."""
    return x if mark else x.expand((size, *x.value.shape))


def ranked(x: Any, mark: bool, ndim: int) -> Any:
    """Return `x` with as many axes of size 1 after the batch's as make its slices have `ndim` dimensions."""
    shape = x.value.shape
    missing = ndim - len(shape) + 1
    return x.reshape((shape[0], *(1,) * missing, *shape[1:])) if mark and missing > 0 else x


@rule(*POINTWISE)
def pointwise_rule(op: Op, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return apply(op, x)


@rule(creation.Full, creation.Empty)
def made_rule(op: Op, size: int, marks: tuple[bool, ...]) -> Any:
    return apply(shifted(op, size))


@rule(*DRAWS)
def draw_rule(op: Any, size: int, marks: tuple[bool, ...], state: Any, *xs: Any) -> Any:
    """One draw with numbers of its own for every slice."""
    xs = tuple([ranked(aligned(size, mark, x), True, len(op.shape)) for mark, x in zip(marks[1:], xs)])
    y = apply(shifted(op, size), state, *xs)
    write(state, apply(Advance(), state), "vmap")
    return y


@rule(sampling.Permutation)
def permutation_rule(op: Any, size: int, marks: tuple[bool, ...], state: Any) -> Any:
    slices = []
    for _ in range(size):
        slices.append(apply(op, state))
        write(state, apply(Advance(), state), "vmap")
    return stacking.stack(slices) if size else lift(np.zeros((0, *op.shape), op.target.numpy))


@rule(*STACKS)
def stack_rule(op: Op, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    return apply(op, *[aligned(size, mark, x) for mark, x in zip(marks, xs)])


@rule(svd.SingularValues)
def singular_values_rule(op: Op, size: int, marks: tuple[bool, ...], A: Any) -> Any:
    return svd.values_of(A)


@rule(eigh.HermitianEigenvalues)
def eigenvalues_rule(op: Any, size: int, marks: tuple[bool, ...], A: Any) -> Any:
    return eigh.values_of(A, op.uplo)


@rule(*SHIFTED, basic.Slice, basic.Embed)
def shifted_rule(op: Any, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    scalar = any(x.value.ndim == mark for mark, x in zip(marks, xs)) and not isinstance(op, ANY_RANK)
    if scalar or spans_all(op):
        return NotImplemented
    return apply(shifted(op, size), *[aligned(size, mark, x) for mark, x in zip(marks, xs)])


@rule(product_reductions.Prod)
def prod_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    """A product over all axes of a slice, of which the op knows only one or all of the batch."""
    if len(op.axes) < 2:
        return shifted_rule(op, size, marks, x)
    shape = x.value.shape
    y = apply(type(op)((1,), False, op.whole, op.storage), x.reshape((size, int(np.prod(shape[1:])))))
    return y.reshape((size, *(1,) * (len(shape) - 1))) if op.keepdim else y


def elementwise_rule(op: Op, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    ndim = max(x.value.ndim - mark for x, mark in zip(xs, marks))
    xs = tuple([ranked(x, mark, ndim) for x, mark in zip(xs, marks)])
    shape = np.broadcast_shapes(*[x.value.shape for x in xs])
    return apply(op, *[x if x.value.shape == shape or (not x.value.ndim and x.node is None) else x.expand(shape) for x in xs])


@rule(exponential.Frexp)
def frexp_rule(op: Op, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return apply(op, x)


@rule(axes.Permute, axes.Unsqueeze)
def axes_rule(op: Op, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return apply(shifted(op, size), x)


@rule(axes.MatrixTranspose)
def transpose_rule(op: Op, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return x.mT if x.value.ndim == 3 else apply(Detach(), x) if x.node is None else x.reshape(x.value.shape)


@rule(reshape.View)
def view_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return x.reshape((size, *op.shape))


@rule(broadcasting.Expand)
def expand_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return ranked(x, True, len(op.shape)).expand((size, *op.shape))


@rule(broadcasting.SumToShape)
def sum_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    lead = x.value.ndim - 1 - len(op.shape)
    return broadcasting.sum_to_shape(x, (size, *(1,) * lead, *op.shape)).reshape((size, *op.shape))


@rule(products.Dot)
def dot_rule(op: Op, size: int, marks: tuple[bool, ...], a: Any, b: Any) -> Any:
    a, b = aligned(size, marks[0], a), aligned(size, marks[1], b)
    return (a.unsqueeze(1) @ b.unsqueeze(2)).reshape((size,))


@rule(products.Affine, products.AffineWithBias)
def affine_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any, w: Any, *bias: Any) -> Any:
    if marks[0] and not any(marks[1:]) and x.value.ndim > 1:
        return apply(op, x, w, *bias)
    shape = x.value.shape[marks[0] :]
    rows = aligned(size, marks[0], x).reshape((size, -1 if 0 not in shape else int(np.prod(shape[:-1])), shape[-1]))
    w = aligned(size, marks[1], w)
    y = rows @ (w.mT if op.transposed else w)
    for each in bias:
        y = y + (each.unsqueeze(1) if marks[2] else each)
    return y.reshape((size, *shape[:-1], y.value.shape[-1]))


@rule(ViewScatter)
def scatter_rule(op: Any, size: int, marks: tuple[bool, ...], base: Any, source: Any) -> Any:
    if not all(type(each) in RULES and not isinstance(each, axes.MatrixTranspose) for each in op.path):
        return NotImplemented
    path = tuple([shifted(each, size) for each in op.path])
    return apply(ViewScatter(path), aligned(size, marks[0], base), aligned(size, marks[1], source))


@rule(Overwrite, Renumber)
def overwrite_rule(op: Any, size: int, marks: tuple[bool, ...], old: Any, source: Any) -> Any:
    return apply(op, aligned(size, marks[0], old), aligned(size, marks[1], source))


@rule(masks.MaskedFill)
def masked_fill_rule(op: Op, size: int, marks: tuple[bool, ...], x: Any, mask: Any, value: Any) -> Any:
    if marks[2]:
        return NotImplemented
    return apply(op, aligned(size, marks[0], x), aligned(size, marks[1], mask), value)


@rule(advanced.IndexPut)
def index_put_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any, value: Any, *indices: Any) -> Any:
    places = op.places
    if any(index.value.dtype.kind == "b" for index in indices) or places != tuple(range(len(places))):
        return NotImplemented
    indices = together(size, marks[2:], indices)
    spread = np.broadcast_shapes(*[index.value.shape for index in indices])[1:] + x.value.shape[marks[0] + len(places) :]
    value = ranked(aligned(size, marks[1], value), True, len(spread))
    everywhere = type(op)((0, *[each + 1 for each in places]), op.accumulate, op.label)
    return apply(everywhere, aligned(size, marks[0], x), value.expand((size, *spread)), counted(size, indices), *indices)


@rule(advanced.Index)
def index_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any, *indices: Any) -> Any:
    places = op.places
    first, count = places[0], len(places)
    if any(index.value.dtype.kind == "b" for index in indices) or places != tuple(range(first, first + count)):
        return NotImplemented
    if not any(marks[1:]):
        return apply(shifted(op, size), x, *indices)
    indices = together(size, marks[1:], indices)
    spread = indices[0].value.ndim if count == 1 else max(index.value.ndim for index in indices)
    if first:
        # the axes that are indexed go before the others, and those of the indices where they stood
        axis = first + marks[0]
        x = x.movedim(tuple(range(axis, axis + count)), tuple(range(marks[0], marks[0] + count)))
    if marks[0]:
        y = apply(type(op)(tuple(range(count + 1)), op.label), x, counted(size, indices), *indices)
    else:
        y = apply(type(op)(tuple(range(count)), op.label), x, *indices)
    if not first:
        return y
    return y.movedim(tuple(range(1, spread)), tuple(range(1 + first, spread + first)))


@rule(advanced.IndexSum)
def index_sum_rule(op: Any, size: int, marks: tuple[bool, ...], x: Any, *indices: Any) -> Any:
    places = op.places
    if any(index.value.dtype.kind == "b" for index in indices) or places != tuple(range(len(places))):
        return NotImplemented
    indices = together(size, marks[1:], indices)
    everywhere = type(op)((0, *[each + 1 for each in places]), (size, *op.shape))
    return apply(everywhere, aligned(size, marks[0], x), counted(size, indices), *indices)


def together(size: int, marks: tuple[bool, ...], indices: Any) -> tuple:
    """Return indices with the batch dimension first and one rank."""
    ndim = max(index.value.ndim - mark for index, mark in zip(indices, marks))
    return tuple([ranked(aligned(size, mark, index), True, ndim) for index, mark in zip(indices, marks)])


def counted(size: int, indices: tuple) -> Any:
    """Return the index of the batch itself, to go with `indices`."""
    return lift(np.arange(size).reshape(size, *(1,) * (indices[0].value.ndim - 1)))
