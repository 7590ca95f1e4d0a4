"""`Module.compile`: calls of the module itself become native, and copies compile for themselves."""

import copy
import pickle

import lineal
from lineal import nn
from lineal.testing import assert_close


def test_calls_are_programs():
    lineal.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    plain = copy.deepcopy(net)
    net.compile()
    x = lineal.randn(5, 3)
    for _ in range(3):
        assert_close(net(x), plain(x))
    assert isinstance(net._compiled_call_impl, lineal.compiler.CompiledFunction)
    assert net._compiled_call_impl.eager is None
    assert any(net._compiled_call_impl.programs.values())
    net.register_forward_hook(lambda module, args, y: y + 1)
    assert_close(net(x), plain(x) + 1)
    net.requires_grad_(False)
    with lineal.no_grad():
        net[0].weight.zero_()
        plain[0].weight.zero_()
    assert_close(net(x), (plain(x) + 1).detach())


def test_copies_are_not_the_program_of_the_first():
    layer = nn.Linear(2, 2)
    layer.compile()
    x = lineal.ones(1, 2)
    layer(x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other._compiled_call_impl is None
        with lineal.no_grad():
            other.bias.add_(1.0)
        assert_close(other(x), layer(x) + 1.0)


def test_a_compiled_module_in_a_compiled_function_and_under_vmap():
    layer = nn.Linear(2, 2)
    layer.compile()
    x = lineal.ones(3, 2)
    compiled = lineal.compile(lambda x: layer(x).sum())
    for _ in range(3):
        assert_close(compiled(x), (x @ layer.weight.mT + layer.bias).sum())
    assert_close(lineal.vmap(layer)(x), layer(x))
