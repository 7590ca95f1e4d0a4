"""The kernels of a compiled function: all are told, and nothing is left otherwise than before."""

from __future__ import annotations

import pytest

import lineal
from lineal import nn
from lineal.profiler import kernels


def test_kernels_of_a_function_without_history():
    function = lineal.compile(lambda x, w: lineal.softmax(x @ w, -1).sum(0) * 2)
    x, w = lineal.randn(64, 128), lineal.randn(128, 32)
    for _ in range(3):
        wanted = function(x, w)
    found = kernels(function, x, w, rounds=3)
    assert found[0].name == "matmul" and found[0].operations == 2 * 64 * 128 * 32
    assert all(each.part == "forward" and each.microseconds > 0 and each.bytes > 0 for each in found)
    assert len(str(found).splitlines()) == len(found) + 1 and lineal.equal(function(x, w), wanted)


def test_kernels_of_both_passes_and_of_whole_steps():
    model, x = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1)), lineal.randn(32, 16)
    loss = lineal.compile(lambda x: model(x).square().mean())
    for _ in range(3):
        loss(x).backward()
    grad = model[0].weight.grad.clone()
    assert {each.part for each in kernels(loss, x, rounds=2)} == {"forward", "backward"}
    assert lineal.equal(model[0].weight.grad, grad)
    optimizer = lineal.optim.SGD(model.parameters(), lr=0.1)

    @lineal.compile
    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(5):
        step(x)
    before = model[0].weight.clone()
    assert len(kernels(step, x, rounds=2)) > 3 and lineal.equal(model[0].weight, before)


def test_what_has_no_kernels():
    with pytest.raises(TypeError, match="compiled function"):
        kernels(lineal.exp, lineal.ones(1))
    with pytest.raises(RuntimeError, match="call it with them"):
        kernels(lineal.compile(lambda x: x + 1), lineal.ones(1))
