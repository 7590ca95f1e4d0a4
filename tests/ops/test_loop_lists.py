"""Loop lists: kernels on small arrays, run by NumPy's inner loops, give the same bits; what cannot be listed stays a kernel."""

import sys

import numpy as np
import pytest
from samples import SAMPLES
from test_contract import named

import lineal as torch
from lineal.codegen.looplists.noting import Unlisted
from lineal.codegen.looplists.opening import lists_of
from lineal.codegen.looplists.tables import MOST, NEVER, SMALL, same, table
from lineal.codegen.looplists.ufuncs import loop_of
from lineal.core import opening
from lineal.core.apply import perform, way
from lineal.testing.contract import variables


@pytest.fixture(scope="module")
def lists():
    """What makes lists here; and the ways that ops and passes took before."""
    if opening.opening.house is None:
        opening.opening.prepare()
    if opening.opening.house is None:
        pytest.skip("this Python has no builtins of ours")
    before = way.taken, way.back
    way.taken, way.back = opening.opening.ways
    yield lists_of(opening.opening.house)
    way.taken, way.back = before


def listed(lists, kernel, *arrays):
    """Return what runs the list of a kernel."""
    made = table()
    lists.enter(made, lists.listed(kernel, arrays))
    return lambda *xs: lists.play(made, *xs)


RNG = np.random.default_rng(5)
X, Y, ROW = RNG.standard_normal((4, 6)).astype(np.float32), RNG.standard_normal((4, 6)).astype(np.float32), np.float32([1] * 6)
KERNELS = {
    "a formula": (lambda x, y: np.exp(x) * 2 + y / 3, X, Y),
    "along the last axis": (lambda x: x - x.max(-1, keepdims=True), X),
    "along the first axis": (lambda x: x / x.sum(0), X),
    "of all numbers": (lambda x: (x * x).sum(), X),
    "means": (lambda x: x.mean(1), X),
    "products": (lambda x, y: x @ y.T + 1, X, Y),
    "stacks of products": (lambda x, y: np.matmul(x, y), RNG.random((3, 2, 4)), RNG.random((4, 5))),
    "a vector's product": (lambda x, y: x @ y, X, ROW),
    "a choice": (lambda x, y: np.where(x > y, x, 0.5), X, Y),
    "a repeated row": (lambda x, row: np.maximum(x, row), X, np.broadcast_to(ROW, (4, 6))),
    "other strides": (lambda x: np.tanh(x.T)[::2].copy(), X),
    "sums on the way": (lambda x: np.add.accumulate(x, 1), X),
    "sums on the way down": (lambda x: np.add.accumulate(x, 0), X),
    "a place that is written": (lambda x: written(x), X),
    "joined": (lambda x, y: np.concatenate([x, y[:, 1:]], 1), X, Y),
    "whole numbers": (lambda x: (x // 2) % 3 + (x > 1), np.arange(12).reshape(3, 4)),
    "truth": (lambda x, y: (x > 0) & ~(y < 0), X, Y),
    "converted": (lambda x: x.astype(np.float64) * 0.1, X),
    "three dimensions": (lambda x: x.sum((0, 2)), RNG.random((2, 3, 4))),
    "complex": (lambda x, y: x * y + 1j, X + 1j * Y, Y + 2j * X),
    "one number": (lambda x: x * 2 + 1, np.array(3.0)),
}


def written(x):
    y = x * 2
    y[1:, ::2] = x[:-1, ::2]
    return y


@pytest.mark.parametrize("case", KERNELS)
def test_a_list_gives_the_bits_of_its_kernel(case, lists):
    kernel, *arrays = KERNELS[case]
    run = listed(lists, kernel, *arrays)
    for _ in range(3):
        assert same(run(*arrays), np.asarray(kernel(*arrays)))
        arrays = [renewed(each) for each in arrays]


def renewed(array):
    """Return other numbers that lie the same."""
    made = np.ndarray(array.shape, array.dtype, np.zeros(max(array.nbytes, 8)), 0, array.strides)
    made.flags.writeable = True
    made[...] = (RNG.standard_normal(array.shape) * 5).astype(array.dtype)
    return made


REFUSED = {
    "what truth decides": lambda x: x if (x > 0).any() else -x,
    "a number that is read": lambda x: x * float(x.max()),
    "a number that NumPy reads": lambda x: x * np.float32(x.max()),
    "numbers that are read unseen": lambda x: x * np.asarray(x).max(),
    "an order": lambda x: np.sort(x, -1),
    "something of Python's": lambda x: np.array([sum(row) for row in x.tolist()]),
    "an input that is written": lambda x: np.negative(x, out=x),
    "an input that is returned": lambda x: x,
    "a view": lambda x: x.T,
    "random numbers": lambda x: x + np.float32(RNG.random()),
    "an array from outside": lambda x: x + X,
    "the same result twice": lambda x: (y := x + 1, y),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_more_than_loops_decides_has_no_list(case, lists):
    with pytest.raises(Unlisted):
        lists.listed(REFUSED[case], (X.copy(),))


def test_all_ops_with_lists_give_the_same_bits(lists):
    """Every op of every sample whose arrays are small, on numbers of their own."""
    seen, number, before = set(), 0, way.taken

    def both(op, *xs):
        nonlocal number
        arrays = [x.value for x in xs]
        plain = op.effect is None and op.lists is not None and op.aliasing is None and 0 < len(xs) <= 8
        key = op, *[(each.dtype, each.shape, each.strides) for each in arrays]
        if plain and key not in seen and max(each.size for each in arrays) <= SMALL:
            seen.add(key)
            try:
                with np.errstate(all="ignore"):
                    run = listed(lists, op, *arrays)
            except Exception:
                return perform(op, *xs)
            number += 1
            found, wanted = run(*arrays), perform(op, *xs)
            pairs = zip(found, wanted) if isinstance(wanted, tuple) else [(found, wanted)]
            assert all(same(a, b.value) for a, b in pairs), op
            return wanted
        return perform(op, *xs)

    way.taken = both
    try:
        for name, samples in SAMPLES.items():
            for sample in samples[:1]:
                sample.call(named(name), variables(sample.arrays()))
    finally:
        way.taken = before
    assert number > 60


def test_inputs_that_share_memory_are_taken_one_by_one(lists):
    run = listed(lists, lambda a, b: a - b.T * 2, X[:, :4], Y[:, :4])
    assert same(run(X[:, :4], X[:, :4]), X[:, :4] - X[:, :4].T * 2)
    assert run(X, X) is None and run(X[:, :4].astype(float), X[:, :4]) is None


def test_functions_of_users_are_not_called_more_often(lists):
    calls = []

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            calls.append(1)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    for _ in range(500):
        Doubled.apply(torch.ones(3))
    assert len(calls) == 500


def test_a_table_takes_so_many_shapes_and_gives_up_what_cannot_be_listed(lists):
    made, never = table(), table()
    for n in range(1, MOST + 3):
        if made[0] < NEVER:
            lists.consider(made, np.exp, np.ones(n, np.float32))
    assert made[1] == MOST and made[0] == NEVER
    while never[0] < NEVER:
        lists.consider(never, np.sort, np.ones(3, np.float32))
    assert never[1] == 0 and never.failures == 4


def test_lists_hold_on_to_nothing(lists):
    run, x = listed(lists, lambda x: (x + 1, x * 2), X), X.copy()
    run(x)
    before = sys.getrefcount(x), sys.getrefcount(x.dtype)
    for _ in range(1000):
        run(x)
    after = sys.getrefcount(x), sys.getrefcount(x.dtype)
    assert before[0] == after[0] and abs(before[1] - after[1]) < 5


def test_loops_are_found_by_their_dtypes():
    assert loop_of(np.add, (np.dtype(np.float32),) * 3) != loop_of(np.add, (np.dtype(np.float64),) * 3)
    assert loop_of(np.add, (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.float64))) is None


def test_eager_calls_in_python_and_native_give_the_same_bits(lists):
    before, found = torch.get_eager_calls(), {}
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.LayerNorm(8), torch.nn.GELU(), torch.nn.Linear(8, 3))
    x, t = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    try:
        for choice in ("python", "native"):
            torch.set_eager_calls(choice)
            assert (way.taken is perform) == (choice == "python")
            for _ in range(200):
                net.zero_grad()
                loss = torch.nn.functional.cross_entropy(net(x), t)
                loss.backward()
            found[choice] = [loss.detach().numpy(), *[p.grad.numpy() for p in net.parameters()]]
    finally:
        torch.set_eager_calls(before)
    for a, b in zip(*found.values(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="set_eager_calls: expected one of native, python"):
        torch.set_eager_calls("fast")
