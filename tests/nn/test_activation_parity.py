"""Activation functions against PyTorch: values, first and second derivatives, layers and what they print."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

POINTS = np.array([[-200.0, -30, -3, -1, -0.3, -0.0, 0.0, 0.2], [1, 2.9, 3, 6, 19, 21, 25, 200]])
CASES = {
    "relu6": {},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 0.7},
    "selu": {},
    "celu": {"alpha": 1.3},
    "hardtanh": {"min_val": -2, "max_val": 2.5},
    "hardsigmoid": {},
    "hardswish": {},
    "silu": {},
    "gelu": {},
    "mish": {},
    "softplus": {"beta": 2.0, "threshold": 10},
    "softsign": {},
    "logsigmoid": {},
    "tanhshrink": {},
    "softmin": {"dim": 1},
    "glu": {"dim": 0},
}
FIRST_ONLY = ("hardsigmoid",)
"""PyTorch has no second derivative of these."""
ROUNDED = ("celu", "hardsigmoid")
"""PyTorch computes these with constants rounded to float32."""
LAYERS = {
    "ReLU6": {},
    "LeakyReLU": {"negative_slope": 0.3},
    "ELU": {"alpha": 2.0},
    "SELU": {},
    "CELU": {"alpha": 0.5},
    "PReLU": {},
    "Hardtanh": {"max_val": 2.0},
    "Hardsigmoid": {},
    "Hardswish": {},
    "SiLU": {},
    "GELU": {"approximate": "tanh"},
    "Mish": {},
    "Softplus": {"beta": 3.0},
    "Softsign": {},
    "LogSigmoid": {},
    "Tanhshrink": {},
    "Softmin": {"dim": 0},
    "GLU": {},
}


def value_and_derivatives(library, name, dtype, options):
    """Return the value, the gradient of a weighted sum, and the gradient of that gradient's sum of squares."""
    x = library.tensor(POINTS, dtype=getattr(library, dtype), requires_grad=True)
    y = getattr(library.nn.functional, name)(x, **options)
    weights = library.arange(1.0, y.numel() + 1).reshape(y.shape).to(y.dtype)
    (first,) = library.autograd.grad((y * weights).sum(), x, create_graph=True)
    second = None
    if first.requires_grad and name not in FIRST_ONLY:
        (second,) = library.autograd.grad((first * first).sum(), x, allow_unused=True)
    second = library.zeros_like(x) if second is None else second
    return [each.detach().double().numpy() for each in (y, first, second)]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions(name, dtype):
    tolerance = 1e-4 if dtype == "float32" else 1e-6 if name in ROUNDED else 1e-9
    mine = value_and_derivatives(lineal, name, dtype, CASES[name])
    theirs = value_and_derivatives(torch, name, dtype, CASES[name])
    for found, expected in zip(mine, theirs):
        assert np.isfinite(found).all()
        # PyTorch's own second derivative of mish is nan for large float32 numbers.
        expected = np.where(np.isnan(expected), found, expected)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["leaky_relu", "elu", "silu", "gelu", "softplus", "hardswish", "logsigmoid"])
def test_half_precisions(name, dtype):
    mine, theirs = (
        getattr(library.nn.functional, name)(library.tensor(POINTS, dtype=getattr(library, dtype))).float().numpy()
        for library in (lineal, torch)
    )
    np.testing.assert_allclose(mine, theirs, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    layers = [getattr(library.nn, name)(**LAYERS[name]) for library in (lineal, torch)]
    assert repr(layers[0]) == repr(layers[1])
    if hasattr(layers[0], "inplace"):
        shown = [repr(getattr(library.nn, name)(inplace=True, **LAYERS[name])) for library in (lineal, torch)]
        assert shown[0] == shown[1]
    x = POINTS.astype(np.float32)
    mine, theirs = (layer(library.tensor(x)) for layer, library in zip(layers, (lineal, torch)))
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 4, 3)])
@pytest.mark.parametrize("count", [1, 4])
def test_prelu(shape, count):
    if len(shape) == 1 and count > 1:
        pytest.skip("one dimension has no channels in PyTorch either")
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    results = []
    for library in (lineal, torch):
        w = library.linspace(0.1, 0.4, count).requires_grad_()
        leaf = library.tensor(x, requires_grad=True)
        y = library.nn.functional.prelu(leaf, w)
        (y * y).sum().backward()
        results.append([each.detach().numpy() for each in (y, leaf.grad, w.grad)])
    for mine, theirs in zip(*results):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
