"""Layer normalisation of large tensors in one pass; small ones, and traces, see the ops it is made of."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.core import AbstractTensor, Op, apply, modes
from lineal.ops.blocks import is_large
from lineal.ops.reductions.front import along_axes, reduced, rows
from lineal.ops.reductions.standardising import centred, inverse_spread
from lineal.ops.reductions.sums import mean, sum

__all__: list[str] = []


class LayerNorm(Op):
    """y = x̂ w + b with x̂ = (x - mean) r, r = 1 / √(variance + ε), over the last `dims` axes; w and b are there if named.

    With h = ȳ w:  x̄ = r (h - mean h - x̂ mean (h x̂)),  w̄ = Σ ȳ x̂ and b̄ = Σ ȳ over the other axes.
    Ba, Kiros and Hinton (2016), arXiv:1607.06450.
    """

    dims: int
    eps: float
    terms: str
    grad_name = "NativeLayerNormBackward0"
    keeps = "0 1"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, x, *others):
        return by_rows(xp, FORWARD[self.terms], self, (x,), others, [x.shape])[0]

    def vjp(self, needs, g, y, x, *others):
        w = others[0] if self.terms.startswith("w") else None
        # one pass over rows, which nothing more is derived from; who listens hears of ops that can be
        if not modes.grad_enabled.get() and modes.recorder.get() is None:
            found = apply(LayerNormAdjoint(self), g, x, *(() if w is None else (w,)))
            by = dict(zip("xwb", found))
        else:
            by = self.adjoint(g, x, w)
        return (by["x"], *(by[term] for term in self.terms))

    def adjoint(self, g: Any, x: Any, w: Any) -> dict[str, Any]:
        """Return the cotangents of x, w and b in terms of ops."""
        axes = last_axes(x.value.ndim, self.dims)
        others = tuple(range(x.value.ndim - self.dims))
        rest = centred(x, axes)
        r = inverse_spread(rest, axes, self.eps)
        unit = rest * r
        h = g if w is None else g * w
        by_x = r * (h - mean(h, axes, True) - unit * mean(h * unit, axes, True))
        along = lambda z: sum(z, others) if others else z
        return {"x": by_x, "w": along(g * unit), "b": along(g)}


class LayerNormAdjoint(Op):
    """The cotangents of x, w and b of a layer normalisation, where nothing more is derived from them."""

    op: LayerNorm
    width = 3
    differentiable = False
    grad_name = "NativeLayerNormBackwardBackward0"
    no_vjp = "taken where nothing more is derived from it; ops otherwise"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, g, x, *w):
        x, g = xp.ascontiguousarray(x), xp.ascontiguousarray(g)
        inner = x.shape[x.ndim - self.op.dims :]
        sums = (math.prod(inner),)
        z, by_w, by_b = by_rows(xp, BACKWARD["w" if w else ""], self.op, (g, x), w, [x.shape, sums, sums])
        return z, by_w.reshape(inner), by_b.reshape(inner)

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


def by_rows(xp: Any, formula: Any, op: LayerNorm, arrays: tuple, others: tuple, shapes: list[tuple[int, ...]]) -> Any:
    """Return results of these shapes that a formula makes of arrays of one shape, and of what there is of w and b."""
    n = math.prod(arrays[0].shape[arrays[0].ndim - op.dims :])
    given = [*(each.reshape(-1, n) for each in arrays), *(each.reshape(-1) for each in others)]
    made = rows.rowwise(formula, n, given, shapes, n, op.eps) if is_large(arrays[0]) else None
    if made is not None:
        return made
    ys = formula(along_axes(xp, (1,)), *given, n, op.eps)
    whole = [y if len(shape) > 1 else reduced(xp.add, y, (0,), False) for y, shape in zip(ys, shapes)]
    return [y.astype(arrays[0].dtype).reshape(shape) for y, shape in zip(whole, shapes)]


def last_axes(ndim: int, dims: int) -> tuple[int, ...]:
    """Return the last `dims` of `ndim` axes."""
    return tuple(range(ndim - dims, ndim))


# formulas over rows: x and g, then what there is of w and b, then the length of a row and ε


def standardised(m: Any, x: Any, n: Any, eps: Any) -> tuple[Any, Any]:
    """Return x̂ and 1 / √(variance + ε)."""
    wide = x.astype(np.float64)
    centre = m.row_sum(wide) / n
    r = (1 / m.sqrt(m.row_sum(m.square(wide - centre)) / n + eps)).astype(x.dtype)
    # a mean in two parts of the row's own dtype, the second being what the first is rounded by
    high = centre.astype(x.dtype)
    low = m.row_sum(x - high) / n if x.dtype == np.float64 else (centre - high).astype(x.dtype)
    return ((x - high) - low) * r, r


FORWARD = {
    "": lambda m, x, n, eps: (standardised(m, x, n, eps)[0],),
    "w": lambda m, x, w, n, eps: (standardised(m, x, n, eps)[0] * w,),
    "b": lambda m, x, b, n, eps: (standardised(m, x, n, eps)[0] + b,),
    "wb": lambda m, x, w, b, n, eps: (standardised(m, x, n, eps)[0] * w + b,),
}


def adjoint(m: Any, g: Any, h: Any, x: Any, n: Any, eps: Any) -> tuple[Any, Any, Any]:
    """Return the cotangent of x, h being ȳ w, and a row's shares in those of w and b."""
    unit, r = standardised(m, x, n, eps)
    level, slope = m.row_sum(h) / n, m.row_sum(h * unit) / n
    return r * (h - level - unit * slope), g * unit, g


BACKWARD = {
    "": lambda m, g, x, n, eps: adjoint(m, g, g, x, n, eps),
    "w": lambda m, g, x, w, n, eps: adjoint(m, g, g * w, x, n, eps),
}


_layer_norm = functools.lru_cache(256)(LayerNorm)


def layer_norm(x: AbstractTensor, dims: int, w: AbstractTensor | None, b: AbstractTensor | None, eps: float) -> Any:
    """Return x normalised over its last `dims` dimensions, as one op."""
    given = {name: each for name, each in (("w", w), ("b", b)) if each is not None}
    return apply(_layer_norm(dims, float(eps), "".join(given)), x, *given.values())
