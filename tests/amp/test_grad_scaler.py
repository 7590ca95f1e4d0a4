"""GradScaler: how the scale moves, which steps are skipped, what order is refused; and trainings in half precision."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import lineal as torch
from lineal import nn
from lineal.nn import functional


def scaled_model(**options):
    """Return a model of one weight, its optimizer and a scaler."""
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    return model, torch.optim.SGD(model.parameters(), lr=0.5), torch.amp.GradScaler("cpu", **options)


def backward(model, scaler, x):
    scaler.scale(model(torch.tensor([[x]])).sum()).backward()


def test_the_scale_grows_falls_and_steps_are_skipped():
    model, optimizer, scaler = scaled_model(init_scale=8.0, growth_interval=2)
    scales, weights = [], []
    for x in (1.0, 1.0, float("inf"), 1.0, float("nan"), 1.0, 1.0):
        optimizer.zero_grad()
        backward(model, scaler, x)
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
        weights.append(model.weight.item())
    assert scales == [8.0, 16.0, 8.0, 8.0, 4.0, 4.0, 8.0]
    assert weights == [0.5, 0.0, 0.0, -0.5, -0.5, -1.0, -1.5]


def test_the_scale_stays_finite():
    model, optimizer, scaler = scaled_model(init_scale=2.0**127, growth_interval=1)
    backward(model, scaler, 1e-30)
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2.0**127 and scaler._get_growth_tracker() == 0


def test_gradients_may_be_looked_at_between():
    model, optimizer, scaler = scaled_model(init_scale=1024.0)
    backward(model, scaler, 3.0)
    assert model.weight.grad.item() == 3 * 1024
    scaler.unscale_(optimizer)
    assert model.weight.grad.item() == 3.0
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    assert model.weight.item() == pytest.approx(0.5)


def test_one_overflow_of_several_optimizers_lets_the_scale_fall_once():
    (model, first, scaler), other = scaled_model(init_scale=8.0), nn.Linear(1, 1, bias=False)
    second = torch.optim.SGD(other.parameters(), lr=0.5)
    backward(model, scaler, float("inf"))
    backward(other, scaler, 1.0)
    before = other.weight.item()
    scaler.step(first)
    scaler.step(second)
    scaler.update()
    assert scaler.get_scale() == 4.0 and model.weight.item() == 1.0 and other.weight.item() == before - 0.5


def test_a_wrong_order_is_refused():
    model, optimizer, scaler = scaled_model()
    for call in (lambda: scaler.unscale_(optimizer), lambda: scaler.step(optimizer), scaler.update):
        with pytest.raises(AssertionError, match="_scale is None"):
            call()
    backward(model, scaler, 1.0)
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()
    with pytest.raises(RuntimeError, match="Closure use"):
        scaler.step(optimizer, closure=lambda: None)
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        scaler.step(optimizer)
    with pytest.raises(AssertionError, match="may only be pickled"):
        pickle.dumps(scaler)
    scaler.update()
    model.weight.grad = None
    with pytest.raises(AssertionError, match="No inf checks were recorded for this optimizer"):
        scaler.step(optimizer)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(AssertionError, match="growth factor"):
        torch.amp.GradScaler("cpu", growth_factor=1.0)
    with pytest.raises(AssertionError, match="backoff factor"):
        torch.amp.GradScaler("cpu", backoff_factor=1.0)
    with pytest.raises(ValueError, match="iterable of Tensors, got int"):
        torch.amp.GradScaler("cpu").scale([1])
    model, optimizer, scaler = scaled_model()
    model.half()
    model.weight.grad = torch.ones(1, 1, dtype=torch.float16)
    scaler.scale(torch.ones(()))
    with pytest.raises(ValueError, match="FP16 gradients"):
        scaler.unscale_(optimizer)
    with pytest.raises(AssertionError, match="new_scale should be"):
        scaler.update(torch.ones(2))


def test_a_new_scale_may_be_given_and_nests_are_scaled():
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    x, (y, (z,)) = scaler.scale([torch.ones(2), (torch.ones(()), [torch.tensor(2.0)])])
    assert (x.tolist(), y.item(), z.item()) == ([4.0, 4.0], 4.0, 8.0)
    scaler.update(2.0)
    assert scaler.get_scale() == 2.0
    scaler.update(torch.tensor([16.0]))
    assert scaler.get_scale() == 16.0


def test_a_state_goes_on_elsewhere():
    model, optimizer, scaler = scaled_model(init_scale=8.0, growth_interval=3)
    backward(model, scaler, 1.0)
    scaler.step(optimizer)
    scaler.update()
    state = scaler.state_dict()
    wanted = {"scale": 8.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 3, "_growth_tracker": 1}
    assert state == wanted
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(state)
    assert other.state_dict() == state == pickle.loads(pickle.dumps(scaler)).state_dict()
    with pytest.raises(RuntimeError, match="source state dict is empty"):
        other.load_state_dict({})


def test_without_scaling_everything_passes_through():
    with pytest.warns(UserWarning, match="CUDA is not available"):
        scaler = torch.amp.GradScaler()
    model, optimizer, _ = scaled_model()
    assert not scaler.is_enabled() and scaler.get_scale() == 1.0 and scaler.state_dict() == {}
    backward(model, scaler, 1.0)
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    scaler.load_state_dict({})
    assert model.weight.item() == 0.5
    with pytest.warns(FutureWarning, match="torch.amp.GradScaler"):
        assert torch.cpu.amp.GradScaler().is_enabled()


def trained(model, x, t, dtype, compiled):
    """Return the losses of a training with autocast and a scaler, whose scale begins too large for float16."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=4)

    def step(x, t):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32):
            loss = functional.cross_entropy(model(x), t)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.detach()

    run = torch.compile(step) if compiled else step
    losses = [run(x, t).item() for _ in range(30)]
    assert not compiled or run.eager is None
    return losses, scaler.get_scale()


def mlp():
    return nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.LayerNorm(32), nn.Linear(32, 4)), torch.randn(16, 12)


def cnn():
    layers = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 4)
    return nn.Sequential(*layers), torch.randn(16, 1, 8, 8)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("made", [mlp, cnn])
def test_trainings_in_half_precision_follow_those_in_float32_eager_and_compiled(made, dtype):
    curves = {}
    for kind, compiled in ((torch.float32, False), (dtype, False), (dtype, True)):
        torch.manual_seed(3)
        model, x = made()
        t = torch.arange(16) % 4
        curves[kind, compiled], scale = trained(model, x, t, kind, compiled)
    wide, narrow, native = (np.array(each) for each in curves.values())
    skipped = int(np.sum(narrow[1:] == narrow[:-1]))
    assert narrow[-1] < 0.8 * narrow[0] and scale > 1
    np.testing.assert_allclose(narrow, native, atol=0.05)
    end = len(wide) - skipped
    np.testing.assert_allclose(wide[:end][-1], narrow[-1], atol=0.1)
