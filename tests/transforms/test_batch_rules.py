"""Ops met inside others' derivatives, and off the common path, are batched by rules that agree with a loop over the slices."""

import numpy as np
import pytest

import lineal as torch
from lineal.core import apply, lift
from lineal.func import grad, vmap
from lineal.models.kernels import squared_distances
from lineal.ops.linalg.cofactors import cofactors
from lineal.ops.linalg.toeplitz import Convolve
from lineal.tracing import trace

COUNT = 3
RANDOM = np.random.default_rng(5)


def stack(*shape):
    """Return a batch of arrays of a shape, well conditioned where they are square matrices."""
    x = RANDOM.standard_normal((COUNT, *shape))
    return x + 3 * np.eye(shape[0]) if len(shape) == 2 and shape[0] == shape[1] else x


CASES = {
    "Crop": (lambda x: torch.nn.functional.pad(x**3, (-1, -1, 1, -1)), [stack(3, 4)]),
    "Repeat": (lambda x: (x**3).repeat(2, 1, 3), [stack(2, 2)]),
    "Fill": (lambda x, v: torch.fill(x, v**3) * x, [stack(3), stack()]),
    "Convolve": (lambda a, b: apply(Convolve(False), a, b) ** 2, [stack(4), stack(4)]),
    "Correlate": (lambda a, b: grad(lambda a: (apply(Convolve(True), a, b) ** 3).sum())(a), [stack(4), stack(4)]),
    "SolveCirculant": (torch.linalg.solve_circulant, [stack(4) + 5 * np.eye(4)[0], stack(4, 2)]),
    "SquaredDistances": (squared_distances, [stack(3, 2), stack(2, 2)]),
    "RowOrder": (lambda A: torch.linalg.lu(A)[0] @ A**2, [stack(3, 3)]),
    "Powers": (lambda x: torch.cumprod(x, 0), [stack(10) * np.resize([1e30, 1e-30], 10)]),
    "LeastSquaresPull": (lambda A, b: torch.linalg.lstsq(A, b)[0], [stack(4, 2), stack(4, 1)]),
    "Slope": (cofactors, [stack(3, 3)]),
}
"""By the key of an op: a function whose derivatives, or which itself, meets it, and batches of its arguments."""


def weighted(f):
    """Return a function to one number that depends on every element of f's result."""
    return lambda *xs: (lambda y: (y * lift(np.cos(np.arange(y.value.size)).reshape(y.value.shape))).sum())(f(*xs))


def slopes(f, count):
    """Return f's derivatives by all arguments."""
    return grad(f, tuple(range(count)))


def second(f, count):
    """Return the derivatives of half the square of the first ones."""
    return slopes(lambda *xs: sum((g * g).sum() / 2 for g in slopes(f, count)(*xs)), count)


def orders(f, count):
    """Return f and its first and second derivatives."""
    return [lambda *xs: (f(*xs),), slopes(weighted(f), count), second(weighted(f), count)]


@pytest.mark.parametrize("key", CASES)
def test_slices_and_derivatives_are_those_of_a_loop(key):
    f, batches = CASES[key]
    for g in orders(f, len(batches)):
        found = vmap(g)(*map(lift, batches))
        expected = [g(*[lift(np.array(each[place])) for each in batches]) for place in range(COUNT)]
        for y, column in zip(found, zip(*expected)):
            torch.testing.assert_close(y, torch.stack(column), rtol=1e-9, atol=1e-9 * float(y.abs().max()))


@pytest.mark.parametrize("key", CASES)
def test_one_op_for_the_batch(key):
    f, batches = CASES[key]
    mapped = vmap(lambda *xs: [g(*xs) for g in orders(f, len(batches))])
    counts = []
    for size in (2, COUNT):
        _, graph = trace(mapped, *[lift(each[:size].copy()) for each in batches])
        counts.append([each.op.key for each in graph].count(key))
    assert counts[0] == counts[1] > 0


def test_a_number_that_fills_no_dimensions():
    x, v = lift(stack()), lift(stack())
    torch.testing.assert_close(vmap(torch.fill)(x, v), v)
    torch.testing.assert_close(vmap(torch.fill, (None, 0))(x[0], v), v)
    torch.testing.assert_close(vmap(torch.fill, (0, None))(x, v[0]), v[0].expand(COUNT))


def test_an_empty_batch():
    assert vmap(lambda x: torch.nn.functional.pad(x, (-1, 0)))(torch.ones(0, 3)).shape == (0, 2)
    assert vmap(lambda x: x.repeat(2, 2))(torch.ones(0, 3)).shape == (0, 2, 6)


NUMBERS = {
    "sort": lambda u: u.sort()[0],
    "topk": lambda u: u.topk(1)[0],
    "median": lambda u: u.median(0)[0],
    "mode": lambda u: u.mode()[0],
    "sum": lambda u: u.sum(),
    "mean": lambda u: u.mean((), keepdim=True),
    "var": lambda u: u.var(0, correction=0) + u**2,
    "norm": lambda u: torch.linalg.vector_norm(u),
    "amax": lambda u: u.amax(()),
    "logsumexp": lambda u: u.logsumexp(0),
    "softmax": lambda u: u.softmax(0) * u,
    "cumprod": lambda u: u.cumprod(0),
    "cummax": lambda u: u.cummax(0)[0],
    "prod": lambda u: u.prod(),
    "squeeze": lambda u: u.squeeze(()),
    "flip": lambda u: u.flip(0),
    "roll": lambda u: u.roll(1),
    "gather": lambda u: u.gather(0, torch.tensor(0)),
    "scatter_add": lambda u: u.scatter_add(0, torch.tensor(0), u),
    "fftn": lambda u: torch.fft.fftn(u).real,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_examples_of_no_dimensions_are_batched_too(name):
    xs = torch.tensor(stack())
    for f in (NUMBERS[name], grad(lambda u: (NUMBERS[name](u) ** 3).sum())):
        torch.testing.assert_close(vmap(f)(xs), torch.stack([f(u) for u in xs]), rtol=1e-12, atol=0)
        count = lambda xs, f=f: len(trace(vmap(f), xs)[1].equations)
        assert count(xs) == count(torch.cat([xs, xs]))
