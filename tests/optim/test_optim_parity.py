"""The same steps as PyTorch, in float32 and float64."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

rng = np.random.default_rng(0)
START = rng.normal(size=(5, 4))
GRADS = rng.normal(size=(12, 5, 4))


def run(library, name, options, dtype):
    p = library.tensor(START, dtype=getattr(library, dtype), requires_grad=True)
    optimizer = getattr(library.optim, name)([p], **options)
    for grad in GRADS:
        p.grad = library.tensor(grad, dtype=p.dtype)
        optimizer.step()
    return p.detach().numpy(), optimizer.state_dict()


CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.05, "betas": (0.4, 0.6), "eps": 0.1, "maximize": True}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05, "amsgrad": True}),
    ("RMSprop", {"lr": 0.05}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.5, "weight_decay": 0.1, "centered": True, "maximize": True}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.9, "eps": 0.1}),
    ("Adagrad", {"lr": 0.05}),
    ("Adagrad", {"lr": 0.05, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 2e-6), ("float64", 1e-13)])
def test_steps(name, options, dtype, rtol):
    mine, my_state = run(lineal, name, options, dtype)
    theirs, their_state = run(torch, name, options, dtype)
    np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol)
    assert my_state["param_groups"] == their_state["param_groups"]
    assert sorted(my_state["state"].get(0, {})) == sorted(their_state["state"].get(0, {}))
    for key, value in their_state["state"].get(0, {}).items():
        np.testing.assert_allclose(my_state["state"][0][key].numpy(), value.numpy(), rtol=rtol, atol=rtol)


SCHEDULES = [
    ("StepLR", {"step_size": 3, "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.8}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.5**epoch}),
]


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=[name for name, _ in SCHEDULES])
@pytest.mark.parametrize("last_epoch", [-1, 4])
def test_schedules(name, options, last_epoch):
    found = []
    for library in (lineal, torch):
        optimizer = library.optim.SGD([library.zeros(1, requires_grad=True)], lr=0.5)
        optimizer.param_groups[0]["initial_lr"] = 0.5
        scheduler = getattr(library.optim.lr_scheduler, name)(optimizer, last_epoch=last_epoch, **options)
        rates = []
        for _ in range(12):
            rates += scheduler.get_last_lr()
            optimizer.step()
            scheduler.step()
        found.append(rates)
    assert found[0] == found[1]


def test_optimizers_print_alike():
    texts = []
    for library in (lineal, torch):
        groups = [{"params": [library.zeros(1, requires_grad=True)], "lr": 0.2} for _ in range(2)]
        texts.append([repr(getattr(library.optim, name)(groups)) for name in ("SGD", "Adam", "RMSprop", "Adagrad")])
    assert texts[0] == texts[1]
