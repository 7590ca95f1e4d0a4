"""Maxima of windows: the native routine and NumPy give the same numbers and places, of ties, infinities and NaN too."""

import numpy as np
import pytest

import lineal as torch
import lineal.nn.functional as F
from lineal.codegen import windows

RNG = np.random.default_rng(0)
POOLS = [
    ((3, 4, 28, 28), {"kernel_size": 2}),
    ((2, 3, 17, 41), {"kernel_size": (3, 2), "stride": (1, 3), "dilation": (2, 1), "padding": (1, 0), "ceil_mode": True}),
    ((2, 3, 40), {"kernel_size": 5, "stride": 1, "padding": 2}),
    ((2, 2, 6, 7, 9), {"kernel_size": 2, "stride": 1, "padding": 1}),
    ((2, 2, 40, 40), {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_maxima_and_their_places(dtype, monkeypatch):
    for shape, way in POOLS:
        x = RNG.integers(-3, 3, shape).astype("float64")
        x.flat[::7], x.flat[5::31], x[0, 0] = -np.inf, np.nan, -np.inf
        function, found = {3: F.max_pool1d, 4: F.max_pool2d, 5: F.max_pool3d}[x.ndim], []
        for least in (0, 1 << 62):
            monkeypatch.setattr(windows, "LEAST", least)
            found.append(function(torch.tensor(x, dtype=getattr(torch, dtype)), return_indices=True, **way))
        np.testing.assert_array_equal(*[y.double().numpy() for y, _ in found])
        assert torch.equal(found[0][1], found[1][1]), (shape, way)
