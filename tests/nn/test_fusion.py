"""A layer with its batch normalisation in it does what both do one after the other."""

import pytest

import lineal
from lineal import nn
from lineal.nn import utils
from lineal.testing import assert_close


def filled(module):
    """Give every parameter and statistic positive random numbers; evaluation mode."""
    lineal.manual_seed(0)
    for each in module.state_dict().values():
        if each.ndim:
            each.uniform_(0.5, 1.5)
    return module.double().eval()


CONVOLUTIONS = {
    "groups": (nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6), (2, 4, 5, 5), False),
    "no bias": (nn.Conv1d(2, 3, 2, bias=False), nn.BatchNorm1d(3, affine=False), (2, 2, 5), False),
    "transposed": (nn.ConvTranspose2d(2, 3, 2), nn.BatchNorm2d(3), (1, 2, 3, 3), True),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name):
    conv, bn, shape, transposed = CONVOLUTIONS[name]
    filled(conv), filled(bn)
    x = lineal.randn(shape, dtype=lineal.float64)
    assert_close(utils.fuse_conv_bn_eval(conv, bn, transposed)(x), bn(conv(x)))


def test_linear_layers():
    linear, bn = filled(nn.Linear(3, 2)), filled(nn.BatchNorm1d(2))
    x = lineal.randn(4, 3, dtype=lineal.float64)
    assert_close(utils.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)))
    with pytest.raises(AssertionError, match="only for eval"):
        utils.fuse_linear_bn_eval(linear.train(), bn)


def test_the_groups_of_a_transposed_convolution_are_refused():
    conv, bn = nn.ConvTranspose2d(4, 4, 2, groups=4).eval(), nn.BatchNorm2d(4).eval()
    with pytest.raises(RuntimeError, match="expected conv_w with 4 outputs in dimension 1"):
        utils.fuse_conv_bn_eval(conv, bn, True)


def test_memory_formats_of_weights():
    net = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Conv3d(2, 3, 2))
    values = [each.weight.detach().clone() for each in net]
    utils.convert_conv2d_weight_memory_format(net, lineal.channels_last)
    utils.convert_conv3d_weight_memory_format(net, lineal.channels_last_3d)
    assert [each.weight.stride() for each in net] == [(8, 1, 4, 2), (16, 1, 8, 4, 2)]
    for each, value in zip(net, values):
        assert_close(each.weight.detach(), value)
