"""Pooling, padding, resampling, grids: the contract of ops, what PyTorch's numbers are by hand, refusals."""

import re

import numpy as np
import pytest

import lineal
from lineal import nn
from lineal.nn import functional as F
from lineal.testing import Sample, check_op

rng = np.random.default_rng(5)


def mixed(*shape):
    """Return numbers of which no two are so near that differences would exchange them."""
    count = int(np.prod(shape))
    return (rng.permutation(count).reshape(shape) - count / 2 + 0.25) / 4


CASES = {
    "max_pool1d": [Sample(mixed(1, 2, 6), 3, 2, 1, ceil_mode=True)],
    "max_pool2d": [Sample(mixed(1, 1, 4, 5), (2, 3), (2, 1), 1, (1, 2))],
    "avg_pool1d": [Sample(mixed(1, 1, 6), 3, 2, 1, True, False)],
    "avg_pool2d": [Sample(mixed(1, 1, 4, 3), 2, 1, 1, divisor_override=3)],
    "adaptive_avg_pool2d": [Sample(mixed(1, 1, 4, 5), (2, 3))],
    "adaptive_max_pool2d": [Sample(mixed(1, 1, 4, 5), (2, 3))],
    "lp_pool1d": [Sample(np.abs(mixed(1, 1, 4)) + 1, 3.0, 2)],
    "interpolate": [
        Sample(mixed(1, 1, 4), scale_factor=1.5),
        Sample(mixed(1, 1, 3, 4), (5, 3), mode="bilinear"),
        Sample(mixed(1, 1, 3, 4), (2, 6), mode="bicubic", align_corners=True),
        Sample(mixed(1, 1, 5, 4), (2, 3), mode="bilinear", antialias=True),
    ],
    "grid_sample": [
        Sample(mixed(1, 1, 3, 3), rng.uniform(-0.9, 0.9, (1, 1, 2, 2)), mode, padding, False)
        for mode, padding in (("bilinear", "zeros"), ("bicubic", "border"))
    ],
    "affine_grid": [Sample(mixed(1, 2, 3), (1, 1, 2, 2), align_corners=True)],
}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name in CASES for place in range(len(CASES[name]))])
def test_functions_keep_the_contract(name, place):
    check_op(getattr(F, name), CASES[name][place])


def test_the_first_of_equal_elements_is_taken_and_nan_is_the_largest():
    x = lineal.tensor([[[1.0, 1.0, float("nan"), 0.0, float("-inf"), float("-inf")]]])
    y, index = F.max_pool1d(x, 2, return_indices=True)
    assert index.tolist() == [[[0, 2, 4]]]
    assert y[0, 0, 0] == 1 and y[0, 0, 1].isnan() and y[0, 0, 2] == float("-inf")


def test_padding_is_no_element_of_a_maximum_and_not_multiplied_by_infinity():
    x = lineal.tensor([[[-1.0, -2.0, float("inf")]]])
    assert F.max_pool1d(x, 3, 1, 1).tolist() == [[[-1.0, float("inf"), float("inf")]]]
    assert F.avg_pool1d(x, 3, 1, 1).tolist() == [[[-1.0, float("inf"), float("inf")]]]


def test_unpooling_undoes_pooling():
    x = lineal.tensor(mixed(2, 3, 4, 6))
    y, index = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(y, index, 2)
    assert back.shape == x.shape
    assert F.max_pool2d(back.where(back != 0, x.min()), 2).equal(y)


def test_sums_are_rounded_once():
    x = lineal.full((1, 1, 64, 64), 1.001, dtype=lineal.float16)
    assert F.avg_pool2d(x, 64).dtype is lineal.float16
    assert float(F.avg_pool2d(x, 64)) == float(x[0, 0, 0, 0])


@pytest.mark.parametrize("layer", [nn.ReflectionPad2d(1), nn.ReplicationPad2d((1, 0, 2, 1)), nn.CircularPad2d(1)])
def test_padding_layers_are_pad(layer):
    x = lineal.tensor(mixed(2, 3, 4))
    assert layer(x).equal(F.pad(x, layer.padding, layer.mode))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: F.max_pool2d(x, 0), RuntimeError, "kernel size should be greater than zero"),
        (lambda x: F.max_pool2d(x, 2, padding=2), RuntimeError, "at most half"),
        (lambda x: F.max_pool2d(x, 2, padding=2, dilation=3), RuntimeError, "at most half of kernel size"),
        (lambda x: F.avg_pool2d(x, 9), RuntimeError, "Output size is too small"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), RuntimeError, "divisor must be not zero"),
        (lambda x: F.max_pool1d(x, 2), RuntimeError, "max_pool1d: Expected 2D or 3D"),
        (lambda x: F.interpolate(x), ValueError, "either size or scale_factor"),
        (lambda x: F.interpolate(x, 2, mode="linear"), NotImplementedError, "Got 4D input, but linear mode needs 3D input"),
        (lambda x: F.max_unpool2d(x, x, 2), RuntimeError, "should be type int64"),
        (lambda x: F.pixel_shuffle(x, 2), RuntimeError, "divisible by the square of upscale_factor"),
        (lambda x: F.grid_sample(x, x, align_corners=False), RuntimeError, "expected grid of batch size 1"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call(lineal.ones(1, 3, 4, 4))


@pytest.mark.parametrize(
    "reads, size",
    [
        (lambda x: F.interpolate(x, size=2, mode="nearest"), 5),
        (lambda x: F.interpolate(x, size=2, mode="linear"), 5),
        (lambda x: F.interpolate(x, size=3, mode="nearest"), 8),
        (lambda x: F.interpolate(x, size=3, mode="linear"), 8),
        (lambda x: F.avg_pool1d(x, 2, stride=5), 12),
        (lambda x: F.interpolate(x.unflatten(-1, (4, 5)), size=(3, 2), mode="bilinear").flatten(-2), 20),
    ],
)
def test_gradients_where_the_inputs_that_are_read_are_unevenly_apart(reads, size):
    matrix = reads(lineal.eye(size, dtype=lineal.float64)[None])[0]
    x = lineal.ones(1, size, size, dtype=lineal.float64, requires_grad=True)
    y = reads(x)
    g = lineal.tensor(rng.standard_normal(y.shape))
    (found,) = lineal.autograd.grad(y, x, g)
    np.testing.assert_allclose(found[0].numpy(), g[0].numpy() @ matrix.numpy().T, atol=1e-12)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_places_are_counted_in_double_precision_for_double_precision(mode):
    x = lineal.arange(70_001.0, dtype=lineal.float64)
    y = F.interpolate(x.reshape(1, 1, -1), 70_000, mode=mode)[0, 0]
    middle = (lineal.arange(70_000.0, dtype=lineal.float64) + (mode != "nearest") / 2) * (70_001 / 70_000)
    # places are rounded to float32 before they are cut off, as in PyTorch
    assert lineal.equal(y, middle.float().floor().double().clamp(max=70_000))
