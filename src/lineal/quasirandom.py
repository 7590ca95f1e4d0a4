"""Points that fill the unit cube more evenly than random ones, as in `torch.quasirandom`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import config, later
from lineal.base.signatures import DType, Tensor
from lineal.ops import randint
from lineal.tensors import from_numpy

__all__ = ["SobolEngine"]

_qmc: Any = later.module("scipy.stats.qmc")


class SobolEngine:
    """The Sobol sequence in `dimension` dimensions (directions of Joe and Kuo 2008), by SciPy; the first point is the origin.

    With `scramble` its digits are scrambled at random, by a `seed` or by the default generator: other numbers than PyTorch's.
    ValueError for a dimension that is not from 1 to MAXDIM.
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None):
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}], got {dimension}")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        self.num_generated = 0
        chosen = int(randint(0, 2**31, ()).item()) if scramble and seed is None else seed
        self.points = _qmc.Sobol(dimension, scramble=scramble, bits=self.MAXBIT, rng=np.random.default_rng(chosen))

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """Return the next n points, a matrix with a row for each, in the default dtype unless another is wanted."""
        found = from_numpy(self.points.random(n)).to(config.get_default_dtype() if dtype is None else dtype)
        self.num_generated += n
        return found if out is None else out.resize_(found.shape).copy_(found)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """Return the next 2ᵐ points; ValueError unless all that were drawn, with these, are a power of 2."""
        n, total = 2**m, self.num_generated + 2**m
        if total & (total - 1):
            raise ValueError(
                f"draw_base2: the balance of the sequence needs a power of 2 of points, {self.num_generated} were drawn and "
                f"{n} are wanted; use draw()"
            )
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Begin again with the first point."""
        self.points.reset()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave out the next n points."""
        self.points.fast_forward(n)
        self.num_generated += n
        return self

    def __repr__(self) -> str:
        scrambled = [f"scramble={self.scramble}"] if self.scramble else []
        seeded = [f"seed={self.seed}"] if self.seed is not None else []
        return f"SobolEngine({', '.join([f'dimension={self.dimension}', *scrambled, *seeded])})"
