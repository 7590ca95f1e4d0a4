"""Kernels that turn random bits into numbers of a distribution. None has a derivative."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from lineal.base import later
from lineal.base.config import LARGE_FORMULA
from lineal.base.dtypes import NARROW, dtype, float64
from lineal.base.limits import finfo
from lineal.base.platforms import lent, meeting, moved
from lineal.base.spec import Shape
from lineal.core import Op
from lineal.ops.promotion import require_computed
from lineal.ops.random.generator import bits, drawn_from, filled, integers, source
from lineal.ops.sorting.selection import leading

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
expressions: Any = later.module("lineal.compiler.single.expressions")


def waves(m: Any, u: Any, v: Any) -> tuple[Any, Any]:
    """Return the two numbers of Box and Muller's transform."""
    radius, angle = m.sqrt(-2 * m.log(1 - u)), v * (2 * math.pi)
    return radius * m.cos(angle), radius * m.sin(angle)


def cosine(m: Any, u: Any, v: Any) -> Any:
    """Return the first of them."""
    return waves(m, u, v)[0]


def sine(m: Any, u: Any, v: Any) -> Any:
    """Return the second one."""
    return waves(m, u, v)[1]


def combined(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the transform of arrays; of long ones by native loops."""
    if u.size < LARGE_FORMULA:
        return waves(np, u, v)
    found = [expressions.mapped(wave, (u, v), u.dtype) for wave in (cosine, sine)]
    return waves(np, u, v) if found[0] is None else tuple(found)


class Sample(Op):
    """Numbers of a shape and dtype made from the generator's state, the first input."""

    shape: Shape
    target: dtype
    differentiable: ClassVar[bool] = False
    no_vjp = "random numbers: constants"
    host_only = "NumPy's Philox; the state is the host's"

    def placed(self, xs):
        state, *others = xs
        platform, values = meeting(self.key, [x.value for x in others])
        return moved(self.eager(np, state.value, *[lent(each) for each in values]), platform)

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)

    def words(self, state: np.ndarray, count: int) -> np.ndarray:
        """Return the random words that `count` numbers in [0, 1) are made of."""
        if self.target.to_real() is float64:
            return bits(state, count)
        return bits(state, (count + 1) // 2).view(np.uint32)[:count]

    def unit(self, state: np.ndarray, count: int) -> np.ndarray:
        """Return `count` numbers in [0, 1), of 53 bits for float64 and of 24 bits for the narrower dtypes."""
        y = filled(state, _DOUBLE if self.target.to_real() is float64 else _SINGLE, count)
        if y is not None:
            return y
        words = self.words(state, count)
        if words.dtype == np.uint64:
            return (words >> np.uint64(11)) * 2.0**-53
        return ((words >> np.uint32(8)) * 2.0**-24).astype(_SINGLE)

    def uniform(self, state: np.ndarray, count: int) -> np.ndarray:
        """Return the same numbers in float64, in which what is made of them is computed."""
        return self.unit(state, count).astype(_DOUBLE, copy=False)

    def below(self, state: np.ndarray, count: int, p: float) -> np.ndarray:
        """Return whether `count` numbers in [0, 1) are less than p, as their words tell: they need not be made."""
        words = self.words(state, count)
        digits, rest = (53, 11) if words.dtype == np.uint64 else (24, 8)
        first = math.ceil(p * 2.0**digits)
        return np.ones(count, np.bool_) if first >> digits else words < words.dtype.type(first << rest)

    def normal(self, state: np.ndarray, count: int) -> np.ndarray:
        """Return `count` standard normal numbers by Box and Muller's transform: √(-2 ln u) (cos 2πv, sin 2πv)."""
        half = (count + 1) // 2
        u = self.uniform(state, 2 * half)
        return np.concatenate(combined(u[:half], u[half:]))[:count]

    @property
    def count(self) -> int:
        """The number of elements to make."""
        return math.prod(self.shape)

    def finish(self, numbers: np.ndarray) -> np.ndarray:
        """Return the numbers in the op's shape and dtype."""
        require_computed(type(self).__name__, self.target)
        return numbers.astype(self.target.numpy, copy=False).reshape(self.shape)


class Uniform(Sample):
    """Uniform on [low, high)."""

    low: float
    high: float

    def eager(self, xp, state):
        if (self.low, self.high) == (0, 1):
            y = self.finish(self.unit(state, self.count))
        else:
            y = self.finish(self.uniform(state, self.count) * (self.high - self.low) + self.low)
        # rounding to a narrow dtype may reach the excluded end
        return xp.minimum(y, xp.nextafter(y.dtype.type(self.high), y.dtype.type(self.low))) if y.dtype in NARROW else y


class Normal(Sample):
    """Normal with mean 0 and variance 1; a complex number has variance ½ in each part."""

    def eager(self, xp, state):
        if not self.target.is_complex:
            return self.finish(self.normal(state, self.count))
        parts = self.normal(state, 2 * self.count) * math.sqrt(0.5)
        return self.finish(parts[: self.count] + 1j * parts[self.count :])


class Integers(Sample):
    """Integers uniform on low … high - 1."""

    low: int
    high: int

    def eager(self, xp, state):
        span = self.high - self.low
        if span < 1 << 63 and (made := integers(state, self.count, self.low, span)) is not None:
            return self.finish(made)
        drawn = bits(state, self.count)
        if span < 1 << 64:
            drawn = drawn % np.uint64(span)
        return self.finish((drawn + np.uint64(self.low & ((1 << 64) - 1))).view(np.int64))


LONGEST = 22
"""Up to how many bits a place has, the other bits of a word are enough to sort by."""


class Permutation(Sample):
    """The integers 0 … n-1 in random order."""

    no_lowering = "host step: sorting"

    def eager(self, xp, state):
        drawn, wide = bits(state, self.count), self.count.bit_length()
        if wide > LONGEST:
            return self.finish(np.argsort(drawn, kind="stable"))
        # numbers sort faster than places: these stand in the last bits
        low = np.uint64((1 << wide) - 1)
        return self.finish((np.sort((drawn & ~low) | np.arange(self.count, dtype=np.uint64)) & low).view(np.int64))


class Bernoulli(Sample):
    """1 with the probability given by the second input, else 0."""

    def eager(self, xp, state, p):
        if not p.ndim:
            return self.finish(self.below(state, self.count, float(p)))
        return self.finish(self.uniform(state, self.count).reshape(self.shape) < p)


class Poisson(Sample):
    """Poisson numbers with the rates given by the second input."""

    no_lowering = "host step: draws that are made until one fits, or searched in a table"

    def eager(self, xp, state, rate):
        return self.finish(drawn_from(state, lambda generator: generator.poisson(rate.astype(np.float64))))


class Binomial(Sample):
    """Binomial numbers of trials (second input) and probability (third input)."""

    no_lowering = "host step: draws that are made until one fits, or searched in a table"

    def eager(self, xp, state, count, p):
        trials, chances = count.astype(np.int64), p.astype(np.float64)
        return self.finish(drawn_from(state, lambda generator: generator.binomial(trials, chances)))


def gamma_logarithms(state: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Return the logarithms of gamma numbers in float64, finite where the numbers are too small for it.

    Of γ numbers of concentration a + 1 and u uniform, γ u^(1/a) has concentration a (Marsaglia and Tsang 2000, section 6).
    """
    generator = np.random.Generator(source(state))
    a = concentration.astype(np.float64)
    good = a > 0
    safe = np.where(good, a, 1)
    logs = np.log(generator.standard_gamma(safe + 1)) + np.log1p(-generator.random(a.shape)) / safe
    return np.where(good, logs, np.where(a == 0, -np.inf, np.nan))


class GammaDraw(Sample):
    """Gamma numbers of rate 1 of the concentrations given by the second input, at least the least normal number."""

    no_lowering = "host step: draws that are made until one fits, or searched in a table"

    def eager(self, xp, state, concentration):
        return self.finish(np.maximum(np.exp(gamma_logarithms(state, concentration)), finfo(self.target).tiny))


class DirichletDraw(Sample):
    """Gamma numbers divided by the sum of their row; none is 0 or 1, so that logarithms are finite."""

    no_lowering = "host step: draws that are made until one fits, or searched in a table"

    def eager(self, xp, state, concentration):
        logs = gamma_logarithms(state, concentration)
        weights = np.exp(logs - logs.max(-1, keepdims=True, initial=-np.inf))
        numbers = weights / weights.sum(-1, keepdims=True)
        return self.finish(np.clip(numbers, finfo(self.target).tiny, 1 - finfo(self.target).eps / 2))


class VonMisesDraw(Sample):
    """Angles of the von Mises distributions about the second input, of the concentrations in the third."""

    no_lowering = "host step: draws that are made until one fits, or searched in a table"

    def eager(self, xp, state, loc, concentration):
        generator = np.random.Generator(source(state))
        return self.finish(generator.vonmises(loc.astype(np.float64), concentration.astype(np.float64)))


class Exponential(Sample):
    """Exponential with the given rate: -ln(1-u)/rate."""

    rate: float

    def eager(self, xp, state):
        return self.finish(-np.log1p(-self.uniform(state, self.count)) / self.rate)


class Cauchy(Sample):
    """Cauchy: median + sigma tan(π(u - ½))."""

    median: float
    sigma: float

    def eager(self, xp, state):
        return self.finish(
            self.median + self.sigma * np.tan(np.pi * (self.uniform(state, self.count).astype(np.float64) - 0.5))
        )


class Geometric(Sample):
    """The number of trials to the first success of probability p: ⌈ln(1-u)/ln(1-p)⌉, at least 1."""

    p: float
    no_lowering = "host step: a quotient of logarithms is rounded up, and its last bit may decide"

    def eager(self, xp, state):
        u = self.uniform(state, self.count).astype(np.float64)
        return self.finish(np.maximum(np.ceil(np.log1p(-u) / math.log1p(-self.p)), 1))


class Multinomial(Sample):
    """Indices drawn with the (unnormalised) probabilities of the second input's last dimension.

    With replacement by inverting the cumulative sum; without by taking the smallest -ln(u)/p (Efraimidis and Spirakis 2006).
    """

    replacement: bool
    no_lowering = "host step: draws that are made until one fits, or searched in a table"

    def eager(self, xp, state, p):
        rows = p.reshape(-1, p.shape[-1]).astype(np.float64)
        number = self.shape[-1]
        wide = Uniform(self.shape, float64, 0, 1)
        if self.replacement:
            u = wide.uniform(state, self.count).reshape(len(rows), number)
            sums = np.cumsum(rows, axis=1)
            drawn = [np.searchsorted(total, each * total[-1], side="right") for total, each in zip(sums, u)]
            return self.finish(np.array(drawn, np.int64))
        u = wide.uniform(state, rows.size).reshape(rows.shape)
        keys = np.where(rows > 0, -np.log1p(-u) / np.where(rows > 0, rows, 1), np.inf)
        drawn = leading(keys, 1, number, False)
        return self.finish(np.argsort(keys, axis=1, kind="stable")[:, :number] if drawn is None else drawn)
