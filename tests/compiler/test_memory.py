"""What compiled functions and the world share: grads that come and go, one memory for two tensors, one tensor twice."""

import copy
import tracemalloc

import pytest

import lineal as torch
from lineal import nn, optim


def both(make, calls):
    """Call two functions made alike, one compiled, and compare after each call; return the compiled one."""
    (f, state), (eager, twin) = make(), make()
    compiled = torch.compile(f)
    for prepare, args in calls:
        for each in (state, twin):
            prepare(*each)
        for a, b in zip(tensors(compiled(*copy.deepcopy(args))), tensors(eager(*copy.deepcopy(args)))):
            assert torch.allclose(a, b)
        for a, b in zip(state, twin):
            assert torch.allclose(a, b)
            assert (a.grad is None) == (b.grad is None)
            assert a.grad is None or torch.allclose(a.grad, b.grad)
    return compiled


def tensors(result):
    return [each for each in (result if isinstance(result, tuple) else (result,)) if each is not None]


def weight():
    return torch.tensor([1.0, -2.0, 3.0], requires_grad=True)


def give(w):
    w.grad = torch.tensor([0.5, 1.0, 2.0])


def forget(w):
    w.grad = None


def leave(w):
    pass


X = torch.tensor([1.0, 2.0, 3.0])


@pytest.mark.parametrize("to_none", [True, False])
def test_grads_that_are_only_cleared_are_cleared(to_none):
    def make():
        w = weight()
        opt = optim.SGD([w], lr=0.1)

        def f(x):
            opt.zero_grad(set_to_none=to_none)
            return x * 2

        return f, (w,)

    found = both(make, [(prepare, (X,)) for prepare in (give, give, leave, give, forget, give, give)])
    assert found.eager is None
    assert found.compilations <= 3


@pytest.mark.parametrize("optimizer", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.1)])
def test_a_step_alone_takes_the_grads_that_are_there(optimizer):
    def make():
        w = weight()
        opt = optimizer([w])
        return lambda: opt.step(), (w,)

    found = both(make, [(prepare, ()) for prepare in (give, give, give, give, forget, give, leave, give)])
    assert found.eager is None
    assert found.compilations <= 2


def test_grads_are_accumulated_into_whatever_tensor_is_there():
    def make():
        w = weight()

        def f(x):
            (w * w * x).sum().backward()

        return f, (w,)

    before = (forget, leave, leave, give, forget, give, leave, give)
    found = both(make, [(prepare, (X * n,)) for n, prepare in enumerate(before)])
    assert found.eager is None
    assert found.compilations == 2


def test_the_norm_of_grads_from_outside():
    def make():
        w = weight()

        def f():
            torch.nn.utils.clip_grad_norm_([w], 1.0)
            return w.grad * 2

        return f, (w,)

    assert both(make, [(give, ())] * 5).compilations == 1


def test_a_grad_put_there_from_outside():
    def make():
        w, other = weight(), torch.ones(3)

        def f(x):
            w.grad = other
            return x + w.grad

        return f, (w,)

    assert both(make, [(prepare, (X,)) for prepare in (forget, give, forget, leave, give)]).eager is None


def test_differentiated_inside_and_outside():
    w, v = weight(), weight()

    def f(x, w):
        w.grad = None
        (w * x).sum().backward()
        return (w * w).sum()

    compiled = torch.compile(lambda x: f(x, w))
    for n in range(4):
        compiled(X * n).backward()
        f(X * n, v).backward()
        assert torch.allclose(w.grad, v.grad)
    assert compiled.eager is None


def test_a_result_that_is_a_parameter_seen_again_can_be_differentiated():
    w = weight()
    compiled = torch.compile(lambda: (w.squeeze(), w.squeeze() * 2))
    for n in range(1, 5):
        sum(y.sum() for y in compiled()).backward()
        assert w.grad.tolist() == [3 * n] * 3


def test_a_result_that_is_all_overwritten_has_a_history_of_nothing():
    w = weight()

    def f(w):
        y = w.clone()
        y.fill_(2.0)
        return y

    compiled = torch.compile(f)
    for _ in range(3):
        y = compiled(w)
        assert y.requires_grad
        (g,) = torch.autograd.grad(y.sum(), w)
        assert g.tolist() == [0, 0, 0]


def test_tensors_over_the_same_memory_run_eagerly_when_one_is_written():
    a = torch.zeros(4)
    b = torch.from_numpy(a.numpy()[1:])

    def f(x):
        a.add_(x)
        b.mul_(2)
        return a + x

    compiled = torch.compile(f)
    with pytest.warns(UserWarning, match="two tensors from outside share memory"):
        compiled(torch.ones(4))
    compiled(torch.ones(4))
    assert a.tolist() == [2, 6, 6, 6]


def test_tensors_over_the_same_memory_that_are_only_read_are_compiled():
    a = torch.arange(4.0)
    b, c = torch.from_numpy(a.numpy()[1:]), a.detach()
    compiled = torch.compile(lambda x: a[1:] + b + c[1:] + x)
    for _ in range(3):
        assert compiled(torch.ones(3)).tolist() == [4, 7, 10]
    assert compiled.eager is None
    a.mul_(2)
    assert compiled(torch.ones(3)).tolist() == [7, 13, 19]


def test_detached_tensors_are_the_same_memory():
    a = torch.zeros(3)
    b = a.detach()

    def f(x):
        a.add_(x)
        b.mul_(2)
        return a + b

    compiled = torch.compile(f)
    for expected in (4, 12, 28):
        assert compiled(torch.ones(3)).tolist() == [expected] * 3
    assert compiled.eager is None


def test_one_tensor_for_two_arguments_is_another_case_than_two():
    f = torch.compile(lambda a, b: a * 2 + b)
    x, y = torch.ones(2), torch.full((2,), 10.0)
    for a, b, expected in ((x, x, 3), (x, x, 3), (x, y, 12), (y, x, 21), (y, y, 30), (x, y, 12)):
        assert f(a, b).tolist() == [expected, expected]
    g = torch.compile(lambda a, b: (a * b).sum())
    w, v = weight(), weight()
    for a, b in ((w, w), (w, w), (w, v), (w, w)):
        w.grad = v.grad = None
        g(a, b).backward()
        assert w.grad.tolist() == [2, -4, 6] if a is b else w.grad.tolist() == [1, -2, 3]


def test_an_argument_that_is_written_and_overlaps_another():
    def f(a, b):
        a.add_(1)
        b.mul_(2)
        return a + b

    compiled = torch.compile(f)
    for _ in range(3):
        assert compiled(torch.zeros(3), torch.ones(3)).tolist() == [3, 3, 3]
    x, y = torch.zeros(4), torch.zeros(4)
    for _ in range(2):
        assert torch.equal(compiled(x[:3], x[1:]), f(y[:3], y[1:]))
        assert torch.equal(x, y)
    assert compiled.eager is None
    assert compiled(torch.zeros(3), torch.ones(3)).tolist() == [3, 3, 3]


def test_an_unrolled_loop_saves_one_block():
    cell = nn.Linear(3, 3)

    def f(x):
        for _ in range(30):
            x = torch.tanh(cell(x)) + torch.sin(x)
        return x.sum()

    compiled, twin = torch.compile(f), copy.deepcopy(cell)
    for _ in range(3):
        x = torch.randn(2, 3)
        cell.zero_grad()
        twin.zero_grad()
        compiled(x).backward()
        own, cell = cell, twin
        f(x).backward()
        cell = own
        for p, q in zip(cell.parameters(), twin.parameters()):
            assert torch.allclose(p.grad, q.grad, rtol=1e-4, atol=1e-6)
    assert len(compiled.last.back.trace.arguments) < 8


def test_an_argument_whose_elements_are_one_in_memory_is_written_eagerly():
    def f(a):
        first, _ = a.tensor_split((1,), 0)
        first.mul_(2)
        return a * 0.5

    compiled = torch.compile(f)
    with pytest.warns(UserWarning, match="several elements are one in memory"):
        compiled(torch.ones(1).expand(2))
    for x in (torch.ones(1).expand(2), torch.ones(1)[::1].expand(3)):
        assert torch.equal(compiled(x), torch.ones(len(x)))
        assert torch.equal(x, torch.full((len(x),), 2.0))


def test_a_view_that_shows_all_of_a_result_is_another_tensor_over_its_memory():
    def f(x):
        y = (x * 2).clone()
        return y.squeeze(), y, y.view(3, 2), y.detach()

    compiled = torch.compile(f)
    for _ in range(3):
        found = compiled(torch.ones(3, 2))
        assert len({id(y) for y in found}) == 4
        found[0].add_(1)
        assert all((y == 3).all() for y in found)
    assert compiled.eager is None


def test_a_traced_call_lets_go_of_what_nobody_can_reach():
    x = torch.ones(1 << 20)

    def chain(x):
        for _ in range(40):
            x = x.sin()
        return x

    compiled = torch.compile(chain)
    tracemalloc.start()
    compiled(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * x.nbytes
