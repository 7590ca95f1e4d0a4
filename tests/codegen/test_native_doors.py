"""Native doors: they are taken after many calls, keep no reference too many, and tell where in the user's code an op ran."""

import gc
import itertools
import sys

import numpy as np
import pytest

import lineal as torch
from lineal.core import opening


@pytest.fixture(scope="module", autouse=True)
def ready():
    if opening.opening.house is None:
        opening.opening.prepare()
    if opening.opening.house is None:
        pytest.skip("this Python has no native doors")


CALLS = {
    "two": lambda x, y: x * y,
    "one": lambda x, y: x.exp(),
    "a number": lambda x, y: x * 2.0,
    "a view": lambda x, y: x[1] * y.T[1],
    "an exact loop": lambda x, y: -x,
    "repeated": lambda x, y: x + y[0],
    "a reduction": lambda x, y: x.sum(0),
    "an error": lambda x, y: refused(lambda: x * torch.ones(7)),
    "several results": lambda x, y: (x.max(1), torch.nn.functional.layer_norm(x, (3,))),
    "a row of three": lambda x, y: torch.nn.functional.softplus(x),
    "arrays of several dtypes": lambda x, y: torch.nansum(x),
    "a kernel that is no loop": lambda x, y: torch.sigmoid(x),
}


def refused(call):
    with pytest.raises(RuntimeError, match=r"shape|size"):
        call()


def numpy_keeps_dtypes(dtype):
    """Return whether NumPy itself, as 2.1.0 does, holds a dtype once more after each array that it makes."""
    before = sys.getrefcount(dtype)
    for _ in range(100):
        np.ones(3, dtype) * 2.0
    return sys.getrefcount(dtype) - before >= 100


@pytest.mark.parametrize("differentiated", [True, False])
@pytest.mark.parametrize("name", sorted(CALLS))
def test_references_balance(name, differentiated, collected):
    x, y = (torch.rand(3, 3).requires_grad_(differentiated) for _ in range(2))
    call = CALLS[name]
    for _ in range(2 * opening.HOT + 2):
        call(x, y)
    things = [None, x, y, x.value, x.value.base, torch.Tensor, np.ndarray, call.__code__, x.node, 1, ()]
    if not numpy_keeps_dtypes(x.value.dtype):
        things.append(x.value.dtype)

    def counts():
        gc.collect()
        return np.array([sys.getrefcount(each) for each in things])

    # what kernels learn leaves garbage that takes more than one collection
    counts()
    before = counts()
    for _ in range(500):
        call(x, y)
    # a few are the interpreter's own
    assert np.abs(counts() - before).max() < 60, counts() - before


def hot(call, *given):
    for _ in range(2 * opening.HOT + 2):
        call(*given)


def test_a_node_knows_its_line():
    x = torch.rand(3, requires_grad=True)
    hot(lambda: x * x)
    y = x * x  # here
    assert "y = x * x  # here" in y.grad_fn.metadata["site"]
    z = torch.nn.functional.softplus(x)  # there
    assert "# there" in z.grad_fn.metadata["site"]


def test_modes_are_looked_at_in_every_call():
    x = torch.rand(3, requires_grad=True)
    hot(lambda: x * x)
    with torch.no_grad():
        assert (x * x).grad_fn is None
    with torch.inference_mode():
        assert (x * x).is_inference()
    assert (x * x).grad_fn is not None
    compiled = torch.compile(lambda x: (x * x).sum())
    assert compiled(x).item() == pytest.approx((x.detach().numpy() ** 2).sum(), rel=1e-6)
    assert torch.vmap(lambda x: x * x)(torch.ones(2, 3)).shape == (2, 3)


def test_views_follow_their_base():
    x = torch.rand(4, requires_grad=True)
    hot(lambda: x * x)
    base = x * 1.0
    view = base[1:]
    base.mul_(3.0)
    (view * view).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, *(18 * x.detach().numpy()[1:])], rtol=1e-6)


def test_a_change_in_place_is_told_of():
    x = torch.rand(4, requires_grad=True)
    hot(lambda: x * x)
    y = x * 1.0
    z = y * y
    y.add_(1.0)
    with pytest.raises(RuntimeError, match="modified"):
        z.sum().backward()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exact_loops_give_the_bits_of_numpy(dtype):
    special = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal, 3e38]
    pairs = np.array(list(itertools.product(special, special)), dtype)
    a, b = np.ascontiguousarray(pairs.T)
    functions = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "true_divide": np.divide}
    for name, function in functions.items():
        call = getattr(torch, name)
        hot(call, torch.tensor(a), torch.tensor(b))
        for x, y in ((a, b), (a[:1], b[:1]), (a[:17], b[:17]), (a.reshape(2, 50), b.reshape(2, 50)), (a, a[3]), (a[4], b)):
            got = call(torch.tensor(x), torch.tensor(y)).numpy()
            np.testing.assert_array_equal(got.view(f"u{got.itemsize}"), function(x, y).view(f"u{got.itemsize}"), err_msg=name)
    for name, function in {"neg": np.negative, "abs": np.absolute, "sqrt": np.sqrt}.items():
        call = getattr(torch, name)
        hot(call, torch.tensor(a))
        got, wanted = call(torch.tensor(a)).numpy(), function(a)
        np.testing.assert_array_equal(got.view(f"u{got.itemsize}"), wanted.view(f"u{got.itemsize}"), err_msg=name)


def test_the_thread_that_prepares_is_let_in_and_leaves_the_interval_as_it_was(monkeypatch):
    within = []
    one = opening.Opening()
    monkeypatch.setattr(one, "prepare", lambda: within.append(sys.getswitchinterval()))
    usual = sys.getswitchinterval()
    one.attempt()
    assert within == [pytest.approx(opening.BRIEFLY)] and sys.getswitchinterval() == pytest.approx(usual)
    # what a program has set meanwhile stays
    monkeypatch.setattr(one, "prepare", lambda: sys.setswitchinterval(0.02))
    try:
        one.attempt()
        assert sys.getswitchinterval() == pytest.approx(0.02)
    finally:
        sys.setswitchinterval(usual)
