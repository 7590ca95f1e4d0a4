"""A few eigenvalues of large operators: those of the matrix, in order, and their derivatives."""

import pytest

import lineal as torch
from lineal import solvers


def hermitian(n, dtype):
    B = torch.randn(n, n, dtype=dtype)
    return (B + B.mH) / 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex128])
@pytest.mark.parametrize("which", ["LM", "LA", "SA"])
def test_a_few_eigenvalues_are_those_of_the_matrix(dtype, which):
    torch.manual_seed(0)
    A = hermitian(80, dtype)
    values, vectors = solvers.eigsh(A, 4, which)
    every = torch.linalg.eigvalsh(A)
    key = every.abs() if which == "LM" else every
    wanted = every[key.argsort(descending=which != "SA")[:4]].sort().values
    torch.testing.assert_close(values, wanted, rtol=1e-4 if dtype == torch.float32 else 1e-10, atol=0)
    close = 1e-4 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(A @ vectors, vectors * values, rtol=close, atol=close)
    torch.testing.assert_close(vectors.mH @ vectors, torch.eye(4, dtype=dtype), rtol=close, atol=close)


def test_repeated_eigenvalues_and_invariant_spaces_are_found():
    A = torch.diag(torch.tensor([3.0] * 5 + [1.0] * 20, dtype=torch.float64))
    torch.testing.assert_close(solvers.eigsh(A, 4, return_eigenvectors=False), torch.full((4,), 3.0, dtype=torch.float64))
    assert torch.equal(solvers.eigsh(torch.zeros(4, 4), 2)[0], torch.zeros(2))
    assert torch.allclose(solvers.eigsh(torch.eye(3), 3)[0], torch.ones(3))


def part(values, vectors, T):
    """Return a number that depends on eigenvalues and eigenvectors, not on their phases."""
    spectral = (vectors * values.exp().to(vectors.dtype)) @ vectors.mH
    return (spectral * T).real.sum() + (vectors.abs() ** 2 * T.real[:, : len(values)]).sum()


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("which", ["LM", "LA", "SA"])
def test_eigenpairs_have_the_derivatives_of_eigh(which, dtype):
    torch.manual_seed(1)
    A, T = hermitian(12, dtype).requires_grad_(), torch.randn(12, 12, dtype=dtype)
    (got,) = torch.autograd.grad(part(*solvers.eigsh((A + A.mH) / 2, 3, which), T), A)
    values, vectors = torch.linalg.eigh((A + A.mH) / 2)
    key = values.abs() if which == "LM" else values
    chosen = key.argsort(descending=which != "SA")[:3].sort().values
    (wanted,) = torch.autograd.grad(part(values[chosen], vectors[:, chosen], T), A)
    torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)


def test_eigenpairs_have_second_derivatives_batches_and_programs():
    torch.manual_seed(3)
    A = torch.stack([hermitian(6, torch.float64) for _ in range(2)])

    def pairs(A):
        values, vectors = solvers.eigsh((A + A.mT) / 2, 2, "LA")
        return values, vectors.abs()

    assert torch.autograd.gradgradcheck(pairs, (A[0].clone().requires_grad_(),))
    gradient = torch.func.grad(lambda A: sum(each.square().sum() for each in map(torch.sin, pairs(A))))
    wanted = torch.stack([gradient(each) for each in A])
    torch.testing.assert_close(torch.vmap(gradient)(A), wanted)
    compiled = torch.compile(gradient)
    for each, known in zip(A, wanted):
        torch.testing.assert_close(compiled(each), known)
    with pytest.raises(torch.linalg.LinAlgError, match="is A Hermitian"):
        solvers.eigsh(torch.triu(torch.ones(8, 8, dtype=torch.float64)), 2)


def grid(n):
    """Return the five-point Laplacian of an n × n grid, and its eigenvalues, ascending."""
    one, above = torch.eye(n, dtype=torch.float64), torch.diag(torch.ones(n - 1, dtype=torch.float64), 1)
    line = 2 * one - above - above.mT
    waves = 2 - 2 * torch.cos(torch.arange(1, n + 1, dtype=torch.float64) * torch.pi / (n + 1))
    return torch.kron(line, one) + torch.kron(one, line), (waves + waves.unsqueeze(1)).reshape(-1).sort().values


def test_preconditioned_blocks_find_the_ends_of_a_spectrum():
    torch.manual_seed(4)
    A, every = grid(20)
    A = A.to_sparse_csr()
    X = torch.randn(400, 5, dtype=torch.float64)
    M = solvers.smoothed_aggregation(A)
    values, vectors = solvers.lobpcg(A, X, M=M, largest=False, tol=1e-9, maxiter=60)
    torch.testing.assert_close(values, every[:5], rtol=1e-10, atol=0)
    torch.testing.assert_close(A @ vectors, vectors * values, rtol=0, atol=1e-7)
    torch.testing.assert_close(vectors.mT @ vectors, torch.eye(5, dtype=torch.float64))
    torch.testing.assert_close(solvers.lobpcg(A, X, tol=1e-8, maxiter=500)[0], every[-5:], rtol=1e-10, atol=0)
    with pytest.raises(torch.linalg.LinAlgError, match=r"after 3 steps.*better preconditioner"):
        solvers.lobpcg(A, X, largest=False, maxiter=3)
    with pytest.raises(RuntimeError, match="3 k <= n"):
        solvers.lobpcg(torch.eye(5), torch.ones(5, 2))


def test_blocks_have_the_derivatives_of_eigsh():
    torch.manual_seed(5)
    A, T = hermitian(12, torch.float64).requires_grad_(), torch.randn(12, 12, dtype=torch.float64)
    X = torch.randn(12, 2, dtype=torch.float64)
    (got,) = torch.autograd.grad(part(*solvers.lobpcg((A + A.mT) / 2, X, tol=1e-13), T), A)
    (wanted,) = torch.autograd.grad(part(*solvers.eigsh((A + A.mT) / 2, 2, "LA"), T), A)
    torch.testing.assert_close(got, wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex128])
@pytest.mark.parametrize("which", ["LM", "LR", "SR"])
def test_eigenvalues_of_matrices_that_are_not_hermitian(which, dtype):
    torch.manual_seed(6)
    A = (torch.randn(40, 40, dtype=dtype) + 5 * torch.diag(torch.arange(40).to(dtype) ** 1.5 / 40)).requires_grad_()
    values, vectors = solvers.eigs(A, 4, which)
    every = torch.linalg.eigvals(A)
    key = {"LM": -every.abs(), "LR": -every.real, "SR": every.real}[which]
    wanted = every[key.argsort()[:4]]
    order = lambda found: sorted(found.tolist(), key=lambda z: (round(z.real, 3), z.imag))
    close = 1e-3 if dtype == torch.float32 else 1e-9
    assert order(values) == pytest.approx(order(wanted), abs=close * float(every.abs().max()))
    left = A.detach().to(vectors.dtype) @ vectors - vectors * values.detach()
    assert float(left.abs().max()) < close * float(every.abs().max())
    (got,) = torch.autograd.grad((values.real**2 + values.imag.abs()).sum(), A)
    (known,) = torch.autograd.grad((wanted.real**2 + wanted.imag.abs()).sum(), A)
    torch.testing.assert_close(got, known, rtol=100 * close, atol=100 * close)


def test_what_eigs_cannot_do_is_named():
    with pytest.raises(RuntimeError, match="0 < k <= 3"):
        solvers.eigs(torch.eye(5), 4)
    with pytest.raises(ValueError, match="one of LM, SM, LR, SR, LI, SI, got 'LA'"):
        solvers.eigs(torch.eye(5), 1, "LA")
    torch.manual_seed(7)
    with pytest.raises(torch.linalg.LinAlgError, match="ARPACK says"):
        solvers.eigs(torch.randn(200, 200, dtype=torch.float64), 6, ncv=9, maxiter=1)


def test_what_cannot_be_is_named():
    with pytest.raises(RuntimeError, match="0 < k <= 3"):
        solvers.eigsh(torch.eye(3), 4)
    with pytest.raises(ValueError, match="one of LM, SM, LA, SA, got 'XX'"):
        solvers.eigsh(torch.eye(3), 1, "XX")
    torch.manual_seed(2)
    with pytest.raises(torch.linalg.LinAlgError, match="is A Hermitian"):
        solvers.eigsh(torch.randn(8, 8, dtype=torch.float64), 2)
    with pytest.raises(torch.linalg.LinAlgError, match="asked for"):
        solvers.eigsh(hermitian(200, torch.float64), 6, ncv=8, maxiter=1)
