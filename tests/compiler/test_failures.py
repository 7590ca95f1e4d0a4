"""What goes wrong: while a program is made, and while it runs; nothing is lost, and eager code has the last word."""

import copy
import warnings

import pytest

import lineal as torch
from lineal import nn, optim
from lineal.compiler.calling import derivative
from lineal.compiler.kernels import modules as kernels
from lineal.compiler.lowering.rules.table import RULES


def broken(*_):
    raise ValueError("out of order")


def softmax_rule():
    return next(op for op in RULES if op.__name__ == "Softmax")


@pytest.mark.parametrize("where", ["rule", "loop", "backward"])
def test_a_function_that_cannot_be_compiled_runs_eagerly_with_one_warning(monkeypatch, where):
    if where == "rule":
        monkeypatch.setitem(RULES, softmax_rule(), broken)
    elif where == "loop":
        monkeypatch.setattr(kernels, "writer_of", lambda _: broken)
    else:
        monkeypatch.setitem(RULES, next(op for op in RULES if op.__name__ == "SoftmaxBackward"), broken)
    f = torch.compile(lambda x: torch.softmax(x.exp(), -1))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(3):
            x = torch.randn(3, 4, requires_grad=where == "backward")
            y = f(x)
            assert torch.equal(y, torch.softmax(x.exp(), -1))
            if where == "backward":
                y.sum().backward()
    (message,) = [str(each.message) for each in said]
    equation = r"v1: float32[3, 4] = exp v0" if where == "loop" else "float32[3, 4] = Softmax"
    assert equation in message
    assert message.endswith("ValueError: out of order")
    assert said[0].filename == __file__


def test_an_interruption_while_compiling_is_one(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    f = torch.compile(lambda x: torch.softmax(x, -1))
    with monkeypatch.context() as patch:
        patch.setitem(RULES, softmax_rule(), interrupted)
        with pytest.raises(KeyboardInterrupt):
            f(torch.ones(3))
    for _ in range(2):
        assert torch.allclose(f(torch.ones(3)), torch.full((3,), 1 / 3))
    assert f.compilations == 1


def outcome(f, state, *args):
    """Return what a call raises, and the state and the random state after it."""
    torch.manual_seed(3)
    with pytest.raises(Exception) as caught:
        f(*args)
    return caught.value, [x.clone() for x in state], torch.get_rng_state()


def equal_outcomes(make, good, bad):
    """Let a function run compiled, then fail; it must fail and leave everything as eager code does."""
    (f, state), (eager, twin) = make(), make()
    compiled = torch.compile(f)
    for _ in range(3):
        torch.manual_seed(1)
        compiled(*good())
        torch.manual_seed(1)
        eager(*good())
    assert compiled.eager is None
    found, expected = outcome(compiled, state, *bad()), outcome(eager, twin, *bad())
    assert type(found[0]) is type(expected[0])
    assert str(found[0]) == str(expected[0])
    for x, y in zip([*found[1], found[2]], [*expected[1], expected[2]]):
        assert torch.allclose(x, y, rtol=0, atol=0, equal_nan=True)
    for each in (compiled, eager):
        torch.manual_seed(2)
        each(*good())
    for x, y in zip(state, twin):
        assert torch.allclose(x, y, rtol=0, atol=0, equal_nan=True)
    assert compiled.eager is None
    assert compiled.compilations == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "choose",
    [
        lambda table, i, x: table[i],
        lambda table, i, x: table.gather(0, i[:, None].expand(2, 3)),
        lambda table, i, x: table.index_add(0, i, x),
        lambda table, i, x: table.index_put_((i,), x),
        lambda table, i, x: nn.functional.embedding(i, table),
    ],
)
def test_an_index_out_of_range_leaves_what_eager_code_leaves(choose, late):
    def make():
        table, count = torch.zeros(4, 3), torch.zeros(2)

        def f(i, x):
            count.add_(torch.rand(2))
            y = choose(table, i, x) if late else 0
            table[0] += 1
            count.mul_(2)
            return y + choose(table, i, x).sum()

        return f, (table, count)

    equal_outcomes(make, lambda: (torch.tensor([1, 2]), torch.ones(2, 3)), lambda: (torch.tensor([1, 4]), torch.ones(2, 3)))


@pytest.mark.parametrize(
    ("op", "bad"),
    [
        (torch.linalg.inv, torch.zeros(2, 2)),
        (torch.linalg.cholesky, -torch.eye(2)),
        (lambda a: torch.linalg.solve(a, torch.ones(2)), torch.zeros(2, 2)),
        (lambda a: torch.linalg.eigh(a)[0], torch.full((2, 2), torch.nan)),
        (lambda a: torch.linalg.svd(a)[1], torch.full((2, 2), torch.nan)),
        (lambda a: torch.linalg.solve(torch.linalg.cholesky(a), torch.ones(2)), -torch.eye(2)),
    ],
)
def test_a_matrix_that_is_refused_leaves_what_eager_code_leaves(op, bad):
    def make():
        mean = torch.zeros(2, 2)

        def f(a):
            mean.mul_(0.5).add_(a)
            y = op(a)
            mean.add_(1)
            return y + mean.sum()

        return f, (mean,)

    equal_outcomes(make, lambda: (torch.eye(2) * 2,), lambda: (bad,))


def test_a_step_that_fails_changes_no_parameter():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    twin = copy.deepcopy(net)
    steps = []
    for each, wrap in ((net, torch.compile), (twin, lambda f: f)):
        opt = optim.Adam(each.parameters(), lr=0.01)

        def step(x, y, net=each, opt=opt):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            return loss

        steps.append(wrap(step))
    x, good, bad = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1]), torch.tensor([0, 1, 3, 0, 1])
    for labels in (good, good, good, bad, good, bad, good):
        for step in steps:
            if labels is good:
                step(x, labels)
            else:
                with pytest.raises(IndexError):
                    step(x, labels)
        for p, q in zip(net.parameters(), twin.parameters()):
            assert torch.allclose(p, q)
            assert (p.grad is None) == (q.grad is None)
    assert steps[0].compilations == 1


def test_an_error_in_the_way_back_is_eager_codes():
    f = torch.compile(lambda a: torch.linalg.eigh(a)[1].sum())
    for _ in range(3):
        a = torch.diag(torch.tensor([1.0, 2.0])).requires_grad_()
        f(a).backward()
    assert derivative.DifferentiableProgram is type(f.programs.popitem()[1][0])
