"""What eager code refuses by the numbers it is given, a compiled function refuses at every call, and leaves as it was."""

import numpy as np
import pytest

import lineal as torch
from lineal.compiler import compile

F = torch.nn.functional
ones = torch.ones
PLACES = {
    "index_select": lambda i, w: w.index_select(0, i) * 2,
    "index_add": lambda i, w: w.index_add(0, i, ones(2, 3)),
    "index_add of numbers": lambda i, w: w[:, 0].index_add(0, i, ones(2)),
    "index_copy": lambda i, w: w.index_copy(0, i, ones(2, 3)),
    "index_fill": lambda i, w: w.index_fill(0, i, 9.0),
    "index_reduce": lambda i, w: w.index_reduce(0, i, ones(2, 3), "amax"),
    "embedding": lambda i, w: F.embedding(i, w),
    "embedding and its derivative": lambda i, w: torch.func.grad(lambda w: F.embedding(i, w).square().sum())(w),
    "gather": lambda i, w: w.gather(0, i[:, None]) * 2,
    "take": lambda i, w: w.take(i) * 2,
    "put": lambda i, w: w.put(i, ones(2)),
    "take_along_dim": lambda i, w: w.take_along_dim(i[:, None], 0) * 2,
    "scatter": lambda i, w: w.scatter(0, i[:, None], 1.0),
    "scatter_add": lambda i, w: w.scatter_add(0, i[:, None], ones(2, 1)),
    "scatter_reduce": lambda i, w: w.scatter_reduce(0, i[:, None], ones(2, 1), "amax"),
    "subscript": lambda i, w: w[i] * 2,
    "subscripts": lambda i, w: w[i, i % 3] * 2,
    "put at subscripts": lambda i, w: w.clone().index_put_((i,), ones(3), accumulate=True),
    "index_add_": lambda i, w: w.index_add_(0, i, ones(2, 3)),
    "index_copy_": lambda i, w: w.index_copy_(0, i, ones(2, 3)),
    "scatter_": lambda i, w: w.scatter_(0, i[:, None], 1.0),
    "set at a subscript": lambda i, w: (w.__setitem__(i, 7.0), w)[1],
    "cross_entropy": lambda i, w: F.cross_entropy(w[:2], i),
    "nll_loss": lambda i, w: F.nll_loss(w[:2], i),
    "one_hot": lambda i, w: F.one_hot(i, 4) * w[:2, :1],
    "searchsorted": lambda i, w: torch.searchsorted(ones(2), w[0], sorter=i),
    "rows exchanged": lambda i, w: torch.linalg.lu_solve(w[:2, :2] + 1, (i + 1).int(), w[:2]),
    "rows exchanged, as a matrix": lambda i, w: torch.lu_unpack(w[:2, :2], (i + 1).int())[0],
    "repeats": lambda i, w: w[:2].repeat_interleave(i, 0, output_size=int(i.sum())),
    "weights": lambda i, w: torch.cov(w[:2].T[:, :2], correction=0, fweights=i * 2 + 1),
}
GIVEN = ([0, 1], [1, 2], [2, 0], [-1, 0], [4, 0], [-5, 0], [2**40, 1], [1, -4], [12, 1], [0, 3], [1, 0])
CHANCES = {
    "bernoulli": lambda p: p.bernoulli(),
    "bernoulli_": lambda p: torch.empty(2).bernoulli_(p),
    "normal": lambda p: torch.normal(torch.zeros(2), p),
    "poisson": lambda p: p.poisson(),
    "multinomial": lambda p: p.multinomial(1),
}


def outcome(function, *given):
    """Return what a call gives, or the type of its error, and what is left in the tensors it was given."""
    torch.manual_seed(0)
    try:
        found = numbers_of(function(*given))
    except Exception as error:
        found = type(error).__name__
    return found, numbers_of(given[-1])


def numbers_of(x):
    return (x.detach().float() if x.dtype in (torch.float16, torch.bfloat16) else x.detach()).numpy().tolist()


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("differentiated", [False, True])
def test_places_outside_are_refused_at_every_call(name, differentiated):
    function = PLACES[name]
    if differentiated:
        function = lambda i, w: PLACES[name](i, w.clone())
    compiled = compile(function)
    for numbers in GIVEN:
        i, w = torch.tensor(numbers), torch.arange(12.0).reshape(4, 3)
        got, want = (outcome(f, i, w.clone().requires_grad_(differentiated)) for f in (compiled, function))
        assert got == want, numbers


UNREAD = ("gather", "take", "subscript", "subscripts", "put at subscripts", "scatter", "index_select", "index_add", "embedding")


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.bool], ids=str)
def test_places_are_checked_where_nobody_reads_what_they_give(name, dtype):
    function = lambda i, w: (PLACES[name](i, w), torch.full_like(w, 0.5))[1]
    compiled = compile(function)
    for numbers in ([0, 1], [1, 0], [12, 1], [0, -13], [1, 1]):
        i, w = torch.tensor(numbers), torch.arange(12.0).reshape(4, 3).to(dtype)
        got, want = (outcome(f, i, w.clone()) for f in (compiled, function))
        assert got == want, numbers
    assert compiled.eager is None


@pytest.mark.parametrize("name", CHANCES)
def test_chances_outside_are_refused_at_every_call(name):
    compiled = compile(CHANCES[name])
    for numbers in ([0.5, 0.25], [0.0, 1.0], [1.0, 0.5], [-0.5, 1.0], [2.0, 0.5], [float("nan"), 1.0], [0.5, 0.75]):
        got, want = (outcome(f, torch.tensor(numbers)) for f in (compiled, CHANCES[name]))
        np.testing.assert_equal(got, want)


def test_rewrites_keep_the_checks_of_what_nobody_reads():
    def f(A, B, xs, i):
        xs[:, i]
        out = torch.zeros(10, 3)
        for n in range(10):
            out[n] = xs[n]
        return torch.linalg.inv(A) @ B, out

    A, B, xs = torch.eye(3) * 2, torch.ones(3, 2), torch.rand(10, 3)
    compiled = torch.compile(f)
    for _ in range(3):
        compiled(A, B, xs, torch.tensor([0, 2]))
    with pytest.raises(IndexError):
        compiled(A, B, xs, torch.tensor([0, 3]))
