"""LDL, updates of Cholesky factors, bases of subspaces, low rank, extreme eigenvalues."""

import numpy as np
import pytest
import scipy.linalg

import lineal as torch
from lineal import linalg
from lineal.autograd import gradcheck, gradgradcheck

KINDS = [torch.float64, torch.complex128]
EACH_KIND = pytest.mark.parametrize("dtype", KINDS, ids=str)


def drawn(shape, dtype=torch.float64, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    if dtype.is_complex:
        x = x + 1j * generator.normal(size=shape)
    return torch.from_numpy(x)


def close(a, b, tolerance=1e-9):
    a, b = (each.detach().numpy() if isinstance(each, torch.Tensor) else each for each in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def check(f, *xs):
    xs = tuple(x.requires_grad_() for x in xs)
    assert gradcheck(f, xs)
    assert gradgradcheck(f, xs)


def mirrored(A, hermitian):
    return A + (A.mH if hermitian else A.mT)


def indefinite(n, dtype, hermitian, seed=0):
    """Return a matrix with zeros on the diagonal, so that blocks of two rows are needed."""
    A = mirrored(drawn((2, n, n), dtype, seed), hermitian)
    return A * (1 - torch.eye(n, dtype=torch.float64))


CASES = [(dtype, hermitian) for dtype in KINDS for hermitian in (False, True)]


@pytest.mark.parametrize(("dtype", "hermitian"), CASES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 5, 70])
def test_ldl_rebuilds_and_solves(n, dtype, hermitian):
    A = indefinite(n, dtype, hermitian) + 0.1 * torch.eye(n, dtype=dtype)
    P, L, D = linalg.ldl(A, hermitian=hermitian)
    star = (lambda x: x.mH) if hermitian else (lambda x: x.mT)
    close(P @ L @ D @ star(L) @ P.mT, A)
    close(L.triu(), torch.eye(n, dtype=dtype).expand(2, n, n))
    close(D.triu(2), torch.zeros(2, n, n, dtype=dtype))
    LD, pivots, info = linalg.ldl_factor_ex(A, hermitian=hermitian)
    assert (info.tolist(), pivots.dtype) == ([0, 0], torch.int32)
    B = drawn((2, n, 3), dtype, 4)
    close(A @ linalg.ldl_solve(LD, pivots, B, hermitian=hermitian), B, 1e-8)


@pytest.mark.parametrize(
    ("dtype", "hermitian"),
    [pytest.param(*case, marks=[pytest.mark.slow] if case[0].is_complex or case[1] else []) for case in CASES],
    ids=str,
)
def test_ldl_derivatives(dtype, hermitian):
    A, B = indefinite(4, dtype, hermitian, 3), drawn((4, 2), dtype, 1)

    def solved(A, B):
        A = mirrored(A, hermitian)
        return linalg.ldl_solve(*linalg.ldl_factor(A, hermitian=hermitian), B, hermitian=hermitian)

    check(lambda A: linalg.ldl(mirrored(A, hermitian), hermitian=hermitian)[1:], A)
    check(solved, A, B)


def test_ldl_of_singular_and_empty_matrices():
    with pytest.raises(linalg.LinAlgError, match=r"ldl_factor: .*singular"):
        linalg.ldl_factor(torch.zeros(2, 2))
    assert linalg.ldl_factor_ex(torch.zeros(2, 2)).info.item() == 1
    assert linalg.ldl_factor(torch.zeros(0, 0)).LD.shape == (0, 0)
    assert linalg.ldl_solve(torch.zeros(0, 0), torch.zeros(0, dtype=torch.int32), torch.zeros(0, 3)).shape == (0, 3)


@EACH_KIND
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("columns", [None, 2])
def test_cholesky_update(columns, upper, dtype):
    A = drawn((2, 3, 3), dtype)
    A = A @ A.mH + torch.eye(3, dtype=dtype)
    v = drawn((2, 3) if columns is None else (2, 3, columns), dtype, 1)
    V = v[..., None] if columns is None else v
    L = linalg.cholesky(A, upper=upper)
    M = linalg.cholesky_update(L, v, upper=upper)
    close(M, linalg.cholesky(A + V @ V.mH, upper=upper))
    close(linalg.cholesky_update(M, v, upper=upper, downdate=True), L)

    def updated(A, v, **options):
        # the diagonal of a factor is real, so differences must not turn it: they go through A
        return linalg.cholesky_update(linalg.cholesky((A + A.mH) / 2, upper=upper), v, upper=upper, **options)

    check(updated, A, v)
    check(lambda A, v: updated(A, 0.1 * v, downdate=True), A, v)


def test_cholesky_downdate_of_too_much():
    L, v = torch.eye(2).repeat(2, 1, 1), torch.tensor([[0.5, 0.0], [0.0, 2.0]])
    with pytest.raises(linalg.LinAlgError, match=r"Batch element 1.*not positive definite"):
        linalg.cholesky_update(L, v, downdate=True)


@EACH_KIND
def test_bases_of_null_space_and_range(dtype):
    A = drawn((5, 2), dtype) @ drawn((2, 4), dtype, 1)
    N, Q = linalg.null_space(A), linalg.orth(A)
    assert (N.shape, Q.shape) == ((4, 2), (5, 2))
    close(A @ N, torch.zeros(5, 2, dtype=dtype))
    close(N.mH @ N, torch.eye(2, dtype=dtype))
    close(Q @ Q.mH @ A, A)
    assert linalg.null_space(drawn((4, 3), dtype)).shape == (3, 0)
    assert linalg.null_space(torch.zeros(2, 3)).shape == (3, 3)
    assert linalg.orth(torch.zeros(2, 3)).shape == (2, 0)


def projector(Q):
    return Q @ Q.mH


@EACH_KIND
def test_projectors_are_differentiable_at_constant_rank(dtype):
    C, D = drawn((4, 2), dtype), drawn((2, 3), dtype, 1)
    check(lambda C, D: projector(linalg.null_space(C @ D, rcond=1e-9)), C, D)
    check(lambda C, D: projector(linalg.orth(C @ D, rcond=1e-9)), C, D)
    check(lambda A: projector(linalg.null_space(A)), drawn((2, 2, 4), dtype))


def test_bases_need_one_rank():
    with pytest.raises(RuntimeError, match=r"orth: expected matrices of one rank, got a batch of ranks \[1, 2\]"):
        linalg.orth(torch.stack([torch.eye(2), torch.ones(2, 2)]))


@EACH_KIND
def test_subspace_angles(dtype):
    A, B = drawn((6, 3), dtype), drawn((6, 2), dtype, 1)
    close(linalg.subspace_angles(A, B), scipy.linalg.subspace_angles(A.numpy(), B.numpy()))
    near = A[:, :2] + 1e-10 * B
    close(linalg.subspace_angles(A[:, :2], near), scipy.linalg.subspace_angles(A[:, :2].numpy(), near.numpy()), 1e-15)
    check(linalg.subspace_angles, drawn((4, 2), dtype), drawn((4, 1), dtype, 2))


@EACH_KIND
@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (2, 6, 4)], ids=str)
def test_low_rank(shape, dtype):
    A = drawn((*shape[:-1], 2), dtype) @ drawn((*shape[:-2], 2, shape[-1]), dtype, 1)
    torch.manual_seed(0)
    U, S, V = torch.svd_lowrank(A, q=3)
    close((U * S[..., None, :]) @ V.mH, A)
    close(S, linalg.svdvals(A)[..., :3])
    mean = A.mean(-2, keepdim=True)
    U, S, V = torch.pca_lowrank(A, q=3)
    close((U * S[..., None, :]) @ V.mH, A - mean)
    U, S, V = torch.svd_lowrank(A, q=4, M=mean)
    close((U * S[..., None, :]) @ V.mH, A - mean)
    with pytest.raises(ValueError, match="must be non-negative integer and not greater than"):
        torch.pca_lowrank(A, q=99)


def test_low_rank_derivative_is_that_of_the_singular_values():
    C, D = drawn((6, 2)).requires_grad_(), drawn((2, 5), seed=1).requires_grad_()
    assert gradcheck(lambda C, D: torch.svd_lowrank(C @ D, q=2)[1], (C, D))


def laplacian(n, dtype=torch.float64):
    return (2 * torch.eye(n) - torch.eye(n).roll(-1, 0).triu(1) - torch.eye(n).roll(1, 0).tril(-1)).to(dtype)


@EACH_KIND
@pytest.mark.parametrize("largest", [True, False])
def test_lobpcg_finds_the_ends_of_the_spectrum(largest, dtype):
    A = drawn((2, 30, 30), dtype)
    A = A + A.mH
    B = drawn((30, 30), dtype, 1)
    B = B @ B.mH + 10 * torch.eye(30, dtype=dtype)
    torch.manual_seed(0)
    E, X = torch.lobpcg(A, k=3, largest=largest, tol=1e-12)
    exact = linalg.eigvalsh(A)
    close(E, exact.flip(-1)[:, :3] if largest else exact[:, :3])
    close(A @ X, X * E[:, None], 1e-7)
    E, X = torch.lobpcg(A[0], k=2, B=B, largest=largest, tol=1e-12)
    exact = scipy.linalg.eigh(A[0].numpy(), B.numpy(), eigvals_only=True)
    close(E, np.ascontiguousarray(exact[::-1][:2] if largest else exact[:2]))
    close(X.mH @ B @ X, torch.eye(2, dtype=dtype))


def test_lobpcg_options():
    A, seen = laplacian(40), []
    start = drawn((40, 2))
    torch.lobpcg(A, X=start, niter=4, tracker=lambda state: seen.append((state.ivars["istep"], state.X.shape)))
    assert seen == [(step, (40, 2)) for step in range(5)]

    def stop(state):
        state.bvars["force_stop"] = state.ivars["istep"] == 2
        seen.append(state.ivars["istep"])

    seen.clear()
    E, X = torch.lobpcg(A, X=start, iK=linalg.inv(A), largest=False, tracker=stop)
    assert (seen, E.shape, X.shape) == ([0, 1, 2], (2,), (40, 2))
    with pytest.raises(ValueError, match="smaller than 3 x"):
        torch.lobpcg(torch.eye(5), k=2)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
def test_lobpcg_derivatives(dtype):
    A, B, X = drawn((9, 9), dtype), drawn((9, 9), dtype, 1), drawn((9, 2), dtype, 2)
    A = A + torch.diag(torch.arange(9.0) ** 2).to(dtype)

    def pairs(A, B):
        metric = B @ B.mH / 9 + torch.eye(9, dtype=dtype)
        E, V = torch.lobpcg(A, B=metric, X=X, tol=1e-15, niter=60)
        return E, V.abs()

    assert gradcheck(pairs, (A.requires_grad_(), B.requires_grad_()))
    assert gradgradcheck(lambda A: pairs(A, B.detach()), (A,), atol=1e-4)


def test_reflectors_have_no_derivative():
    A = drawn((4, 3)).requires_grad_()
    packed, tau = torch.geqrf(A)
    assert not packed.requires_grad and not tau.requires_grad
    close(torch.ormqr(packed, tau, packed.triu()), A)
