"""Hooks on tensors and nodes, and retained gradients."""

import pytest

import lineal as torch


def leaf(*numbers):
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


def test_hook_sees_and_replaces_the_gradient():
    x, seen = leaf(1.0, 2.0), []
    y = x * 3
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [30.0, 30.0]


def test_hook_on_a_leaf_and_its_removal():
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g * 2)
    x.sum().backward()
    assert x.grad.tolist() == [2.0]
    handle.remove()
    x.sum().backward()
    assert x.grad.tolist() == [3.0]


def test_hook_needs_a_gradient():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        torch.ones(1).register_hook(print)


def test_post_accumulate_hook_runs_after_the_grad_is_there():
    x, seen = leaf(1.0), []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.item()))
    (x * 5).sum().backward()
    assert seen == [5.0]
    with pytest.raises(RuntimeError, match="need a leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    assert y.retains_grad and not x.retains_grad
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        torch.ones(1).retain_grad()


def test_node_hooks():
    x, seen = leaf(1.0), []
    y = x * 3
    y.grad_fn.register_hook(lambda into, out: seen.append(("after", out[0].item())))
    y.grad_fn.register_prehook(lambda out: (out[0] * 2,))
    y.sum().backward()
    assert seen == [("after", 2.0)] and x.grad.tolist() == [6.0]


def test_graph_can_be_walked():
    x = leaf(1.0)
    y = (x * 3).exp()
    assert y.grad_fn.name() == "ExpBackward0"
    ((inner, place),) = y.grad_fn.next_functions
    assert inner.name() == "MulBackward0" and place == 0
    assert inner.next_functions[0][0].variable is x
    assert "y = (x * 3).exp()" in y.grad_fn.metadata["site"]
