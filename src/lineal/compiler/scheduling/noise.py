"""How well numbers are determined: they are computed several times, with noise of a few units in the last place at every step.

How far apart the results are says how far code may be away from them (Monte Carlo arithmetic: Parker 1997). Where a comparison
is a tie, that is anything that one of them says. What is no loop over elements, a routine of a library or the turns of a loop,
is computed op by op by the eager kernels, with noise in what each is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen import kinds
from lineal.compiler.nodes.turns import Rolled, ran
from lineal.core import lift
from lineal.ops.pattern import Elementwise
from lineal.tracing import Equation

__all__ = ["Expected", "Kernels", "Noise", "Unknown", "by_kernel", "noises", "settled"]

RUNS, ULPS, FACTOR = 4, 4.0, 8.0
"""How often something is computed with noise, of how many units in the last place, and how much further code may be away."""

MOST_OPS = 20_000
"""How many ops are run at most before nobody knows what comes: with noise, a loop may not end."""


class Unknown(Exception):  # noqa: N818
    """What something gives cannot be said: it takes too long, or eager code refuses these numbers."""


class Expected(NamedTuple):
    """What numbers are to be, and how far each may be away from that; NaN where it may be anything."""

    value: np.ndarray
    slack: np.ndarray

    def wrong(self, found: np.ndarray) -> np.ndarray:
        """Return where numbers are none that were expected."""
        with np.errstate(all="ignore"):
            value, number = (each.astype(np.float64) for each in (self.value, found))
            same = (value == number) | (np.isnan(value) & np.isnan(number))
            return ~(same | np.isnan(self.slack) | (np.abs(number - value) <= self.slack))


class Noise:
    """What the noise of a run comes from. Half precisions are rounded up in some runs, and down in others."""

    def __init__(self, run: int):
        self.rng, self.side = np.random.default_rng(run), 1 if run % 2 else -1

    def away(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return by how many units in the last place numbers are to be away from what they are."""
        return self.rng.uniform(-ULPS, ULPS, shape)


def noises() -> Iterator[Noise | None]:
    """Yield what the noise of each run comes from; the first has none."""
    for run in range(RUNS + 1):
        yield Noise(run) if run else None


def settled(values: Sequence[np.ndarray]) -> Expected:
    """Return what is expected, from what the runs have given."""
    value, *others = values
    kind = kinds.BY_NAME.get(value.dtype.name)
    # of half precisions, what was computed in float32 may be rounded to the next number
    near = (kind.eps / FACTOR if kind.is_narrow else kind.eps) if kind is not None else 0.0
    with np.errstate(all="ignore"):
        center = value.astype(np.float64)
        apart = [np.where(each == value, 0.0, np.abs(each.astype(np.float64) - center)) for each in others]
        both = [np.isnan(each.astype(np.float64)) & np.isnan(center) for each in others]
        spread = np.max([np.where(same, 0.0, each) for same, each in zip(both, apart)], axis=0)
        finite = np.where(np.isfinite(center), np.abs(center), 0.0)
        slack = FACTOR * (spread + near * finite)
        return Expected(value, np.where(np.isfinite(spread), slack, np.nan))


class Kernels:
    """Runs ops by their eager kernels, on what is some units in the last place away if there is noise."""

    def __init__(self, noise: Noise | None):
        self.noise, self.left = noise, MOST_OPS

    def __call__(self, equation: Equation, *xs: Any) -> Any:
        """Return what an equation gives; raise Unknown if nobody knows."""
        op, self.left = equation.op, self.left - 1
        if self.left < 0:
            raise Unknown("too many turns")
        if op.aliasing is None:
            xs = tuple([lift(self.shaken(x.value, isinstance(op, Elementwise))) for x in xs])
        try:
            if not isinstance(op, Rolled):
                return ran(equation, *xs)
            made = [lift(y) for y in op.through(self, [x.value for x in xs])]
        except (RuntimeError, IndexError, np.linalg.LinAlgError) as error:
            raise Unknown(str(error)) from error
        return tuple(made) if len(made) > 1 else made[0]

    def shaken(self, x: np.ndarray, each: bool) -> np.ndarray:
        """Return an array away from x: by units in the last place of `each` element, or of its matrix' largest one.

        Routines for matrices, sums and products are only as good as that.
        """
        if self.noise is None or x.dtype.kind != "f" or not x.size:
            return x
        size = np.abs(np.where(np.isfinite(x), x, 0))
        size = size if each else size.max(axis=tuple(range(max(x.ndim - 2, 0), x.ndim)), keepdims=True)
        return np.asarray(x + size * self.noise.away(x.shape) * np.finfo(x.dtype).eps).astype(x.dtype)


def by_kernel(equation: Equation, xs: Sequence[np.ndarray]) -> list[Expected]:
    """Return what an equation is to give for each of its outputs by its op's eager kernel; nothing if nobody knows."""
    runs = []
    try:
        with np.errstate(all="ignore"):
            for noise in noises():
                made = Kernels(noise)(equation, *map(lift, xs))
                runs.append([y.value for y in (made if isinstance(made, tuple) else (made,))])
    except Unknown:
        return []
    return [settled(values) for values in zip(*runs)]
