"""Random numbers: every slice has its own, of one draw where one draw can make them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import apply, lift, write
from lineal.ops.random.gammas import SampleDirichlet
from lineal.ops.random.generator import Advance
from lineal.ops.random.sampling import (
    Bernoulli,
    Binomial,
    Cauchy,
    DirichletDraw,
    Exponential,
    GammaDraw,
    Geometric,
    Integers,
    Multinomial,
    Normal,
    Permutation,
    Poisson,
    Uniform,
    VonMisesDraw,
)
from lineal.ops.structural.stacking import stack
from lineal.transforms.batching.moving import aligned, on_stacks, ranked, shifted
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(SampleDirichlet)(on_stacks)


@batches(
    Uniform,
    Normal,
    Integers,
    Bernoulli,
    Poisson,
    Binomial,
    Exponential,
    Cauchy,
    Geometric,
    Multinomial,
    GammaDraw,
    DirichletDraw,
    VonMisesDraw,
)
def draw(op: Any, size: int, marks: tuple[bool, ...], state: Any, *xs: Any) -> Any:
    """One draw with numbers of its own for every slice."""
    xs = tuple([ranked(aligned(size, mark, x), True, len(op.shape)) for mark, x in zip(marks[1:], xs)])
    y = apply(shifted(op, size), state, *xs)
    write(state, apply(Advance(), state), "vmap")
    return y


@batches(Permutation)
def permutation(op: Any, size: int, marks: tuple[bool, ...], state: Any) -> Any:
    """One draw for every slice."""
    slices = []
    for _ in range(size):
        slices.append(apply(op, state))
        write(state, apply(Advance(), state), "vmap")
    return stack(slices) if size else lift(np.zeros((0, *op.shape), op.target.numpy))
