"""Steps of many parameters by one native call: the same bits as one by one, whatever changes between steps."""

import sys
import threading

import numpy as np
import pytest

import lineal
from lineal import optim
from lineal.core import together

WAYS = [
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"maximize": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr_decay": 0.1}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adamax", {}),
    ("RAdam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("Rprop", {}),
]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(together, "HOT", 0)


def parameters(dtype=lineal.float32):
    """Return parameters of several shapes, one of them transposed, one empty."""
    random = np.random.default_rng(0)
    made = [lineal.tensor(random.normal(size=shape), dtype=dtype) for shape in ((3, 17), (), (5,), (0, 2), (4, 6))]
    made[-1] = made[-1].T.clone(memory_format=lineal.preserve_format)
    return [each.requires_grad_() for each in made]


def steps(name, options, dtype, change=lambda optimizer, n: None):
    """Return parameters after steps along grads that lie elsewhere each time."""
    ps = parameters(dtype)
    optimizer = getattr(optim, name)(ps, **options)
    for n in range(7):
        for k, each in enumerate(ps):
            each.grad = (each.detach() * (0.5 + k) + 0.1 * n).clone()
        change(optimizer, n)
        optimizer.step()
    return ps, optimizer


def bits(ps, optimizer):
    states = [each.value for p in ps for each in optimizer.state[p].values() if isinstance(each, lineal.Tensor)]
    return [each.tobytes() for each in [*(p.value for p in ps), *states]]


@pytest.fixture
def calls(monkeypatch):
    """Return a list of whether calls for all parameters were done."""
    made, real = [], together.done_together

    def told(name, *given):
        made.append(real(name, *given))
        return made[-1]

    monkeypatch.setattr(together, "done_together", told)
    return made


@pytest.mark.parametrize("dtype", [lineal.float32, lineal.float64])
@pytest.mark.parametrize(("name", "options"), WAYS)
def test_one_call_has_the_bits_of_single_updates(name, options, dtype, calls, monkeypatch):
    found = bits(*steps(name, options, dtype))
    assert sum(calls) >= 6
    monkeypatch.setattr(together, "done_together", lambda *_: False)
    assert bits(*steps(name, options, dtype)) == found


def shared_grad(optimizer, n):
    ps = optimizer.param_groups[0]["params"]
    ps[0].grad = ps[0].detach()


def grads_of_some(optimizer, n):
    for k, each in enumerate(optimizer.param_groups[0]["params"]):
        if (n + k) % 3 == 0:
            each.grad = None


def other_memory(optimizer, n):
    p = optimizer.param_groups[0]["params"][0]
    p.data = p.data.clone() if n % 2 else p.data.T.clone(memory_format=lineal.preserve_format).T
    state = optimizer.state[p]
    if n == 3:
        state["exp_avg"] = state["exp_avg"] * 2


def other_options(optimizer, n):
    group = optimizer.param_groups[0]
    group["lr"] = lineal.tensor(0.1 / (n + 1)) if n % 2 else 0.01 * n
    group["weight_decay"] = 0.1 * (n % 2)
    if n == 3:
        optimizer.load_state_dict(optimizer.state_dict())
    if n == 5:
        optimizer.add_param_group({"params": [group["params"].pop()]})


def doubled_views(optimizer, n):
    """Let two parameters look into one memory, apart from each other or overlapping."""
    ps = optimizer.param_groups[0]["params"]
    block = lineal.arange(12.0)
    ps[0].grad = ps[2].grad = None
    ps[0].data, ps[2].data = block[:5], block[(3 if n % 2 else 6) :][:5]
    ps[0].grad, ps[2].grad = lineal.ones(5), lineal.ones(5) * 2


CHANGES = [shared_grad, grads_of_some, other_memory, other_options]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_what_changes_between_steps_is_seen(name, change, monkeypatch):
    if name == "SGD" and change is other_memory:
        pytest.skip("no average of grads to replace")
    found = bits(*steps(name, {"lr": 0.1}, lineal.float32, change))
    monkeypatch.setattr(together, "done_together", lambda *_: False)
    assert bits(*steps(name, {"lr": 0.1}, lineal.float32, change)) == found


def test_parameters_over_one_memory_are_updated_one_after_the_other(monkeypatch):
    found = bits(*steps("SGD", {"lr": 0.1}, lineal.float32, doubled_views))
    monkeypatch.setattr(together, "done_together", lambda *_: False)
    assert bits(*steps("SGD", {"lr": 0.1}, lineal.float32, doubled_views)) == found


def test_a_backward_pass_notices_that_what_it_kept_was_updated(calls):
    ps, optimizer = steps("Adam", {}, lineal.float32)
    y = (ps[0] * ps[0]).sum()
    before = ps[0]._version
    optimizer.step()
    assert calls[-1] and ps[0]._version == before + 1
    with pytest.raises(RuntimeError, match=r"changed by `adam` .*test_steps_together"):
        y.backward()


def test_references_balance():
    ps, optimizer = steps("Adam", {}, lineal.float32)
    held = [*ps, *(each.value for each in ps), *(each.memory for each in ps), *(each.grad for each in ps)]
    before = [sys.getrefcount(each) for each in held]
    for _ in range(5):
        optimizer.step()
    assert [sys.getrefcount(each) for each in held] == before


def test_steps_with_a_history_are_made_one_by_one(calls):
    _, optimizer = steps("SGD", {"lr": 0.1}, lineal.float32)
    calls.clear()
    optimizer.defaults["differentiable"] = True
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        optimizer.step()
    assert not any(calls)


def test_what_was_made_in_inference_mode_is_not_updated_outside(calls):
    with lineal.inference_mode():
        state = lineal.zeros(3, 17)
    ps, optimizer = steps("SGD", {"lr": 0.1, "momentum": 0.9}, lineal.float32)
    optimizer.state[ps[0]]["momentum_buffer"] = state
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        optimizer.step()


def test_threads_that_update_the_same_long_parameters_have_tables_of_their_own():
    p = lineal.zeros(1 << 19, requires_grad=True)
    p.grad = lineal.ones(1 << 19)
    optimizers = [optim.SGD([p], lr=1.0) for _ in range(2)]
    arrays = [p.value, p.grad.value]
    before = [sys.getrefcount(each) for each in arrays]
    threads = [threading.Thread(target=lambda each=each: [each.step() for _ in range(20)]) for each in optimizers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [sys.getrefcount(each) for each in arrays] == before and -40 <= p.min().item() <= p.max().item() < 0


@pytest.mark.parametrize("hot", [0, 1 << 30])
def test_a_step_that_keeps_nothing_makes_no_state(hot, monkeypatch):
    """Neither where parameters come one after another, nor all at once."""
    monkeypatch.setattr(together, "HOT", hot)
    parameter = lineal.nn.Parameter(lineal.ones(3))
    optimizer = optim.SGD([parameter], lr=0.1)
    for _ in range(3):
        parameter.grad = lineal.ones(3)
        optimizer.step()
        assert not optimizer.state
