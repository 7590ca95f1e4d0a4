"""The kernels of derivatives: numbers against the formulas in NumPy, the ops against differences, to second order."""

import numpy as np
import pytest

import lineal
from lineal import linalg
from lineal.ops.linalg import kernels

from .matrices import BATCH, close, dtypes, layouts, positive, regular, sizes_and_dtypes, stack


@sizes_and_dtypes
def test_the_kernels_of_systems_and_inverses(n, dtype):
    A, G, X, square = regular(n, dtype), stack(3, dtype, n), stack(3, dtype, n)[::-1], stack(n, dtype)
    inverse = np.linalg.inv(A.astype("float64"))
    H = inverse.mT @ G
    for left in layouts(A):
        for middle, right in zip(layouts(G), layouts(X)[::-1]):
            found = kernels.solve_pull(left, middle, right)
            close(found[0], H, dtype)
            close(found[1], -H @ X.mT, dtype)
        for right in layouts(square):
            close(kernels.inverse_pull(left, right), -A.astype("float64").mT @ right @ A.mT, dtype)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 2), (4, 4, 4), (7, 3, 2), (9, 9, 7), (16, 8, 3), (32, 17, 1), (32, 32, 5)])
@dtypes
def test_the_kernels_of_orthogonal_methods(shape, dtype):
    m, n, k = shape
    A, B, G = stack(n, dtype, m) if m > n else regular(n, dtype), stack(k, dtype, m), stack(k, dtype, n)
    P, X = np.linalg.pinv(A.astype("float64")), stack(k, dtype, n)[::-1]
    H, D = kernels.lstsq_pull(A, B, X, G)
    wanted = P.mT @ G
    close(H, wanted, dtype, 500)
    # the kernel's residual is that of the solution, whatever X is
    close(D, (B - A @ (P @ B)) @ (P @ wanted).mT - wanted @ X.mT, dtype, 2000)
    Q, R = np.linalg.qr(A)
    given = Q, R, stack(n, dtype, m)[::-1], stack(n, dtype)[::-1]
    few = [kernels.qr_pull(*(each[i : i + 5].astype("float64") for each in given)) for i in range(0, 50, 5)]
    close(kernels.qr_pull(*given)[:50], np.concatenate(few), dtype, 500)


# ops, by differences along random directions


def apart(A):
    """Return symmetric matrices with eigenvalues that are not close."""
    return A + A.mT + 10 * lineal.arange(A.shape[-1], dtype=A.dtype).diag()


CASES = {
    "solve": (linalg.solve, "AB"),
    "solve on the right": (lambda A, B: linalg.solve(A, B.mT, left=False), "AB"),
    "inv": (linalg.inv, "A"),
    "det": (linalg.det, "A"),
    "cholesky": (lambda A: linalg.cholesky(A @ A.mT), "A"),
    "upper": (lambda A: linalg.cholesky(A @ A.mT, upper=True), "A"),
    "qr": (lambda A: sum(part.square().cumsum(-1).sum() for part in linalg.qr(A)), "A"),
    "qr of wide": (lambda T: sum(part.square().cumsum(-1).sum() for part in linalg.qr(T.mT)), "T"),
    "q": (lambda T: linalg.qr(T).Q, "T"),
    "r": (lambda T: linalg.qr(T).R, "T"),
    "lstsq": (lambda T, C: linalg.lstsq(T, C).solution, "TC"),
    "eigh": (lambda A: linalg.eigh(apart(A)).eigenvectors.abs(), "A"),
    "eigvalsh": (lambda A: linalg.eigvalsh(apart(A)), "A"),
    "svd": (lambda T: linalg.svd(T, full_matrices=False).U.abs(), "T"),
}


@pytest.mark.parametrize("n", [2, 5, 9])
@pytest.mark.parametrize("name", CASES)
def test_derivatives_of_both_orders(name, n):
    function, names = CASES[name]
    drawn = {"A": regular(n, "float64"), "B": stack(2, "float64", n), "T": stack(n, "float64", n + 3)}
    drawn["C"] = stack(2, "float64", n + 3)
    given = [lineal.from_numpy(drawn[each]) for each in names]
    rng = np.random.default_rng(n)
    along, across = ([lineal.from_numpy(rng.normal(size=x.shape)) for x in given] for _ in range(2))
    weights = None

    def value(*xs):
        nonlocal weights
        y = function(*xs)
        if weights is None:
            weights = lineal.from_numpy(rng.normal(size=y.shape))
        return (y * weights).sum()

    def slope(*xs):
        grads = lineal.autograd.grad(value(*xs), xs, create_graph=True)
        return sum((g * d).sum() for g, d in zip(grads, across))

    for f in (value, slope):
        xs = [x.clone().requires_grad_() for x in given]
        exact = sum(float((g * d).sum()) for g, d in zip(lineal.autograd.grad(f(*xs), xs), along))
        h = 1e-6
        ends = [f(*((x + s * d).requires_grad_() for x, d in zip(given, along))) for s in (h, -h)]
        size = max(1.0, abs(exact), *(abs(float(end.detach())) for end in ends))
        assert abs(float((ends[0] - ends[1]).detach()) / (2 * h) - exact) < 1e-6 * size * n


@lineal.linalg.set_conditioning("off")
def test_the_derivative_of_det_is_exact_where_a_pivot_is_zero():
    A = stack(4, "float64")
    A[3, 0] = A[3, 1]
    A[4] = 0
    x = lineal.from_numpy(A).requires_grad_()
    linalg.det(x).sum().backward()
    exact = [[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(A, i, 1), j, 2)) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(x.grad.numpy(), np.moveaxis(np.array(exact), -1, 0), atol=1e-12)


def test_least_squares_of_some_matrices_of_deficient_rank():
    A, B = stack(3, "float64", 5), stack(1, "float64", 5)
    A[7, :, 2] = A[7, :, 0]
    found = linalg.lstsq(lineal.from_numpy(A), lineal.from_numpy(B))
    np.testing.assert_allclose(found.solution.numpy(), np.linalg.pinv(A) @ B, atol=1e-10)
    assert found.rank[7] == 2 and int(found.rank.sum()) == 3 * BATCH - 1


@pytest.mark.parametrize("n", [2, 5, 9])
@pytest.mark.parametrize("upper", [False, True])
def test_the_derivative_of_cholesky(n, upper):
    A = lineal.from_numpy(positive(n, "float64")).requires_grad_()
    weights, direction = (lineal.from_numpy(stack(n, "float64")[::step].copy()) for step in (1, -1))

    def gradient(A):
        return lineal.autograd.grad(linalg.cholesky(A, upper=upper), A, weights, create_graph=True)[0]

    def value(shift):
        moved = A.detach() + shift * (direction + direction.mT)
        return (linalg.cholesky(moved, upper=upper) * weights).sum((-1, -2))

    h = 1e-6
    along = direction + direction.mT
    slope = (gradient(A) * along).sum((-1, -2)).detach()
    np.testing.assert_allclose(slope, (value(h) - value(-h)) / (2 * h), rtol=1e-6, atol=1e-7)
    (second,) = lineal.autograd.grad((gradient(A) * direction).sum(), A)

    def projected(shift):
        return (gradient((A.detach() + shift * along).requires_grad_()) * direction).sum((-1, -2)).detach()

    slope = (second * along).sum((-1, -2))
    np.testing.assert_allclose(slope, (projected(h) - projected(-h)) / (2 * h), rtol=1e-5, atol=1e-5)
