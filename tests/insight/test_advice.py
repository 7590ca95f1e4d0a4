"""Advice: each habit is told with its line, and what is done well is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lineal
from lineal import linalg, nn
from lineal.insight import Adviser
from lineal.nn import functional as F

x = lineal.linspace(-1, 1, 24).view(6, 4).requires_grad_()
zeros = lineal.zeros(3, requires_grad=True)
classes = lineal.tensor([0, 1, 2, 3, 0, 1])
square = lineal.eye(8) * 2 + 0.1
tall = lineal.linspace(0, 1, 60).view(20, 3) ** lineal.arange(1.0, 4.0)

HABITS = {
    "inverse": lambda: linalg.inv(square) @ lineal.ones(8, 2),
    "normal equations": lambda: linalg.solve(tall.T @ tall, tall.T @ lineal.ones(20, 1)),
    "logarithm": lambda: lineal.log(linalg.det(square)),
    "softmax twice": lambda: F.cross_entropy(F.softmax(x, 1), classes),
    "probabilities": lambda: F.nll_loss(lineal.softmax(x, 1), classes),
    "sigmoid and loss": lambda: F.binary_cross_entropy(lineal.sigmoid(x), lineal.ones(6, 4)),
    "derivative at 0": lambda: zeros.sqrt(),
    "logarithm of 0": lambda: zeros.log(),
    "softmax by hand": lambda: x.exp() / x.exp().sum(1, keepdim=True),
    "division by a norm": lambda: x / x.norm(dim=1, keepdim=True),
    "variance": lambda: (x**2).mean() - x.mean() ** 2,
    "equal floats": lambda: (x * 2) == (x + 1),
    "half precision": lambda: lineal.ones(5000).half().sum(),
}
LOGARITHMS = [
    lambda: lineal.softmax(x, 1).log(),
    lambda: lineal.sigmoid(x).log(),
    lambda: x.exp().sum(1).log(),
    lambda: (1 + x.exp()).log(),
]


@pytest.mark.parametrize("kind", HABITS)
def test_a_habit_is_told_with_its_line(kind):
    (advice,) = lineal.advise(HABITS[kind])
    assert advice.kind == kind and "test_advice.py" in advice.where
    assert advice.kind in str(advice)


@pytest.mark.parametrize("function", LOGARITHMS)
def test_chains_that_end_in_a_logarithm(function):
    assert [each.kind for each in lineal.advise(function)] == ["logarithm"]


def test_what_is_done_well_gets_no_advice():
    def well():
        linalg.solve(square, lineal.ones(8, 2))
        linalg.lstsq(tall, lineal.ones(20, 1))
        linalg.inv(square[:3, :3]) @ lineal.ones(3, 1)
        F.cross_entropy(x, classes)
        F.nll_loss(F.log_softmax(x, 1), classes)
        F.normalize(x)
        F.cosine_similarity(x, x)
        lineal.logsumexp(x, 1)
        (x - x.max(1, keepdim=True).values).exp().sum(1).log()
        row = x[:1]
        row[0, 2] + (row - row[0, 2].view(1, -1).expand(1, 4)).exp().sum().log()
        x.std(), x == 0, x / (x.norm() + 1e-8), lineal.zeros(3).sqrt(), lineal.cdist(x, x)
        return (x.argmax(1) == classes).float().mean()

    assert str(lineal.advise(well)) == "no advice"


def network():
    return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 2))


def kinds(adviser: Adviser) -> list[str]:
    return [each.kind for each in adviser.advices]


def step(model, optimizer, loss=lineal.sum):
    loss(model(x.detach())).backward()
    optimizer.step()


@pytest.mark.parametrize("forgets", [True, False])
def test_grads_that_are_not_forgotten(forgets):
    model = network()
    optimizer = lineal.optim.SGD(model.parameters(), lr=0.1)
    with Adviser() as adviser:
        for _ in range(3):
            if not forgets:
                optimizer.zero_grad(set_to_none=False)
            step(model, optimizer)
    assert kinds(adviser) == ["zero_grad"] * forgets


def test_a_second_network_whose_grads_are_forgotten_later():
    first, second = network(), network()[0]
    ours, theirs = (lineal.optim.SGD(each.parameters(), lr=0.1) for each in (first, second))
    with Adviser() as adviser:
        for _ in range(3):
            ours.zero_grad()
            first(second(x.detach())).sum().backward()
            ours.step()
            theirs.zero_grad()
            first(second(x.detach())).sum().backward()
            theirs.step()
    assert kinds(adviser) == []


def test_parameters_that_get_no_grad():
    model, spare = network(), nn.Linear(3, 3)
    optimizer = lineal.optim.SGD([*model.parameters(), *spare.parameters()], lr=0.1)
    with Adviser() as adviser:
        spare(lineal.ones(1, 3))
        step(model, optimizer)
    assert kinds(adviser) == ["no gradient"] and "2 of 6 parameters never have a grad: weight, bias" in adviser.advices[0].what
    with Adviser() as adviser:
        step(model, lineal.optim.SGD(spare.parameters(), lr=0.1), lambda y: lineal.tensor(y.sum().item(), requires_grad=True))
    assert "is the loss cut off" in adviser.advices[0].what


def test_modes_that_are_forgotten():
    model = network()
    optimizer = lineal.optim.SGD(model.parameters(), lr=0.1)
    with Adviser() as adviser:
        step(model, optimizer)
        with lineal.no_grad():
            model(x)
        model.eval()
        optimizer.zero_grad()
        step(model, optimizer)
    assert kinds(adviser) == ["training mode", "evaluation mode"]
    with Adviser() as adviser, lineal.no_grad():
        model(x)
    assert kinds(adviser) == []


def test_parameters_that_do_not_reach_the_result_of_a_model():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.spare = nn.Linear(4, 2), nn.Linear(4, 2, bias=False)

        def forward(self, x):
            return self.used(x)

    (advice,) = lineal.advise(Half(), x)
    assert advice.what == "1 of 3 parameters do not reach the result: spare.weight"


def test_the_command_tells_the_lines_of_a_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import torch, sys\nx = torch.ones(3, 2)\ny = torch.softmax(x, 1).log()\nprint(sys.argv[1])\n")
    done = subprocess.run([sys.executable, "-m", "lineal", "advise", str(script), "word"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout.startswith("word\n") and "script.py:3" in done.stdout, done.stderr
