"""Optimizers against their formulas, step by step in NumPy."""

import math

import numpy as np
import pytest

import lineal
from lineal import nn, optim

START = np.array([[1.0, -2.0, 0.5], [3.0, 0.1, -0.7]])
CURVATURE = np.array([[1.0, 2.0, 0.5], [0.3, 4.0, 1.5]])


def gradient(p):
    return CURVATURE * p + 0.1


def sgd(p, steps, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    v = None
    for _ in range(steps):
        d = (-gradient(p) if maximize else gradient(p)) + weight_decay * p
        if momentum:
            v = d if v is None else momentum * v + (1 - dampening) * d
            d = d + momentum * v if nesterov else v
        p = p - lr * d
    return p


def adam(p, steps, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False, decoupled=False):
    m = v = greatest = np.zeros_like(p)
    for t in range(1, steps + 1):
        g = -gradient(p) if maximize else gradient(p)
        if decoupled:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        greatest = np.maximum(greatest, v)
        corrected = (greatest if amsgrad else v) / (1 - betas[1] ** t)
        p = p - lr * m / (1 - betas[0] ** t) / (np.sqrt(corrected) + eps)
    return p


def run(make, steps=7, dtype=lineal.float64):
    p = nn.Parameter(lineal.tensor(START, dtype=dtype))
    curvature = lineal.tensor(CURVATURE, dtype=dtype)
    optimizer = make([p])
    for _ in range(steps):
        optimizer.zero_grad()
        (curvature * p * p / 2 + 0.1 * p).sum().backward()
        optimizer.step()
    return p.detach().numpy()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"maximize": True},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05},
        {"momentum": 0.8, "nesterov": True},
        {"momentum": 0.8, "nesterov": True, "maximize": True, "weight_decay": 0.01},
    ],
    ids=str,
)
def test_sgd(options):
    found = run(lambda params: optim.SGD(params, lr=0.05, **options))
    np.testing.assert_allclose(found, sgd(START, 7, 0.05, **options), rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"betas": (0.5, 0.7), "eps": 1e-3},
        {"weight_decay": 0.1},
        {"amsgrad": True, "betas": (0.9, 0.5)},
        {"maximize": True, "weight_decay": 0.1},
    ],
    ids=str,
)
def test_adam(options):
    found = run(lambda params: optim.Adam(params, lr=0.1, **options))
    np.testing.assert_allclose(found, adam(START, 7, 0.1, **options), rtol=1e-12)


def test_adamw_decays_the_parameters_themselves():
    found = run(lambda params: optim.AdamW(params, lr=0.1, weight_decay=0.2))
    np.testing.assert_allclose(found, adam(START, 7, 0.1, weight_decay=0.2, decoupled=True), rtol=1e-12)
    by_default = run(lambda params: optim.AdamW(params, lr=0.1))
    np.testing.assert_allclose(by_default, adam(START, 7, 0.1, weight_decay=0.01, decoupled=True), rtol=1e-12)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW])
def test_float32_stays_float32(kind):
    found = run(lambda params: kind(params, lr=0.01), dtype=lineal.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, run(lambda params: kind(params, lr=0.01)), rtol=1e-5)


def test_the_first_step_of_adam_is_the_learning_rate():
    p = nn.Parameter(lineal.tensor([1.0, -1.0]))
    p.grad = lineal.tensor([1e-4, -1e4])
    optim.Adam([p], lr=0.01).step()
    np.testing.assert_allclose(p.detach().numpy(), [0.99, -0.99], rtol=1e-4)


def test_a_tensor_as_learning_rate():
    rate = lineal.tensor(0.05, dtype=lineal.float64)
    found = run(lambda params: optim.SGD(params, lr=rate))
    np.testing.assert_allclose(found, sgd(START, 7, 0.05), rtol=1e-12)


def test_parameters_without_grad_are_left_alone():
    p, q = nn.Parameter(lineal.ones(1)), nn.Parameter(lineal.ones(1))
    optimizer = optim.Adam([p, q])
    p.grad = lineal.ones(1)
    optimizer.step()
    assert q.item() == 1.0
    assert q not in optimizer.state
    assert p.item() < 1.0


def test_steps_are_not_recorded():
    p = nn.Parameter(lineal.ones(2))
    p.grad = lineal.ones(2)
    optim.SGD([p], lr=0.5).step()
    assert p.is_leaf
    assert p.requires_grad
    assert p.tolist() == [0.5, 0.5]


def test_a_closure_is_evaluated_with_grad():
    p = nn.Parameter(lineal.tensor([2.0]))
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with lineal.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 4.0
    assert p.item() == 1.0


def test_zero_grad():
    p = nn.Parameter(lineal.ones(1))
    optimizer = optim.SGD([p])
    p.grad = lineal.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.item() == 0.0
    optimizer.zero_grad()
    assert p.grad is None


def test_groups_have_options_of_their_own():
    p, q = nn.Parameter(lineal.zeros(1)), nn.Parameter(lineal.zeros(1))
    optimizer = optim.SGD([{"params": [p]}, {"params": q, "lr": 0.1}], lr=1.0)
    r = nn.Parameter(lineal.zeros(1))
    optimizer.add_param_group({"params": [r], "lr": 10.0})
    for parameter in (p, q, r):
        parameter.grad = lineal.ones(1)
    optimizer.step()
    assert [p.item(), pytest.approx(q.item()), r.item()] == [-1.0, -0.1, -10.0]
    assert [group["momentum"] for group in optimizer.param_groups] == [0, 0, 0]


def test_named_parameters_are_accepted():
    optimizer = optim.SGD(nn.Linear(1, 1).named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert len(optimizer.param_groups[0]["params"]) == 2


P = nn.Parameter(lineal.ones(2))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.SGD([]), ValueError, "empty parameter list"),
        (lambda: optim.SGD(P), TypeError, "iterable of Tensors or dicts"),
        (lambda: optim.SGD([3]), TypeError, "only optimize Tensors"),
        (lambda: optim.SGD([P * 2]), ValueError, "non-leaf"),
        (lambda: optim.SGD([{"params": {P}}]), TypeError, "ordered"),
        (lambda: optim.SGD([{"params": [P]}, {"params": [P]}]), ValueError, "more than one parameter group"),
        (lambda: optim.SGD([P], lr=-1.0), ValueError, "Invalid learning rate"),
        (lambda: optim.SGD([P], momentum=-1.0), ValueError, "Invalid momentum"),
        (lambda: optim.SGD([P], weight_decay=-1.0), ValueError, "Invalid weight_decay"),
        (lambda: optim.SGD([P], nesterov=True), ValueError, "Nesterov"),
        (lambda: optim.Adam([P], betas=(1.0, 0.9)), ValueError, "beta parameter at index 0"),
        (lambda: optim.Adam([P], betas=(0.9, -0.1)), ValueError, "beta parameter at index 1"),
        (lambda: optim.Adam([P], eps=-1.0), ValueError, "Invalid epsilon"),
    ],
)
def test_refused_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_parameter_twice_in_a_group_warns():
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([P, P])


def train_line(make):
    lineal.manual_seed(0)
    x = lineal.linspace(-1, 1, 50).reshape(-1, 1)
    y = 3 * x - 0.5
    model = nn.Linear(1, 1)
    optimizer = make(model.parameters())
    for _ in range(300):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    return model.weight.item(), model.bias.item()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
        lambda p: optim.Adam(p, lr=0.1),
        lambda p: optim.AdamW(p, 0.1, weight_decay=0.0),
    ],
)
def test_a_line_is_found(make):
    slope, shift = train_line(make)
    assert math.isclose(slope, 3.0, abs_tol=1e-3)
    assert math.isclose(shift, -0.5, abs_tol=1e-3)


@pytest.mark.parametrize(
    ("grad", "error", "message"),
    [
        (lineal.ones(1), RuntimeError, r"grad: expected .* shape \[3\].* got .* shape \[1\]"),
        (lineal.ones(3, dtype=lineal.float64), RuntimeError, "grad: expected a tensor of dtype .*float32 .*float64"),
        (1.0, TypeError, "grad: expected a tensor or None, got float"),
    ],
)
def test_a_grad_that_does_not_fit_is_refused_before_any_step(grad, error, message):
    p = lineal.ones(3, requires_grad=True)
    with pytest.raises(error, match=message):
        p.grad = grad
    assert p.grad is None


AT_ONCE = [("SGD", {"momentum": 0.9, "weight_decay": 0.1}), ("Adam", {"amsgrad": True}), ("RMSprop", {}), ("Adagrad", {})]
AT_ONCE += [(name, {}) for name in ("ASGD", "Adadelta", "Adafactor", "Adamax", "NAdam", "RAdam", "Rprop")]
SHAPES = [((70, 30), "float32"), ((40,), "float32"), ((), "float64"), ((0, 3), "float32"), ((40, 50), "float64")]


@pytest.mark.parametrize("name, options", AT_ONCE)
def test_parameters_take_the_same_steps_at_once_as_alone(name, options):
    ends = []
    for alone in (False, True):
        random = np.random.default_rng(0)
        parameters = [nn.Parameter(lineal.tensor(random.standard_normal(shape).astype(dtype))) for shape, dtype in SHAPES]
        groups = [[each] for each in parameters] if alone else [parameters]
        optimizers = [getattr(optim, name)(group, lr=0.1, **options) for group in groups]
        for _ in range(3):
            for each in parameters:
                each.grad = lineal.tensor(random.standard_normal(each.shape).astype(each.detach().numpy().dtype))
            for optimizer in optimizers:
                optimizer.step()
        ends.append([each.detach().numpy() for each in parameters])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6)


def test_parameters_that_share_memory_or_are_a_grad_take_their_steps_in_order():
    w = lineal.ones(3, 2000)
    whole, part, other = nn.Parameter(w), nn.Parameter(w[1]), nn.Parameter(lineal.zeros(3, 2000))
    whole.grad, part.grad, other.grad = lineal.ones(3, 2000), w[0], whole.detach()
    optim.SGD([whole, part, other], lr=0.5).step()
    assert whole[:, 0].tolist() == [0.5, 0.25, 0.5] and other[:, 0].tolist() == [-0.25, -0.125, -0.25]
