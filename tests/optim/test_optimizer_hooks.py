"""Hooks of optimizers, subclasses of the user's, and what is refused."""

import copy
import pickle

import pytest

import lineal
from lineal import nn, optim
from lineal.optim import optimizer as shared


def make(kind=optim.SGD, **options):
    parameter = nn.Parameter(lineal.ones(2))
    parameter.grad = lineal.ones(2)
    return parameter, kind([parameter], lr=0.1, **options)


class Doubled(optim.SGD):
    def step(self, closure=None):
        super().step()
        return super().step(closure)


@pytest.mark.parametrize("kind", [optim.SGD, Doubled])
def test_hooks_surround_each_step_once(kind):
    parameter, optimizer = make(kind)
    seen = []
    handles = [
        optimizer.register_step_post_hook(lambda *_: seen.append(("after", parameter[0].item()))),
        optimizer.register_step_pre_hook(lambda *_: seen.append(("before", parameter[0].item()))),
        shared.register_optimizer_step_pre_hook(lambda *_: seen.append(("first", type(_[0])))),
        shared.register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append(("last", args[0] is o and kwargs))),
    ]
    optimizer.step(closure=None)
    end = parameter[0].item()
    assert seen == [("first", kind), ("before", 1.0), ("after", end), ("last", {"closure": None})]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4


def test_a_step_that_a_class_is_given_later_has_hooks():
    class Odd(optim.SGD):
        pass

    taken, seen = [], []
    Odd.step = lambda self, closure=None: taken.append(1)
    _, optimizer = make(Odd)
    optimizer.register_step_pre_hook(lambda *_: seen.append(1))
    optimizer.step()
    assert taken == seen == [1]


def test_a_hook_may_give_other_arguments():
    _, optimizer = make()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"closure": lambda: 7.0}))
    assert optimizer.step() == 7.0
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()


def test_hooks_of_states():
    _, optimizer = make(momentum=0.9)
    optimizer.step()
    seen = []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("saving"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_load_state_dict_pre_hook(
        lambda o, state: {**state, "param_groups": seen.append(state["more"]) or groups}
    )
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    state = optimizer.state_dict()
    groups = [{**state["param_groups"][0], "lr": 0.5}]
    optimizer.load_state_dict(state)
    assert seen == ["saving", 1, "loaded"] and optimizer.param_groups[0]["lr"] == 0.5
    assert state["param_groups"][0]["lr"] == 0.1


class Plain(optim.Optimizer):
    """As programs of others are written: no `_update_`, and state of its own."""

    def __init__(self, params, lr=shared.required):
        super().__init__(params, {"lr": lr})

    @lineal.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for each in group["params"]:
                state = self.state[each]
                state["step"] = state.get("step", 0) + 1
                each.add_(each.grad, alpha=-group["lr"])


def test_a_subclass_with_a_step_of_its_own():
    parameter, optimizer = make(Plain)
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()
    schedule.step()
    assert seen == [1] and parameter[0].item() == pytest.approx(0.9) and optimizer.param_groups[0]["lr"] == pytest.approx(0.01)
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.state[parameter]["step"] == 1
    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Plain([parameter])
    with pytest.raises(NotImplementedError):
        optim.Optimizer([parameter], {"lr": 0.1}).step()


@pytest.mark.parametrize("again", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_goes_on_by_itself(again):
    parameter, optimizer = make(optim.Adam)
    optimizer.step()
    other = again(optimizer)
    (copied,) = other.param_groups[0]["params"]
    copied.grad = lineal.ones(2)
    other.step()
    assert other.state[copied]["step"].item() == 2 and optimizer.state[parameter]["step"].item() == 1
    assert not lineal.equal(copied, parameter)


def test_state_of_an_earlier_version_is_completed():
    parameter, optimizer = make(optim.Adam)
    optimizer.step()
    state = optimizer.state_dict()
    old = {name: state["param_groups"][0][name] for name in ("lr", "betas", "eps", "weight_decay", "params")}
    entries = {**state["state"][0], "step": 1}
    optimizer.load_state_dict({"state": {0: entries}, "param_groups": [old]})
    optimizer.step()
    assert optimizer.param_groups[0]["amsgrad"] is False and optimizer.state[parameter]["step"].item() == 2


P = nn.Parameter(lineal.ones(2, 2))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.Adam([P], fused=True, foreach=True), RuntimeError, "cannot be `True` together"),
        (lambda: optim.SGD([P], fused=True, differentiable=True), RuntimeError, "does not support `differentiable`"),
        (lambda: optim.Adam([P], lr=lineal.tensor(0.1), foreach=True), ValueError, "lr as a Tensor"),
        (lambda: optim.Adam([P], betas=(0, 0.9)), ValueError, "either both floats or both Tensors"),
        (lambda: optim.RAdam([P], lr=lineal.ones(2)), ValueError, "1-element"),
        (lambda: optim.Muon([nn.Parameter(lineal.ones(2))]), ValueError, "only supports 2D"),
        (lambda: optim.Muon([P], adjust_lr_fn="none"), ValueError, "not supported"),
        (lambda: optim.Adafactor([P], d=0.5), ValueError, "threshold"),
        (lambda: optim.Rprop([P], etas=(1.0, 1.2)), ValueError, "eta values: 1.0, 1.2"),
        (lambda: optim.LBFGS([{"params": [P]}, {"params": [nn.Parameter(lineal.ones(1))]}]), ValueError, "groups"),
        (lambda: optim.SGD([P]).add_param_group({"params": [("a", nn.Parameter(lineal.ones(1)))]}), ValueError, "names"),
    ],
)
def test_refused_options(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_gradient_that_is_not_sparse_is_refused():
    _, optimizer = make(optim.SparseAdam)
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        optimizer.step()


@pytest.mark.parametrize(
    ("options", "calls"),
    [({}, 7), ({"max_iter": 3}, 3), ({"max_iter": 1}, 1), ({"max_iter": 1, "line_search_fn": "strong_wolfe"}, 2)],
)
def test_lbfgs_calls_its_closure_as_often_as_pytorchs(options, calls):
    x = lineal.tensor([3.0, -2.0], requires_grad=True)
    optimizer, losses = optim.LBFGS([x], **options), []

    def closure():
        optimizer.zero_grad()
        loss = x[0] ** 2 + 10 * x[1] ** 2
        loss.backward()
        losses.append(loss.item())
        return loss

    first = optimizer.step(closure)
    assert len(losses) == calls and first.item() == losses[0] == 49.0


def test_steps_that_are_differentiated():
    def trained(rate):
        parameter = lineal.tensor([1.0, -2.0], dtype=lineal.float64).requires_grad_().clone()
        optimizer = optim.AdamW([parameter], lr=rate, differentiable=True)
        for _ in range(3):
            parameter.grad = parameter * 2
            optimizer.step()
        return (parameter**2).sum()

    assert lineal.autograd.gradcheck(trained, lineal.tensor(0.1, dtype=lineal.float64, requires_grad=True))
