"""Strides of results beside PyTorch's, for each layout of the input."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

FUNCTIONS = {
    "conv2d": lambda t, x: t.nn.functional.conv2d(x, t.ones(4, x.shape[1], 2, 2)),
    "conv_transpose2d": lambda t, x: t.nn.functional.conv_transpose2d(x, t.ones(x.shape[1], 4, 2, 2), stride=2),
    "max_pool2d": lambda t, x: t.nn.functional.max_pool2d(x, 2),
    "avg_pool2d": lambda t, x: t.nn.functional.avg_pool2d(x, 2),
    "adaptive_avg_pool2d": lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 1),
    "interpolate": lambda t, x: t.nn.functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "pad": lambda t, x: t.nn.functional.pad(x, (1, 1)),
    "reflect": lambda t, x: t.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect"),
    "group_norm": lambda t, x: t.nn.functional.group_norm(x, 1),
    "batch_norm": lambda t, x: t.nn.functional.batch_norm(x, None, None, training=True),
    "cat": lambda t, x: t.cat([x, x], 1),
    "relu": lambda t, x: t.relu(x),
    "mixed": lambda t, x: x + x.contiguous(),
    "clone": lambda t, x: x.clone(),
    "flip": lambda t, x: x.flip(1),
    "sum": lambda t, x: x.sum(1, keepdim=True),
    "softmax": lambda t, x: x.softmax(1),
    "zeros_like": lambda t, x: t.zeros_like(x),
}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (3, 2, 1, 0), (1, 2, 3, 0)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_strides_are_pytorchs(name, order):
    array = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32).transpose(order)
    back = np.argsort(order).tolist()
    found, wanted = (
        FUNCTIONS[name](t, t.from_numpy(np.ascontiguousarray(array)).permute(back)).stride() for t in (lineal, torch)
    )
    assert found == wanted
