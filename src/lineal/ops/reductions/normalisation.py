"""Layer normalisation of large tensors in one pass; small ones, and traces, see the ops it is made of."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.core import AbstractTensor, Op, apply, modes
from lineal.ops.reductions.front import count, reduced, rows
from lineal.ops.reductions.standardising import centred, distances, inverse_spread, squares
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
        made = self.rowwise(layer_norm_row, others, {"y": x.shape}, x=x)
        if made is not None:
            return made[0]
        axes = last_axes(x.ndim, self.dims)
        rest = distances(xp, x, axes)
        y = (rest / self.spread(xp, rest, axes)).astype(x.dtype)
        for term, other in zip(self.terms, others):
            y = y * other if term == "w" else y + other
        return y

    def spread(self, xp: Any, rest: Any, axes: tuple[int, ...]) -> Any:
        """Return √(variance + ε) of what is left of x without its mean."""
        return xp.sqrt(squares(xp, rest.copy(), axes) / count(rest.shape, axes) + self.eps)

    def rowwise(self, formula: Any, others: tuple, results: dict, **arrays: np.ndarray) -> Any:
        """Return what a formula of rows makes of arrays of one shape, and of what there is of w and b."""
        given = {name: matrix(array, self.dims) for name, array in arrays.items()}
        given |= {term: other.reshape(-1) for term, other in zip(self.terms, others)}
        n = next(iter(given.values())).shape[1]
        return rows.rowwise(formula, n, given, results, eps=self.eps)

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
        kept = LayerNorm(self.op.dims, self.op.eps, "w" if w else "")
        sums = (math.prod(inner),)
        made = kept.rowwise(layer_norm_adjoint_row, w, {"z": x.shape, "by_w": sums, "by_b": sums}, x=x, g=g)
        z, by_w, by_b = self.plain(xp, matrix(g, self.op.dims), matrix(x, self.op.dims), *w) if made is None else made
        return z.reshape(x.shape), by_w.reshape(inner), by_b.reshape(inner)

    def plain(self, xp: Any, g: Any, x: Any, *w: Any) -> tuple:
        """Return the cotangents of x, w and b by NumPy."""
        rest = distances(xp, x, (1,))
        r = 1 / self.op.spread(xp, rest, (1,))
        h, unit = (g * w[0].reshape(-1) if w else g), rest * r
        by_x = r * (h - h.mean(1, keepdims=True) - unit * (h * unit).mean(1, keepdims=True))
        return by_x.astype(x.dtype), (g * unit).sum(0).astype(x.dtype), reduced(xp.add, g, (0,), False)

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


def matrix(x: np.ndarray, dims: int) -> np.ndarray:
    """Return an array with its last `dims` axes as one, and the others as one."""
    return x.reshape(-1, math.prod(x.shape[x.ndim - dims :]))


def last_axes(ndim: int, dims: int) -> tuple[int, ...]:
    """Return the last `dims` of `ndim` axes."""
    return tuple(range(ndim - dims, ndim))


def spread_of(row: Any) -> tuple[Any, Any]:
    """Return the term for the distances from the mean of a row, and 1 / √(variance + ε)."""
    n = row.e.cast(row.n, row.wide)
    centre = row.exact_sum(lambda m, x: x) / n
    variance = row.exact_sum(lambda m, x: m.square(x - centre)) / n
    r = 1 / row.math.sqrt(variance + row["eps"])
    # a mean in two parts of the row's own kind, the second being what the first is rounded by
    high = row.e.cast(centre, row.kind)
    low = row.exact_sum(lambda m, x: x - high) / n if row.kind is row.wide else row.e.cast(centre - high, row.kind)
    return (lambda x: (x - high) - low), row.e.cast(r, row.kind)


def layer_norm_row(row: Any) -> None:
    """Write a row of a layer normalisation."""
    rest, r = spread_of(row)
    terms = {
        "": lambda m, x: rest(x) * r,
        "w": lambda m, x, w: rest(x) * r * w,
        "b": lambda m, x, b: rest(x) * r + b,
        "wb": lambda m, x, w, b: rest(x) * r * w + b,
    }
    row.put("y", terms["".join(name for name in "wb" if name in row.places)])


def layer_norm_adjoint_row(row: Any) -> None:
    """Write a row of the cotangent of x, and add its share to those of the weight and the bias."""
    rest, r = spread_of(row)
    if "w" in row.places:
        row.sum(lambda m, g, w: g * w, "z")
    else:
        row.put("z", lambda m, g: g)
    level = row.sum(lambda m, z: z) / row.count
    slope = row.sum(lambda m, z, x: z * (rest(x) * r)) / row.count
    row.put("z", lambda m, z, x: r * (z - level - rest(x) * r * slope))
    row.add("by_w", lambda m, g, x: g * (rest(x) * r))
    row.add("by_b", lambda m, g: g)


_layer_norm = functools.lru_cache(256)(LayerNorm)


def layer_norm(x: AbstractTensor, dims: int, w: AbstractTensor | None, b: AbstractTensor | None, eps: float) -> Any:
    """Return x normalised over its last `dims` dimensions, as one op."""
    given = {name: each for name, each in (("w", w), ("b", b)) if each is not None}
    return apply(_layer_norm(dims, float(eps), "".join(given)), x, *given.values())
