"""L-BFGS with compiled functions: a step is a search, and runs eagerly; its closure may be a program."""

from __future__ import annotations

import warnings

import pytest

import lineal
from lineal import nn, optim
from lineal.nn import functional as F


def fitted(search, compiles):
    """Return the losses of three steps, the parameters, and the warnings; what `compiles` names is compiled."""
    lineal.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    x = lineal.randn(32, 4, dtype=lineal.float64)
    y = x.square().sum(1, keepdim=True).tanh()
    optimizer = optim.LBFGS(model.parameters(), lr=0.5, max_iter=5, line_search_fn=search)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        return loss

    evaluate = lineal.compile(closure) if compiles == "closure" else closure

    def step():
        return optimizer.step(evaluate)

    made = lineal.compile(step) if compiles == "step" else step
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        losses = [float(made()) for _ in range(3)]
    return losses, [each.detach() for each in model.parameters()], [str(each.message) for each in told]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_compiled_step_runs_eagerly_and_says_what_to_compile(search):
    losses, parameters, told = fitted(search, "step")
    wanted, others, _ = fitted(search, None)
    assert losses == wanted and losses[-1] < losses[0]
    assert all(lineal.equal(*each) for each in zip(parameters, others))
    assert len(told) == 1 and "compile the closure instead of the step" in told[0]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_the_closure_may_be_compiled(search):
    losses, parameters, told = fitted(search, "closure")
    wanted, others, _ = fitted(search, None)
    assert not told and losses == pytest.approx(wanted, rel=1e-9)
    assert all(lineal.allclose(*each, rtol=1e-7) for each in zip(parameters, others))
