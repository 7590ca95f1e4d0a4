"""Names that PyTorch still has, and warns of; buffers that are assigned; layers under PyTorch's paths."""

import copy

import pytest

import lineal
from lineal import nn
from lineal.nn import grad, init
from lineal.nn.modules import utils
from lineal.nn.parameter import UninitializedParameter
from lineal.testing import assert_close


def test_older_names_warn():
    with pytest.warns(FutureWarning, match="`nn.init.uniform` is now deprecated in favor of `nn.init.uniform_`"):
        init.uniform(lineal.empty(2))
    with pytest.warns(FutureWarning, match="NLLLoss2d"):
        assert repr(nn.NLLLoss2d()) == "NLLLoss2d()"
    with pytest.warns(FutureWarning, match="Container"):
        assert list(nn.Container(a=nn.Identity())._modules) == ["a"]
    parameter = nn.Parameter(lineal.ones(2))
    with pytest.warns(FutureWarning, match="clip_grad_norm"):
        nn.utils.clip_grad_norm([parameter], 1.0)
    with pytest.warns(FutureWarning, match="stateless"):
        y = nn.utils.stateless.functional_call(nn.Identity(), {}, lineal.ones(2))
    assert y.tolist() == [1.0, 1.0]


def test_buffers_are_registered_when_they_are_assigned():
    module = nn.Module()
    module.kept = nn.Buffer(lineal.ones(2))
    module.scratch = nn.Buffer(lineal.zeros(2), persistent=False)
    assert list(dict(module.named_buffers())) == ["kept", "scratch"]
    assert list(module.state_dict()) == ["kept"]
    assert isinstance(module.kept, nn.Buffer)
    assert not isinstance(module.kept + 1, nn.Buffer)
    assert not isinstance(nn.Parameter(), nn.Buffer)
    assert isinstance(copy.deepcopy(module).kept, nn.Buffer)
    module.weight = nn.Parameter(lineal.ones(1))
    with pytest.raises(TypeError, match="cannot assign parameter 'weight'"):
        module.weight = nn.Buffer(lineal.ones(1))


def test_what_has_no_shape_says_so():
    waiting = UninitializedParameter()
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        waiting.shape  # noqa: B018
    for use in (lambda: waiting + 1, lambda: waiting.sum(), lambda: waiting.numel(), lambda: lineal.stack([waiting, waiting])):
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            use()
    assert waiting.requires_grad_(False).dtype == lineal.float32
    assert repr(copy.deepcopy(waiting)) == "<UninitializedParameter>"
    waiting.materialize((2, 3))
    assert type(waiting) is nn.Parameter
    assert waiting.shape == (2, 3)


def test_lazy_layers_are_converted_before_they_have_a_shape():
    layer = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d()).double()
    assert [each.dtype for each in layer[1].buffers()] == [lineal.float64, lineal.float64, lineal.int64]
    y = layer(lineal.ones(3, 4, dtype=lineal.float64))
    assert (y.dtype, y.shape) == (lineal.float64, (3, 2))
    assert layer[1].running_mean.shape == (2,)


def test_keys_lose_a_prefix():
    state = nn.DataParallel(nn.Sequential(nn.Linear(1, 1))).state_dict()
    utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["0.weight", "0.bias"]
    assert list(state._metadata) == ["", "0"]


def test_derivatives_of_convolutions():
    x, w = (lineal.randn(shape, dtype=lineal.float64, requires_grad=True) for shape in ((2, 4, 6, 5), (6, 2, 3, 2)))
    y = nn.functional.conv2d(x, w, None, (2, 1), 1, 1, 2)
    g = lineal.randn(y.shape, dtype=lineal.float64)
    y.backward(g)
    assert_close(grad.conv2d_input(x.shape, w, g, (2, 1), 1, 1, 2).detach(), x.grad)
    assert_close(grad.conv2d_weight(x, w.shape, g, (2, 1), 1, 1, 2).detach(), w.grad)


def test_parameters_get_new_memory():
    layer = nn.Linear(2, 3)
    weight = layer.weight
    assert layer.to_empty(device="cpu").weight is weight
    assert weight.shape == (3, 2)
