"""Which dtypes the functions of networks take together, and which they give."""

import pytest

import lineal
from lineal.nn import functional as F

FRACTIONAL = ("elu", "selu", "celu", "leaky_relu", "softplus", "softshrink", "hardshrink", "mish", "glu", "gelu", "silu")


@pytest.mark.parametrize("name", FRACTIONAL)
@pytest.mark.parametrize("dtype", [lineal.int32, lineal.bool], ids=str)
def test_whole_numbers_are_refused_though_there_are_fractions_beside(name, dtype):
    with pytest.raises(NotImplementedError, match="not implemented"):
        getattr(F, name)(lineal.ones(4, dtype=dtype))


def test_whole_numbers_stay_whole_between_bounds():
    x = lineal.tensor([-3, 0, 9])
    assert F.hardtanh(x, -1.5, 2.5).tolist() == [-1, 0, 2]
    assert F.relu6(x).dtype is lineal.int64
    with pytest.raises(RuntimeError, match="unsigned"):
        F.hardtanh(x.to(lineal.uint8))


def test_squares_of_whole_numbers_are_no_loss():
    with pytest.raises(NotImplementedError, match="mse_loss"):
        F.mse_loss(lineal.ones(3, dtype=lineal.int64), lineal.ones(3, dtype=lineal.int64), reduction="none")


x, w, classes = lineal.rand(2, 3), lineal.ones(3, dtype=lineal.float64), lineal.tensor([0, 2])
MIXED = {
    "layer_norm": lambda: F.layer_norm(x, (3,), w),
    "batch_norm": lambda: F.batch_norm(x, w, w),
    "group_norm": lambda: F.group_norm(x, 1, w),
    "nll_loss": lambda: F.nll_loss(x, classes, w),
    "cross_entropy": lambda: F.cross_entropy(x, classes, w),
    "multi_margin_loss": lambda: F.multi_margin_loss(x, classes, weight=w),
    "binary_cross_entropy": lambda: F.binary_cross_entropy(x, x.double()),
    "prelu": lambda: F.prelu(x, w),
}


@pytest.mark.parametrize("name", MIXED)
def test_parameters_have_the_dtype_of_the_input(name):
    with pytest.raises(RuntimeError, match=rf"{name}: .*float32.*float64"):
        MIXED[name]()


def test_half_precision_may_have_float32_parameters():
    ones = lineal.ones(3)
    for y in (F.layer_norm(x.bfloat16(), (3,), ones), F.batch_norm(x.half(), ones, ones), F.rms_norm(x.double(), (3,), ones)):
        assert y.shape == x.shape
        assert y.dtype is not lineal.float32


def test_losses_have_the_dtype_of_what_pytorch_writes_them_into():
    wide = x.double()
    assert F.binary_cross_entropy_with_logits(wide, x).dtype is lineal.float32
    assert F.soft_margin_loss(x, wide).dtype is lineal.float32
    assert F.huber_loss(x, wide).dtype is lineal.float32


def test_prelu_takes_a_number_or_a_vector():
    with pytest.raises(RuntimeError, match=r"prelu: .*shape \[1, 3\]"):
        F.prelu(x, lineal.ones(1, 3))
    with pytest.raises(TypeError, match="HuberLoss: delta"):
        lineal.nn.HuberLoss(delta="1")
