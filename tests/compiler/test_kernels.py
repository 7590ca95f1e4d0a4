"""Kernels: products written out, loops joined row by row, partial sums; against NumPy and the eager functions."""

from __future__ import annotations

import numpy as np
import pytest

import lineal
from lineal.compiler.scheduling.rows import Rows


def both(function, *arrays: np.ndarray, tolerance: float = 2e-5) -> list[np.ndarray]:
    """Check that a compiled function returns what the eager one does; return that."""
    tensors = [lineal.from_numpy(each.copy()) for each in arrays]
    compiled = lineal.compile(function)
    expected = function(*tensors)
    for _ in range(4):
        found = compiled(*tensors)
    assert compiled.last is not None, compiled.eager
    listed = lambda y: [each.numpy() for each in (y if isinstance(y, tuple) else (y,))]
    for a, b in zip(listed(found), listed(expected), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
        )
    both.compiled = compiled  # type: ignore[attr-defined]
    return listed(expected)


def numbers(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("turned", ["nn", "nt", "tn", "tt"])
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (5, 1, 7), (1, 6, 200), (33, 18, 5), (32, 32, 32), (150, 97, 210), (9, 400, 300), (40, 784, 260)]
)
def test_products(sizes: tuple[int, int, int], turned: str, dtype: type) -> None:
    m, n, k = sizes
    a = numbers(*((k, m) if turned[0] == "t" else (m, k)), dtype=dtype)
    b = numbers(*((n, k) if turned[1] == "t" else (k, n)), dtype=dtype)
    turn = lambda x, yes: x.T if yes == "t" else x
    both(lambda a, b: turn(a, turned[0]) @ turn(b, turned[1]) + 1, a, b)


@pytest.mark.parametrize("shapes", [((3, 4, 5), (3, 5, 2)), ((2, 1, 6, 7), (5, 7, 3)), ((64, 40, 30), (30, 50))])
def test_stacks_of_products(shapes: tuple) -> None:
    both(lambda a, b: a @ b * 2, *(numbers(*each) for each in shapes))


@pytest.mark.parametrize("turned", ["nn", "nt", "tn"])
@pytest.mark.parametrize("lead", [(5,), (2,), (2, 3), (1, 4)])
@pytest.mark.parametrize("order", ["dense", "swapped", "shared"])
def test_stacks_of_large_products(lead: tuple, turned: str, order: str) -> None:
    """Matrices of 130 × 110 by 110 × 144, in stacks that lie densely, with their axes swapped, or with one B for all."""
    lead_of = {"dense": lambda shape: (*lead, *shape), "swapped": lambda shape: (shape[0], *lead[::-1], shape[1])}
    a_shape = (110, 130) if turned[0] == "t" else (130, 110)
    b_shape = (144, 110) if turned[1] == "t" else (110, 144)
    laid = lead_of.get(order, lead_of["dense"])
    a, b = numbers(*laid(a_shape)), numbers(*(b_shape if order == "shared" else laid(b_shape)))

    def function(a, b):
        if order == "swapped":
            axes = (*range(len(lead), 0, -1), 0, len(lead) + 1)
            a, b = a.permute(axes), b.permute(axes)
        return (a.mT if turned[0] == "t" else a) @ (b.mT if turned[1] == "t" else b)

    assert both(function, a, b)[0].shape == (*lead, 130, 144)


def test_products_keep_nan_and_inf() -> None:
    a, b = numbers(40, 33), numbers(33, 20)
    a[3, 4], b[7, 2] = np.nan, np.inf
    y = both(lambda a, b: a @ b, a, b)[0]
    assert np.isnan(y[3]).all()


def rows_of(compiled: lineal.compile) -> list[Rows]:  # type: ignore[valid-type]
    return [each for each in compiled.last.schedule.groups if isinstance(each, Rows)]


def test_softmax_of_rows_is_one_kernel() -> None:
    both(lambda x: (x * 2).softmax(-1) + 1, numbers(40, 100))
    (rows,) = rows_of(both.compiled)  # type: ignore[attr-defined]
    assert len(both.compiled.last.schedule.groups) == 1 and rows.local  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [(300, 70), (8, 1000), (4, 50, 64), (2, 3, 5, 40)])
def test_normalisation_and_softmax_with_derivatives(shape: tuple[int, ...]) -> None:
    n = shape[-1]

    def run(x, w, b, g):
        x, w, b = (each.detach().requires_grad_() for each in (x, w, b))
        y = lineal.nn.functional.layer_norm(x, (n,), w, b).softmax(-1)
        return (y.detach(), *lineal.autograd.grad(y, (x, w, b), g))

    both(run, numbers(*shape), numbers(n), numbers(n), numbers(*shape))


def test_rows_keep_nan_in_their_row() -> None:
    x = numbers(16, 64)
    x[3, 5], x[4, 6], x[5] = np.nan, np.inf, -np.inf
    y = both(lambda x: (x.softmax(-1), x.log_softmax(-1), x.amax(-1)), x)[0]
    assert np.isnan(y[3]).all() and np.isfinite(y[2]).all()


@pytest.mark.parametrize("shape", [(500, 400), (3, 100_001), (100_001, 3), (70, 30, 80), (400_000,), (9, 70_000)])
def test_large_reductions(shape: tuple[int, ...]) -> None:
    both(lambda x: (x.sum(), x.sum(0), x.sum(-1), (x * x).mean(), x.amax(0), x.amin(-1)), numbers(*shape), tolerance=1e-4)


def test_large_sums_are_exact_enough_and_the_same_each_time() -> None:
    x = np.random.default_rng(0).random(3_000_000, np.float32)
    compiled = lineal.compile(lambda x: x.sum())
    found = {float(compiled(lineal.from_numpy(x))) for _ in range(6)}
    assert len({*found} - {float(lineal.from_numpy(x).sum())}) <= 1
    assert abs(max(found) / (x.astype(np.float64).sum()) - 1) < 1e-6


def test_whole_numbers_and_bools() -> None:
    x = np.random.default_rng(0).integers(-50, 50, (300, 301))
    both(lambda x: (x.sum(0), x.amax(1), (x > 3).sum(1), x.sum()), x)


@pytest.mark.parametrize("shape", [(0, 40), (40, 0), ()])
def test_nothing_to_do(shape: tuple[int, ...]) -> None:
    both(lambda x: (x * 2 + 1, x.sum()), numbers(*shape))


def test_writes_in_rows() -> None:
    """A row's new values may only replace the old ones when nobody reads them again."""

    def run(x, y):
        z = x.softmax(-1)
        y.mul_(z)
        x.sub_(z.sum(-1, keepdim=True) * y)
        return x.sum(0), y.amax(-1)

    a, b = numbers(50, 64), numbers(50, 64)
    eager = [lineal.from_numpy(each.copy()) for each in (a, b)]
    given = [lineal.from_numpy(each.copy()) for each in (a, b)]
    compiled = lineal.compile(run)
    for _ in range(5):
        for e, f in zip(run(*eager), compiled(*given)):
            np.testing.assert_allclose(f.numpy(), e.numpy(), rtol=1e-4, atol=1e-4)
        for e, f in zip(eager, given):
            np.testing.assert_allclose(f.numpy(), e.numpy(), rtol=1e-4, atol=1e-4)


def test_writes_of_what_is_read_turned() -> None:
    def run(x):
        z = x.softmax(-1) + x.T
        x.copy_(z)
        return x.sum(-1)

    a = numbers(64, 64)
    eager, given = lineal.from_numpy(a.copy()), lineal.from_numpy(a.copy())
    compiled = lineal.compile(run)
    for _ in range(5):
        np.testing.assert_allclose(compiled(given).numpy(), run(eager).numpy(), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(given.numpy(), eager.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(50, 8), (30, 100), (2000, 300)])
def test_choosing_rows(shape: tuple[int, int]) -> None:
    index = np.random.default_rng(0).integers(0, shape[0], 700)
    both(lambda x, n: lineal.nn.functional.embedding(n, x) * 2, numbers(*shape), index)
    compiled = lineal.compile(lambda x, n: lineal.nn.functional.embedding(n, x) * 2)
    x = lineal.from_numpy(numbers(*shape))
    for _ in range(3):
        compiled(x, lineal.from_numpy(index))
    index[37] = shape[0]
    with pytest.raises(IndexError):
        compiled(x, lineal.from_numpy(index))
