"""Maxima of windows: the native routine and NumPy give the same numbers and places, of ties, infinities and NaN too."""

import numpy as np
import pytest

import lineal as torch
import lineal.nn.functional as F
from lineal.codegen import rowsums, windows

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
        for least, filled in ((1 << 62, 0), (0, 0), (0, 2)):
            monkeypatch.setattr(windows, "LEAST", least)
            monkeypatch.setattr(windows, "FILLED", filled)
            found.append(function(torch.tensor(x, dtype=getattr(torch, dtype)), return_indices=True, **way))
        for values, places in found[1:]:
            np.testing.assert_array_equal(values.double().numpy(), found[0][0].double().numpy())
            assert torch.equal(places, found[0][1]), (shape, way)


def test_windows_of_several_sizes(monkeypatch):
    x = RNG.integers(-3, 3, (3, 5, 13, 29)).astype(np.float32)
    x.flat[::7], x[0, 0] = np.nan, -np.inf
    for sizes in ((5, 7), (1, 1), (13, 29)):
        found = []
        for least in (0, 1 << 62):
            monkeypatch.setattr(windows, "LEAST", least)
            found.append(F.adaptive_max_pool2d(torch.tensor(x), sizes, return_indices=True))
        (y, places), (expected, where) = found
        np.testing.assert_array_equal(y.numpy(), expected.numpy())
        assert torch.equal(places, where), sizes


@pytest.mark.parametrize(("rows", "length", "count"), [((3, 5), 7, 200), ((300,), 9, 8), ((2,), 1 << 14, 2000), ((0,), 4, 9)])
def test_rows_are_added_up_where_indices_say(rows, length, count, monkeypatch):
    for dtype in (np.float32, np.float64):
        x, index = RNG.normal(size=(*rows, count)).astype(dtype), RNG.integers(0, length, (*rows, count))
        expected = np.zeros((*rows, length), dtype)
        for row in np.ndindex(rows):
            expected[row] = np.bincount(index[row], x[row].astype(np.float64), length)
        monkeypatch.setattr(rowsums, "LEAST", 0)
        np.testing.assert_array_equal(rowsums.rows_gathered(x, index, length), expected)
    assert rowsums.rows_gathered(x[..., :1], index[..., :1], 1 << 15) is None
