"""Learning rates over the epochs."""

import math

import pytest

import lineal
from lineal import nn, optim
from lineal.optim import lr_scheduler


def make(lr=0.5):
    return optim.SGD([nn.Parameter(lineal.zeros(1))], lr=lr)


def rates(make_scheduler, epochs=8, lr=0.5):
    optimizer = make(lr)
    scheduler = make_scheduler(optimizer)
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        assert scheduler.get_last_lr() == [found[-1]]
        optimizer.step()
        scheduler.step()
    return found


def test_step():
    assert rates(lambda o: lr_scheduler.StepLR(o, 3, 0.5)) == [0.5] * 3 + [0.25] * 3 + [0.125] * 2


def test_exponential():
    assert rates(lambda o: lr_scheduler.ExponentialLR(o, 0.9)) == pytest.approx([0.5 * 0.9**k for k in range(8)])


def test_cosine_goes_down_and_up_again():
    found = rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 4, 0.1), 10)
    assert found == pytest.approx([0.1 + 0.4 * (1 + math.cos(math.pi * k / 4)) / 2 for k in range(10)])


def test_lambda():
    assert rates(lambda o: lr_scheduler.LambdaLR(o, lambda k: 1 / (1 + k)), 4) == [0.5, 0.25, 0.5 / 3, 0.125]
    optimizer = make()
    optimizer.add_param_group({"params": [nn.Parameter(lineal.zeros(1))], "lr": 2.0})
    lr_scheduler.LambdaLR(optimizer, [lambda k: 1.0, lambda k: 0.5])
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 1.0]
    with pytest.raises(ValueError, match="lr_lambdas"):
        lr_scheduler.LambdaLR(optimizer, [lambda k: 1.0])


def test_restarts_come_later_each_time():
    found = rates(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2), 7)
    places = [(0, 2), (1, 2), (0, 4), (1, 4), (2, 4), (3, 4), (0, 8)]
    assert found == pytest.approx([0.25 * (1 + math.cos(math.pi * k / n)) for k, n in places])
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(make(), 2)
    scheduler.step(0.5)
    assert scheduler.get_last_lr() == pytest.approx([0.25 * (1 + math.cos(math.pi / 4))])


def test_factors_of_all_at_once_multiply():
    def chained(optimizer):
        parts = [lr_scheduler.ConstantLR(optimizer, 0.1, 2), lr_scheduler.ExponentialLR(optimizer, 0.5)]
        return lr_scheduler.ChainedScheduler(parts)

    assert rates(chained, 4, lr=1.0) == pytest.approx([0.1, 0.05, 0.25, 0.125])


def test_schedulers_made_of_others_begin_first_or_not_at_all():
    optimizer = make(1.0)
    halves, inner = lr_scheduler.ExponentialLR(optimizer, 0.5), lr_scheduler.ConstantLR(optimizer, 0.1, 2)
    chained = lr_scheduler.ChainedScheduler([inner])
    optimizer.step()
    assert lr_scheduler.SequentialLR(optimizer, [chained, halves], [3]).get_last_lr() == [0.1]
    later = lr_scheduler.SequentialLR(optimizer, [halves, chained], [1])
    with pytest.raises(NotImplementedError, match="ChainedScheduler has no rates of its own"):
        later.step()


def test_the_momentum_of_cycles_goes_the_other_way():
    optimizer = optim.SGD([nn.Parameter(lineal.zeros(1))], momentum=0.5)
    scheduler = lr_scheduler.CyclicLR(optimizer, 0.1, 0.5, step_size_up=2, mode="triangular2")
    seen = []
    for _ in range(7):
        seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        scheduler.step()
    assert [rate for rate, _ in seen] == pytest.approx([0.1, 0.3, 0.5, 0.3, 0.1, 0.2, 0.3])
    assert [momentum for _, momentum in seen] == pytest.approx([0.9, 0.85, 0.8, 0.85, 0.9, 0.875, 0.85])


SCHEDULES = [
    lambda o, last=-1: lr_scheduler.StepLR(o, 2, 0.5, last),
    lambda o, last=-1: lr_scheduler.ExponentialLR(o, 0.7, last),
    lambda o, last=-1: lr_scheduler.CosineAnnealingLR(o, 5, 0.01, last),
    lambda o, last=-1: lr_scheduler.LambdaLR(o, lambda k: 0.9**k, last),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_goes_on_from_its_state(schedule):
    optimizer = make()
    scheduler = schedule(optimizer)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    twin = make()
    again = schedule(twin)
    twin.load_state_dict(optimizer.state_dict())
    again.load_state_dict(scheduler.state_dict())
    for _ in range(4):
        for each in (optimizer, scheduler, twin, again):
            each.step()
        assert twin.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    assert again.last_epoch == 7


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_tensor_rate_is_changed_in_place(schedule):
    rate = lineal.tensor(0.5, dtype=lineal.float64)
    optimizer = make(rate)
    scheduler = schedule(optimizer)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(rates(schedule)[3])


def test_jumping_to_an_epoch_uses_the_closed_form():
    optimizer = make()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9)
    optimizer.step()
    with pytest.warns(UserWarning, match="deprecated"):
        scheduler.step(5)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * 0.9**5)


def test_stepping_the_schedule_first_warns():
    scheduler = lr_scheduler.StepLR(make(), 1)
    with pytest.warns(UserWarning, match=r"before `optimizer\.step\(\)`"):
        scheduler.step()


def test_refused_arguments():
    with pytest.raises(TypeError, match="not an Optimizer"):
        lr_scheduler.StepLR(3, 1)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(make(), 1, last_epoch=4)
