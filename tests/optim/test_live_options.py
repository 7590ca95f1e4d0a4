"""Compiled training: the weights of eager code, and options that change from call to call without a new program."""

import numpy as np
import pytest

import lineal as torch
from lineal import nn
from lineal.optim import lr_scheduler as schedules

NAMES = ["ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "Muon", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"]
CYCLES = {
    "SGD": lambda o: schedules.OneCycleLR(o, 0.1, total_steps=20),
    "Adam": lambda o: schedules.CyclicLR(o, 0.01, 0.1, step_size_up=3),
}


def training(name, compiled, between, steps=12, clip=None, **options):
    """Return the weights after some steps, `between` which something changes, and how many programs there are."""
    torch.manual_seed(0)
    model, x = nn.Linear(4, 3, bias=name != "Muon"), torch.randn(8, 4)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.02, **options)
    change = between(optimizer)

    def step():
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean() + 0.01 * model.weight.abs().sum()
        loss.backward()
        if clip is not None:
            clip(list(model.parameters()))
        optimizer.step()
        return loss

    run = torch.compile(step) if compiled else step
    for turn in range(steps):
        run()
        change(turn)
    made = sum(map(len, run.programs.values())) if compiled else 0
    return [each.detach().numpy() for each in model.parameters()], made


def alike(name, between, **options):
    """Return how many programs a training makes; its weights are those of eager code."""
    eager, _ = training(name, False, between, **options)
    found, made = training(name, True, between, **options)
    for a, b in zip(eager, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-6)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_that_changes_needs_one_program(name):
    def between(optimizer):
        scheduler = schedules.ExponentialLR(optimizer, 0.9)
        return lambda turn: scheduler.step()

    assert alike(name, between) == 1


@pytest.mark.parametrize("kind", [np.float64, np.float32, int])
def test_rates_of_every_kind_need_one_program(kind):
    def between(optimizer):
        def change(turn):
            optimizer.param_groups[0]["lr"] = kind(1 / (1 + turn))

        return change

    assert alike("Adam", between) == 1


@pytest.mark.parametrize("name", CYCLES)
def test_a_momentum_that_changes_needs_one_program(name):
    def between(optimizer):
        scheduler = CYCLES[name](optimizer)
        return lambda turn: scheduler.step()

    assert alike(name, between, **({"momentum": 0.9} if name == "SGD" else {})) <= 2


@pytest.mark.parametrize(
    ("name", "option", "values"), [("SGD", "weight_decay", [0.0, 0.5]), ("SGD", "momentum", [0.9, 0.0, 0.5])]
)
def test_an_option_that_turns_on_and_off_is_followed(name, option, values):
    def between(optimizer):
        def change(turn):
            optimizer.param_groups[0][option] = values[turn // 2 % len(values)]

        return change

    alike("SGD", between, **({"momentum": 0.9} if option == "momentum" else {}))


def test_a_hook_that_comes_later_is_run():
    def between(optimizer):
        def change(turn):
            if turn == 5:
                (parameter, *_) = optimizer.param_groups[0]["params"]
                handles.append(optimizer.register_step_post_hook(lambda *_: parameter.data.mul_(0.5)))
            if turn == 8:
                handles.pop().remove()

        return change

    handles = []
    alike("SGD", between)


def test_parameters_without_elements_and_of_both_dtypes():
    ends = []
    for compiled in (False, True):
        shapes = {(2, 3): torch.float32, (0, 3): torch.float32, (4,): torch.float64}
        parameters = [nn.Parameter(torch.ones(shape, dtype=dtype)) for shape, dtype in shapes.items()]
        optimizer = torch.optim.NAdam(parameters, lr=0.1)
        for each in parameters:
            each.grad = torch.ones_like(each)
        run = torch.compile(optimizer.step) if compiled else optimizer.step
        for _ in range(4):
            run()
        ends.append([each.detach().numpy() for each in parameters])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def by_parts(parameters):
    total = nn.utils.get_total_norm([each.grad for each in parameters])
    nn.utils.clip_grads_with_norm_(parameters, 0.1, total)


@pytest.mark.parametrize(
    "clip",
    [
        lambda parameters: nn.utils.clip_grad_norm_(parameters, 0.1, error_if_nonfinite=True),
        lambda parameters: nn.utils.clip_grad_value_(parameters, 0.05),
        by_parts,
    ],
)
def test_clipping_is_part_of_the_program(clip):
    assert alike("Adam", lambda optimizer: lambda turn: None, clip=clip) == 1
