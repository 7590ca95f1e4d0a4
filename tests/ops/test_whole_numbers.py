"""Whole numbers: many are computed as few are, wrapping around at the ends."""

from __future__ import annotations

import numpy as np
import pytest

import lineal as torch

OPS = [
    torch.add, torch.sub, torch.mul, torch.maximum, torch.minimum, torch.bitwise_xor, torch.lt, torch.eq,
    lambda a, b: a.clamp(-3, 50), lambda a, b: torch.where(a > b, a, b), lambda a, b: abs(a) - b, lambda a, b: 7 - a,
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64"])
def test_ops_of_many_whole_numbers_are_those_of_few(dtype):
    rng, ends = np.random.default_rng(8), np.iinfo(dtype)
    a, b = (torch.tensor(rng.integers(ends.min, ends.max, 5000, dtype, True)) for _ in range(2))
    for place, op in enumerate(OPS):
        few = torch.cat([op(x, y) for x, y in zip(a.split(100), b.split(100))])
        assert torch.equal(op(a, b), few), place
