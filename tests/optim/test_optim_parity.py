"""Schedules that begin in the middle, and what optimizers print, as PyTorch's."""

import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

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


NAMES = "ASGD Adadelta Adafactor Adagrad Adam AdamW Adamax NAdam RAdam RMSprop Rprop SGD SparseAdam".split()


def test_optimizers_print_alike():
    texts = []
    for library in (lineal, torch):
        groups = [{"params": [library.zeros(1, requires_grad=True)], "lr": 0.2} for _ in range(2)]
        texts.append([repr(getattr(library.optim, name)(groups)) for name in NAMES])
    assert texts[0] == texts[1]
