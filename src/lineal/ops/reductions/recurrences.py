"""Products along an axis and the linear recurrence their derivatives are made of.

With P the product of what comes before and Rᵢ = ȳᵢ + xᵢ₊₁ Rᵢ₊₁, the cumulative product has x̄ᵢ = Pᵢ Rᵢ: no division, so zeros
need no care, and since the recurrence is its own adjoint (run backwards), derivatives of every order are exact.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.config import LONG_SCAN
from lineal.base.layouts import dense
from lineal.base.platforms import array_module
from lineal.base.spec import Axis
from lineal.core import AbstractTensor, Op, apply, lift, modes, module_of
from lineal.core.door import Least
from lineal.core.precision import widened
from lineal.ops.blocks import double, is_large
from lineal.ops.premise import rely

scans: Any = later.module("lineal.codegen.scans")
pulls: Any = later.module("lineal.codegen.productpulls")


class Shift(Op):
    """yᵢ = xᵢ₋₁ along `axis` (xᵢ₊₁ if `back`), and zero at the end that has no neighbour; the adjoint shifts the other way."""

    axis: Axis
    back: bool

    def eager(self, xp, x):
        y = xp.zeros_like(x)
        source, target = xp.moveaxis(x, self.axis, 0), xp.moveaxis(y, self.axis, 0)
        if self.back:
            target[:-1] = source[1:]
        else:
            target[1:] = source[:-1]
        return y

    def vjp(self, needs, g, y, x):
        return (shift(g, self.axis, not self.back),)


class Recurrence(Op):
    """yᵢ = bᵢ + aᵢ yᵢ₋₁ along `axis` (yᵢ₊₁ if `back`);  b̄ᵢ = ȳᵢ + a*ᵢ₊₁ b̄ᵢ₊₁,  āᵢ = b̄ᵢ y*ᵢ₋₁."""

    axis: Axis
    back: bool
    keeps = "1 y"

    def eager(self, xp, b, a):
        # up to this length NumPy too goes step by step
        steps = b.size if b.shape[self.axis] <= SHORT else max(b.size, LONG_SCAN)
        alike = b.shape == a.shape and b.dtype == a.dtype and b.dtype.kind != "c" and steps
        y = natively("recurrence", (b, a), self.axis, self.back) if alike else None
        if y is not None:
            return y
        terms, factors = (xp.moveaxis(each.astype(double(each.dtype)), self.axis, 0) for each in (b, a))
        if self.back:
            terms, factors = terms[::-1], factors[::-1]
        y = xp.empty(terms.shape, terms.dtype)
        scan(terms, factors, y)
        return xp.moveaxis(y[::-1] if self.back else y, 0, self.axis).astype(b.dtype)

    def vjp(self, needs, g, y, b, a):
        b_bar = recurrence(g, shift(a.conj(), self.axis, not self.back), self.axis, not self.back)
        return b_bar, b_bar * shift(y, self.axis, self.back).conj() if needs[1] else None


_least = Least(LONG_SCAN)


@functools.cache
def scanner() -> Callable[..., Any]:
    """Return the function of native scans: to ask `later` for it takes as long as a short scan."""
    return scans.scanned


def natively(name: str, arrays: tuple[np.ndarray, ...], axis: int, back: bool = False, exclusive: bool = False) -> Any:
    """Return a scan by native code (`codegen/scans.py`); None where NumPy has to do it."""
    x = arrays[0]
    if x.__class__ is not np.ndarray or (x.size < _least.size and not _least.reached(x.size)):
        return None
    return scanner()(name, arrays, axis, back, exclusive)


def accumulated(ufunc: Any, x: np.ndarray, axis: int, back: bool = False, exclusive: bool = False) -> np.ndarray:
    """Return the results of a ufunc up to each element along an axis; floating numbers are kept in float64 on the way.

    They run from the end if `back`; if `exclusive`, each leaves the element itself out.
    """
    name, xp = ufunc.__name__, array_module(x)
    # logarithms and exponentials are others than NumPy's
    y = natively(name, (x,), axis, back, exclusive) if name != "logaddexp" or is_large(x) else None
    if y is not None:
        return y
    if back:
        return xp.ascontiguousarray(xp.flip(accumulated(ufunc, xp.flip(x, axis), axis, False, exclusive), axis))
    if exclusive:
        y = xp.full(x.shape, ufunc.identity, x.dtype)
        xp.moveaxis(y, axis, 0)[1:] = xp.moveaxis(accumulated(ufunc, x, axis), axis, 0)[:-1]
        return y
    if x.dtype.kind not in "fcV":
        return ufunc.accumulate(x, axis=axis, dtype=x.dtype)
    y = x.astype(double(x.dtype), order="C")
    ufunc.accumulate(y, axis=axis, out=y)
    if ufunc == xp.add:
        y += 0  # sums start at 0: that of -0 alone is 0
    return y.astype(x.dtype, copy=False)


SHORT = 32
"""Up to this length a step at a time is as fast as pairing steps."""


def scan(b: np.ndarray, a: np.ndarray, y: np.ndarray) -> None:
    """Let y[i] = b[i] + a[i] y[i-1], pairing steps so that a long axis takes few calls of NumPy."""
    n = len(b)
    if n <= SHORT or b[0].size > 4 * n:
        for i in range(n):
            y[i] = b[i] + a[i] * y[i - 1] if i else b[i]
        return
    half = n // 2
    pairs = array_module(y).empty((half, *y.shape[1:]), y.dtype)
    odd, even = slice(1, 2 * half, 2), slice(0, 2 * half, 2)
    scan(b[odd] + a[odd] * b[even], a[odd] * a[even], pairs)
    y[0] = b[0]
    y[odd] = pairs
    y[2::2] = b[2::2] + a[2::2] * y[1 : n - 1 : 2]


class CumProd(Op):
    """y = the products of x up to each element along `axis` (from it on, if `back`), itself left out if `exclusive`.

    x̄ = P* R with P the exclusive products and R the recurrence of ȳ with factors x*.
    """

    axis: Axis
    back: bool = False
    exclusive: bool = False
    layout = dense
    grad_name = "CumprodBackward0"
    keeps = "0"

    def eager(self, xp, x):
        if not x.ndim:
            return xp.ones((), x.dtype) if self.exclusive else x.copy()
        return accumulated(xp.multiply, x, self.axis, self.back, self.exclusive)

    def vjp(self, needs, g, y, x):
        if not x.value.ndim:
            return (g * 0 if self.exclusive else g,)
        found = self.quickly(g, x)
        if found is not None:
            return (found,)
        if moderate(x, self.axis):
            return (self.pulled(g, x),)
        # of factors of size 1/2 to 1, whose products with each other's powers of two taken out stay in the range
        own, total = apply(_powers(self), x)
        return (times(self.pulled(times(g, total), times(x, -own)), -own),)

    def quickly(self, g, x):
        """Return x̄ of a large tensor by divisions, where nobody differentiates it and no factor is 0; else None."""
        listened = modes.grad_enabled.get() or modes.recorder.get() is not None
        if listened or self.back or self.exclusive or x.value.size < LONG_SCAN or x.value.__class__ is not np.ndarray:
            return None
        y = pulls.pulled(x.value, g.value, self.axis)
        return None if y is None else lift(y)

    def pulled(self, g, x):
        """Return x̄."""
        before = apply(_cumprod(self.axis, self.back, True), x).conj()
        factors = x.conj()
        if self.exclusive:
            after = shift(recurrence(g, factors, self.axis, not self.back), self.axis, not self.back)
        else:
            after = recurrence(g, shift(factors, self.axis, not self.back), self.axis, not self.back)
        return before * after


class Powers(Op):
    """Powers of two, by their exponents, for x's elements and for their products along an axis, as `products` takes them."""

    products: CumProd
    grad_name = "FrexpBackward0"
    differentiable = False
    width = 2
    no_vjp = "powers of two: they change in steps"
    no_lowering = "host step: it saves products that leave the range, by exponents"

    def eager(self, xp, x):
        size = xp.abs(widened(x))
        most, along = np.finfo(size.dtype).maxexp - 16, xp.moveaxis(xp.frexp(size)[1].astype(np.int64), self.products.axis, 0)
        # what would leave the range stays at its end, and the factors have the rest
        total = xp.clip(xp.cumsum(along[::-1] if self.products.back else along, 0), -most, most)
        own = xp.diff(total, axis=0, prepend=0)
        total = total - own if self.products.exclusive else total
        found = (own[::-1], total[::-1]) if self.products.back else (own, total)
        return tuple(xp.moveaxis(each, 0, self.products.axis).copy() for each in found)

    def vjp(self, needs, g, y, x):
        return (None,)


def moderate(x: Any, axis: int) -> bool:
    """Return whether no product of some of the elements along `axis` leaves the range; a recorder hears that it is so."""
    array, xp = widened(x.value), module_of(x)
    most = 0.75 * np.finfo(array.dtype).maxexp
    safe = bool((xp.abs(xp.frexp(xp.abs(array))[1]).sum(axis) < most).all())
    if safe:
        sizes = x.detach().abs()
        rely(lambda: sizes.where(sizes != 0, 1).log2().abs().sum(axis) < most + x.value.shape[axis])
    return safe


def times(x: Any, exponents: Any) -> Any:
    """Return x · 2^exponents in two steps, of which none leaves the range if x and the result are in it; 0 remains 0."""
    real, most = dtypes.of(x.value.real.dtype), np.finfo(widened(x.value).dtype).maxexp - 2
    half = exponents // 2
    powers = [each.clamp(-most, most).to(real).exp2() for each in (half, exponents - half)]
    return x * powers[0] * powers[1]


_powers = functools.lru_cache(1024)(Powers)
_shift = functools.lru_cache(1024)(Shift)
_recurrence = functools.lru_cache(1024)(Recurrence)
_cumprod = functools.lru_cache(1024)(CumProd)


def shift(x: AbstractTensor, axis: int, back: bool) -> Any:
    """Return x moved by one along `axis`, towards the front if `back`, with a zero where nothing moves in."""
    return apply(_shift(axis, back), x)


def recurrence(b: AbstractTensor, a: AbstractTensor, axis: int, back: bool) -> Any:
    """Return y with yᵢ = bᵢ + aᵢ yᵢ₋₁ along `axis`, or yᵢ₊₁ if `back`."""
    return apply(_recurrence(axis, back), b, a)


def others(x: AbstractTensor, axis: int) -> Any:
    """Return for each element the product of all others along `axis`."""
    if moderate(x, axis):
        return apply(_cumprod(axis, False, True), x) * apply(_cumprod(axis, True, True), x)
    own, total = apply(_powers(_cumprod(axis)), x)
    factors = times(x, -own)
    rest = apply(_cumprod(axis, False, True), factors) * apply(_cumprod(axis, True, True), factors)
    return times(rest, total.select(axis, -1).unsqueeze(axis) - own)
