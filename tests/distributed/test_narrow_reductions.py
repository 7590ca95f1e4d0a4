"""Half precisions of several ranks: code and NumPy reduce them to the same bits."""

from __future__ import annotations

import numpy as np
import pytest

import lineal
from lineal.base import dtypes
from lineal.distributed import reducing

SIZE = 20011


@pytest.mark.parametrize("dtype", [lineal.bfloat16, lineal.float16])
@pytest.mark.parametrize("op", reducing.SCALARS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_large_ones_are_reduced_by_code_to_the_same_bits(op, dtype, count, monkeypatch):
    draws = [np.random.default_rng(rank).standard_normal(SIZE) * 3 for rank in range(count)]
    parts = [lineal.tensor(each).to(dtype).value for each in draws]
    parts[0][3], parts[-1][4], parts[0][5] = np.nan, np.inf, -np.inf
    code, plain = (np.empty(SIZE, dtypes.of(parts[0].dtype).numpy) for _ in range(2))
    reducing.Reduction(op, 0.5)([each.copy() for each in parts], code)
    monkeypatch.setattr(reducing, "LARGE_NARROW", SIZE + 1)
    with np.errstate(all="ignore"):
        reducing.Reduction(op, 0.5)(parts, plain)
    np.testing.assert_array_equal(code.view(np.uint16), plain.view(np.uint16))
