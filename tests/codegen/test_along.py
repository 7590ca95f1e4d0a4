"""Reads and writes along one axis, and copies into another order of axes, as NumPy does them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lineal.codegen import gathers, transposes

SHAPES = [((50, 6), 0), ((9, 40), 1), ((5, 7, 70), 1), ((300,), 0)]


def case(rng: np.random.Generator, shape: tuple[int, ...], dim: int, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an array, an index that names some places often, and a source."""
    wanted = (*shape[:dim], 2 * shape[dim] + 3, *shape[dim + 1 :])
    x, source = ((rng.standard_normal(each) * 20).astype(dtype) for each in (shape, wanted))
    return x, rng.integers(0, shape[dim], wanted), source


def spread(index: np.ndarray, dim: int) -> np.ndarray:
    """Return an index whose places are the same along all other axes, which it repeats."""
    first = tuple(slice(None) if axis == dim else slice(0, 1) for axis in range(index.ndim))
    return np.broadcast_to(index[first], index.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8"])
@pytest.mark.parametrize("shape, dim", SHAPES)
def test_actions_along_an_axis_are_numpys(shape, dim, dtype):
    rng = np.random.default_rng(5)
    x, index, source = case(rng, shape, dim, dtype)
    for places in (index, spread(index, dim)):
        np.testing.assert_array_equal(gathers.taken(x, dim, places), np.take_along_axis(x, places, dim))
        y, wanted = x.copy(), x.copy()
        assert gathers.put(y, dim, places, source)
        np.put_along_axis(wanted, places, source, dim)
        np.testing.assert_array_equal(y, wanted)
        y, wide = x.copy(), np.zeros(x.shape, np.float64 if x.dtype.kind == "f" else dtype)
        assert gathers.added(y, dim, places, source)
        grid = list(np.ogrid[tuple(map(slice, places.shape))])
        grid[dim] = places
        np.add.at(wide, tuple(grid), source.astype(wide.dtype))
        np.testing.assert_array_equal(y, (x + wide).astype(dtype))


@pytest.mark.parametrize("wrong", [-1, 40])
def test_places_out_of_range_are_refused_and_not_read(wrong):
    x, index = np.zeros((9, 40), np.float32), np.zeros((9, 40), np.int64)
    index[3, 4] = wrong
    with pytest.raises(IndexError, match="dimension 1 with size 40"):
        gathers.taken(x, 1, index)


@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "complex64"])
def test_copies_into_every_order_of_axes_are_exact(dtype):
    x = (np.arange(3 * 37 * 19 * 33) % 97).reshape(3, 37, 19, 33).astype(dtype)
    turned = 0
    for order in itertools.permutations(range(4)):
        source = x.transpose(order)
        y = np.zeros(source.shape, dtype)
        if transposes.copied(y, source):
            turned += 1
            np.testing.assert_array_equal(y, source)
    # the other half ends with one axis on both sides, or with the short one
    assert turned == 12
