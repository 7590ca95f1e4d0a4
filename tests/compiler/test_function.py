"""Compiled functions do what the functions do: steps, guards, histories, failures."""

import copy
import threading
import warnings

import numpy as np
import pytest

import lineal as torch
from lineal import nn, optim


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


def pair(make, optimizer):
    """Return two equal models, each with its optimizer."""
    torch.manual_seed(0)
    net = make()
    twin = copy.deepcopy(net)
    return (net, optimizer(net.parameters())), (twin, optimizer(twin.parameters()))


def step_of(net, opt, criterion):
    def step(x, y):
        opt.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        opt.step()
        return loss

    return step


def perceptron():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_whole_training_steps_equal_eager_ones(name):
    (net, opt), (twin, other) = pair(perceptron, OPTIMIZERS[name])
    criterion = nn.CrossEntropyLoss()
    eager, step = step_of(net, opt, criterion), torch.compile(step_of(twin, other, criterion))
    for _ in range(6):
        x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))
        close(step(x, y), eager(x, y))
        for a, b in zip(net.parameters(), twin.parameters()):
            close(a, b)
            close(a.grad, b.grad)
    assert step.eager is None
    assert step.compilations == 1
    assert "0 host steps" in torch.explain(step)(x, y)


def test_the_learning_rate_is_live_and_other_options_are_guarded():
    (net, opt), (twin, other) = pair(perceptron, OPTIMIZERS["momentum"])
    criterion = nn.CrossEntropyLoss()
    eager, step = step_of(net, opt, criterion), torch.compile(step_of(twin, other, criterion))
    x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))
    for n in range(9):
        if n == 4:
            opt.param_groups[0]["lr"] = other.param_groups[0]["lr"] = 0.02
        if n == 6:
            assert step.compilations == 1
            opt.param_groups[0]["momentum"] = other.param_groups[0]["momentum"] = 0.5
        close(step(x, y), eager(x, y))
    assert step.compilations == 2


def test_modes_and_replaced_parameters_are_noticed():
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    f = torch.compile(lambda x: net(x))
    x = torch.randn(3, 4)
    with torch.no_grad():
        for mode in (False, True, False, True, False):
            net.train(mode)
            y = f(x)
            if not mode:
                close(y, net(x))
        net[0].weight = nn.Parameter(torch.zeros(4, 4))
        close(f(x), net(x))
        net[0].weight.fill_(1.0)
        close(f(x), net(x))


def test_loaded_optimizer_state_is_noticed():
    (net, opt), (twin, other) = pair(perceptron, OPTIMIZERS["adam"])
    criterion = nn.CrossEntropyLoss()
    eager, step = step_of(net, opt, criterion), torch.compile(step_of(twin, other, criterion))
    x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))
    for n in range(8):
        if n == 5:
            opt.load_state_dict(copy.deepcopy(opt.state_dict()))
            other.load_state_dict(copy.deepcopy(other.state_dict()))
        close(step(x, y), eager(x, y))


def test_results_can_be_differentiated_outside():
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    twin = copy.deepcopy(net)
    f = torch.compile(lambda x: (net(x), x.sum(), x.detach() * 2))
    for _ in range(4):
        x = torch.randn(3, 4, requires_grad=True)
        z = x.detach().clone().requires_grad_()
        for each in (*net.parameters(), *twin.parameters()):
            each.grad = None
        y, total, constant = f(x)
        assert not constant.requires_grad
        ((y**2).sum() + total).backward()
        ((twin(z) ** 2).sum() + z.sum()).backward()
        close(x.grad, z.grad)
        for a, b in zip(net.parameters(), twin.parameters()):
            close(a.grad, b.grad)
    (g,) = torch.autograd.grad((f(x)[0] ** 2).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad((twin(z) ** 2).sum(), z, create_graph=True)
    close(torch.autograd.grad(g.sum(), x)[0], torch.autograd.grad(h.sum(), z)[0])


def test_backward_twice_through_a_compiled_function_is_refused():
    f = torch.compile(lambda x: (x * x).sum())
    x = torch.randn(3, requires_grad=True)
    for _ in range(2):
        f(x)
    y = f(x)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_new_kinds_of_arguments_get_programs_of_their_own_and_many_are_reported():
    f = torch.compile(lambda x: torch.tanh(x).sum())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ndim in range(1, 9):
            for _ in range(3):
                x = torch.ones((2,) * ndim)
                close(f(x), torch.tanh(x).sum())
    with pytest.warns(UserWarning, match="compiled for the 9th time"):
        f(torch.ones((2,) * 9))


def test_accumulated_grads_are_accumulated():
    net = nn.Linear(3, 1)
    twin = copy.deepcopy(net)
    f = torch.compile(lambda x: net(x).sum().backward())
    for n in range(6):
        x = torch.randn(2, 3)
        f(x)
        twin(x).sum().backward()
        close(net.weight.grad, twin.weight.grad)
        if n == 3:
            net.zero_grad()
            twin.zero_grad()


def test_writes_into_views_of_captured_tensors():
    buffer, twin = torch.zeros(4, 3), torch.zeros(4, 3)

    def f(x, into):
        into[1:3, 0] += x
        into.t()[2].mul_(0.5)
        return into.sum() + into[1, 0]

    compiled = torch.compile(lambda x: f(x, buffer))
    for _ in range(4):
        x = torch.randn(2)
        close(compiled(x), f(x, twin))
        close(buffer, twin)


def test_nests_and_keywords():
    f = torch.compile(lambda pair, scale=1.0, *, extra=None: {"sum": pair[0] + pair[1]["b"] * scale, "n": 3, "extra": extra})
    a, b = torch.ones(2), torch.ones(2)
    for scale in (1.0, 2.0, 1.0, 2.0, 2.0):
        found = f((a, {"b": b}), scale=scale, extra="word")
        assert found["sum"].tolist() == [1 + scale, 1 + scale]
        assert found["n"] == 3
        assert found["extra"] == "word"


def test_reading_a_number_is_refused_with_the_line():
    f = torch.compile(lambda x: x * x.sum().item())
    with pytest.warns(UserWarning, match=r"runs eagerly: a float is read from a tensor .*test_function\.py"):
        y = f(torch.ones(2))
    assert y.tolist() == [2, 2]
    assert f(torch.full((2,), 2.0)).tolist() == [8, 8]


def test_an_index_out_of_range_is_an_error_and_changes_nothing():
    (net, opt), _ = pair(perceptron, OPTIMIZERS["sgd"])
    step = torch.compile(step_of(net, opt, nn.CrossEntropyLoss()))
    x, y = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    for _ in range(3):
        step(x, y)
    before = [p.detach().clone() for p in net.parameters()]
    with pytest.raises(IndexError):
        step(x, torch.tensor([0, 1, 7, 0, 1]))
    for p, old in zip(net.parameters(), before):
        assert torch.equal(p, old)


def test_random_numbers_differ_from_call_to_call_and_equal_eager_ones():
    def f(x):
        return x + torch.rand(3)

    compiled = torch.compile(f)
    x = torch.zeros(3)
    torch.manual_seed(1)
    expected = [f(x) for _ in range(4)]
    torch.manual_seed(1)
    found = [compiled(x) for _ in range(4)]
    for a, b in zip(found, expected):
        assert torch.equal(a, b)
    assert not torch.equal(found[2], found[3])


def test_old_histories_notice_that_a_program_has_written():
    w = torch.ones(2, requires_grad=True)
    y = (w.detach() * 1).requires_grad_()
    z = (y * y).sum()

    @torch.compile
    def change(x):
        with torch.no_grad():
            y.mul_(x)
        return x

    for _ in range(3):
        change(torch.full((2,), 2.0))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_threads_share_a_program():
    f = torch.compile(lambda x: torch.tanh(x @ x.T).sum(0) * 2)
    inputs = [torch.randn(32, 32) for _ in range(8)]
    f(inputs[0])
    f(inputs[0])
    wrong = []

    def work(x):
        expected = torch.tanh(x @ x.T).sum(0) * 2
        for _ in range(50):
            if not torch.allclose(f(x), expected, atol=1e-4):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(x,)) for x in inputs]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_methods_and_decorators():
    class Model:
        def __init__(self):
            self.scale = torch.tensor(2.0)

        @torch.compile
        def double(self, x):
            return x * self.scale

    model = Model()
    for _ in range(3):
        assert model.double(torch.ones(2)).tolist() == [2, 2]

    @torch.compile(mode="default")
    def named(x):
        """Say something."""
        return x

    assert named.__doc__ == "Say something."
    with pytest.raises(TypeError, match="unexpected options"):
        torch.compile(speed=3)


def test_what_leaves_tensors_behind_at_every_call_runs_eagerly():
    kept = []

    @torch.compile
    def f(x):
        kept.append(x * 2)
        return x + 1

    with pytest.warns(UserWarning, match="every call"):
        for n in range(6):
            f(torch.full((2,), float(n)))
    assert [each[0].item() for each in kept] == [0, 2, 4, 6, 8, 10]


def test_the_code_can_be_read():
    f = torch.compile(lambda x: torch.tanh(x) * 2)
    for x in (torch.ones(40), torch.ones(40, requires_grad=True)):
        for _ in range(3):
            f(x)
        assert "define" in f.last.llvm()
        assert "ret" in f.last.asm()


def test_only_what_can_be_called_is_compiled():
    with pytest.raises(TypeError, match="expected a function or a module, got int"):
        torch.compile(3)
