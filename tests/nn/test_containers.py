"""Sequential, ModuleList, ModuleDict, ParameterList."""

from collections import OrderedDict

import pytest

import lineal
from lineal import nn


def names(container):
    return [name for name, _ in container.named_children()]


def test_sequential_runs_its_modules_in_order():
    a, b = nn.Linear(2, 3), nn.Linear(3, 1)
    x = lineal.ones(1, 2)
    assert lineal.equal(nn.Sequential(a, b)(x), b(a(x)))
    named = nn.Sequential(OrderedDict([("in", a), ("out", b)]))
    assert names(named) == ["in", "out"]
    assert named[1] is b
    assert lineal.equal(named(x), b(a(x)))


@pytest.mark.parametrize("kind", [nn.Sequential, lambda *modules: nn.ModuleList(modules)])
def test_numbered_containers_act_like_lists(kind):
    modules = [nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Identity()]
    held = kind(*modules)
    assert list(held) == modules
    assert len(held) == 4
    assert held[-1] is modules[3]
    assert list(held[1:3]) == modules[1:3]
    assert type(held[1:3]) is type(held)
    del held[0]
    assert list(held) == modules[1:]
    assert names(held) == ["0", "1", "2"]
    held.insert(0, modules[0]).append(modules[0])
    assert list(held) == [*modules, modules[0]]
    assert held.pop() is modules[0]
    held[0] = modules[2]
    assert held[0] is modules[2]
    held.extend([modules[1]])
    held += [modules[1]]
    assert list(held)[-2:] == [modules[1], modules[1]]
    with pytest.raises(IndexError, match="out of range"):
        held[6]
    with pytest.raises(TypeError):
        held.append(3)


def test_sums_and_repetitions_of_sequentials():
    a, b = nn.ReLU(), nn.Tanh()
    assert list(nn.Sequential(a) + nn.Sequential(b)) == [a, b]
    assert list(nn.Sequential(a, b) * 2) == [a, b, a, b]
    with pytest.raises(ValueError, match="positive"):
        nn.Sequential(a) * 0


def test_module_list_is_no_function():
    with pytest.raises(NotImplementedError):
        nn.ModuleList([nn.ReLU()])(1)
    more = [nn.Tanh()]
    assert len(nn.ModuleList([nn.ReLU()]) + more) == 2


def test_module_dict_acts_like_a_dict():
    held = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()})
    assert list(held) == list(held.keys()) == ["a", "b"]
    assert "a" in held
    assert len(list(held.parameters())) == 2
    relu = held.pop("b")
    held.update([("c", relu)])
    held["d"] = relu
    assert [name for name, _ in held.items()] == ["a", "c", "d"]
    del held["a"]
    assert list(held.values()) == [relu, relu]
    held.clear()
    assert len(held) == 0
    with pytest.raises(TypeError):
        held["x"] = 3


def test_parameter_list():
    held = nn.ParameterList([lineal.ones(2), nn.Parameter(lineal.zeros(1))])
    assert all(isinstance(each, nn.Parameter) for each in held)
    assert len(list(held.parameters())) == 2
    held.append(lineal.ones(3, 4))
    held[0] = lineal.full((2,), 5.0)
    assert held[0].tolist() == [5.0, 5.0]
    assert len(held[1:]) == 2
    held += [lineal.ones(1)]
    assert len(held) == 4
    assert "(2): Parameter containing: [torch.float32 of size 3x4]" in repr(held)
    with pytest.raises(IndexError):
        held[4]
    with pytest.raises(RuntimeError, match="should not be called"):
        held()


def test_parameter_dict_acts_like_a_dict():
    held = nn.ParameterDict({"b": lineal.ones(2), "a": lineal.zeros(1), "n": 3})
    assert list(held) == list(held.keys()) == ["a", "b", "n"]
    assert [name for name, _ in held.named_parameters()] == list(held.state_dict()) == ["a", "b"]
    assert isinstance(held["b"], nn.Parameter) and held.get("c") is None and "c" not in held
    assert repr(held).splitlines()[1].strip() == "(a): Parameter containing: [torch.float32 of size 1]"
    assert held.popitem() == ("n", 3) and held.setdefault("n", 4) == 4
    more = held | nn.ParameterDict([("z", lineal.ones(1)), ("a", lineal.ones(1))])
    assert list(more) == ["a", "b", "n", "z"] and more["b"] is held["b"] and more["a"] is not held["a"]
    del held["a"]
    with pytest.raises(KeyError, match="a"):
        held["a"]
    with pytest.raises(TypeError, match="string"):
        held[1] = lineal.ones(1)
    held.clear()
    assert len(held) == 0
