"""Pruning: which elements become 0, that they stay 0 in training, and that modules come back."""

import pytest

import lineal
from lineal import nn
from lineal.nn.utils import prune
from lineal.testing import assert_close

WEIGHT = [[3.0, -1.0, 0.5], [-2.0, 4.0, 0.25]]


def layer():
    made = nn.Linear(3, 2)
    with lineal.no_grad():
        made.weight.copy_(lineal.tensor(WEIGHT))
    return made


def zeros(tensor):
    return tensor.eq(0).tolist()


def test_the_smallest_elements_go_and_stay_away():
    module = prune.l1_unstructured(layer(), "weight", 2)
    weight = module.weight_orig
    assert zeros(module.weight) == [[False, False, True], [False, False, True]]
    assert list(module.state_dict()) == ["bias", "weight_orig", "weight_mask"]
    optimizer = lineal.optim.SGD(module.parameters(), 0.1)
    module(lineal.ones(1, 3)).square().sum().backward()
    assert zeros(weight.grad) == [[False, False, True], [False, False, True]]
    optimizer.step()
    module(lineal.ones(1, 3))
    assert_close(module.weight, weight * module.weight_mask)
    prune.l1_unstructured(module, "weight", 0.25)
    assert module.weight.eq(0).sum().item() == 3
    assert prune.is_pruned(nn.Sequential(module))
    now = module.weight.detach()
    prune.remove(module, "weight")
    assert module.weight is weight
    assert_close(module.weight.detach(), now)
    assert not prune.is_pruned(module)


def test_slices_go_whole():
    module = prune.ln_structured(layer(), "weight", 1, 2, 1)
    assert zeros(module.weight) == [[False, False, True]] * 2
    prune.ln_structured(module, "weight", 0.5, 1, -2)
    assert zeros(module.weight) == [[True] * 3, [False, False, True]]
    prune.random_structured(module, "weight", 1, 1)
    assert module.weight.eq(0).sum().item() == 5


@pytest.mark.parametrize("amount", [0, 2, 0.5, 1.0])
def test_random_elements(amount):
    module = prune.random_unstructured(layer(), "weight", amount)
    assert module.weight.eq(0).sum().item() == (amount if isinstance(amount, int) else 6 * amount)


def test_several_parameters_as_one():
    net = nn.Sequential(layer(), layer())
    with lineal.no_grad():
        net[1].weight.mul_(10.0)
    places = [(each, "weight") for each in net]
    prune.global_unstructured(places, prune.L1Unstructured, amount=4)
    assert [each.weight.eq(0).sum().item() for each in net] == [4, 0]
    prune.global_unstructured(places, prune.L1Unstructured, {(net[1], "weight"): lineal.zeros(2, 3)}, amount=6)
    assert [each.weight.eq(0).sum().item() for each in net] == [4, 6]


def test_a_given_mask_and_none():
    module = prune.custom_from_mask(layer(), "bias", lineal.tensor([0, 1]))
    assert module.bias_mask.tolist() == [0.0, 1.0]
    prune.identity(module, "weight")
    assert_close(module.weight.detach(), lineal.tensor(WEIGHT))
    assert prune.L1Unstructured(1).prune(lineal.tensor([2.0, 1.0])).tolist() == [2.0, 0.0]


def test_a_refusal_leaves_the_module_as_it_was():
    module = layer()
    with pytest.raises(ValueError, match="should be smaller than the number of parameters to prune=6"):
        prune.l1_unstructured(module, "weight", 7)
    assert list(module.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="has to be pruned before"):
        prune.remove(module, "weight")


@pytest.mark.filterwarnings("ignore:compile.*runs eagerly. every call changes")
def test_programs_see_the_mask():
    module = prune.l1_unstructured(layer(), "weight", 2)
    compiled = lineal.compile(lambda x: module(x))
    x = lineal.ones(2, 3)
    for amount in (1, 1):
        assert_close(compiled(x), module(x))
        assert_close(compiled(x), module(x))
        prune.l1_unstructured(module, "weight", amount)
