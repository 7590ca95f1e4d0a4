"""Stationary methods: the iterations as they are taught, and what is known of when they converge."""

import pytest

import lineal as torch
from lineal import solvers

F64 = torch.float64


def laplacian(n, form="csr"):
    """Return the matrix of −u″ on n points: 2 on the diagonal, −1 beside it."""
    A = 2 * torch.eye(n, dtype=F64) - torch.diag(torch.ones(n - 1, dtype=F64), 1) - torch.diag(torch.ones(n - 1, dtype=F64), -1)
    return A.to_sparse_csr() if form == "csr" else A


SPLITTINGS = {
    "jacobi": (solvers.Splitting.jacobi, lambda D, L, U: D),
    "damped": (lambda A: solvers.Splitting.jacobi(A, 2 / 3), lambda D, L, U: 1.5 * D),
    "forward": (solvers.Splitting.gauss_seidel, lambda D, L, U: D + L),
    "backward": (lambda A: solvers.Splitting.gauss_seidel(A, "backward"), lambda D, L, U: D + U),
    "symmetric": (lambda A: solvers.Splitting.gauss_seidel(A, "symmetric"), lambda D, L, U: (D + L) @ D.inverse() @ (D + U)),
    "sor": (lambda A: solvers.Splitting.sor(A, 1.5), lambda D, L, U: D / 1.5 + L),
    "ssor": (lambda A: solvers.Splitting.ssor(A, 1.5), lambda D, L, U: 1.5 / 0.5 * (D / 1.5 + L) @ D.inverse() @ (D / 1.5 + U)),
    "richardson": (lambda A: solvers.Splitting.richardson(A, 0.25), lambda D, L, U: 4 * torch.eye(len(D), dtype=F64)),
}


@pytest.mark.parametrize("form", ["csr", "strided"])
@pytest.mark.parametrize("name", SPLITTINGS)
def test_splittings_are_those_of_the_textbooks(name, form):
    torch.manual_seed(0)
    A = torch.randn(6, 6, dtype=F64) + 6 * torch.eye(6, dtype=F64)
    make, wanted = SPLITTINGS[name]
    splitting = make(A.to_sparse_csr() if form == "csr" else A)
    S = wanted(torch.diag(A.diagonal()), A.tril(-1), A.triu(1))
    torch.testing.assert_close(splitting.inverse.to_dense(), S.inverse())
    torch.testing.assert_close(splitting.inverse.H.to_dense(), S.inverse().mH)
    torch.testing.assert_close(splitting.iteration.to_dense(), torch.eye(6, dtype=F64) - S.inverse() @ A)
    radius = float(torch.linalg.eigvals(splitting.iteration.to_dense()).abs().max())
    assert splitting.spectral_radius(400) == pytest.approx(radius, rel=0.05)


@pytest.mark.parametrize("form", ["csr", "strided"])
@pytest.mark.parametrize("direction", ["forward", "backward", "symmetric"])
def test_colours_are_taken_one_after_the_other(direction, form):
    torch.manual_seed(2)
    A = torch.where(torch.rand(12, 12) < 0.15, torch.randn(12, 12, dtype=F64), 0) + 6 * torch.eye(12, dtype=F64)
    splitting = solvers.Splitting.gauss_seidel(A.to_sparse_csr() if form == "csr" else A, direction, coloured=True)
    order = splitting.inverse.order
    wanted = solvers.Splitting.gauss_seidel(A[order][:, order], direction).inverse.to_dense()
    torch.testing.assert_close(splitting.inverse.to_dense()[order][:, order], wanted)
    torch.testing.assert_close(splitting.inverse.H.to_dense(), splitting.inverse.to_dense().mH)
    # red before black: rows of one colour wait for none of theirs
    line = laplacian(9)
    order = solvers.Splitting.gauss_seidel(line, coloured=True).inverse.order
    assert order.tolist() == [0, 2, 4, 6, 8, 1, 3, 5, 7]


def test_radii_of_the_laplacian_are_the_known_ones():
    n = 20
    A, cosine = laplacian(n), torch.cos(torch.tensor(torch.pi / (n + 1), dtype=F64)).item()
    assert solvers.Splitting.jacobi(A).spectral_radius(2000) == pytest.approx(cosine, rel=1e-3)
    assert solvers.Splitting.gauss_seidel(A).spectral_radius(2000) == pytest.approx(cosine**2, rel=1e-3)
    assert "does not converge" in repr(solvers.Splitting.richardson(A, 1.0))
    assert "converge" not in repr(solvers.Splitting.jacobi(A, 2 / 3))


def test_the_best_relaxation_beats_gauss_seidel_and_that_beats_jacobi():
    n = 20
    A, b = laplacian(n), torch.ones(n, dtype=F64)
    omega = 2 / (1 + torch.sin(torch.tensor(torch.pi / (n + 1))).item())
    counts = [
        solve(A, b, rtol=1e-6, maxiter=2000, return_info=True)[1].iterations
        for solve in (
            solvers.jacobi,
            solvers.gauss_seidel,
            lambda *given, **options: solvers.sor(*given, omega=omega, **options),
        )
    ]
    assert counts[0] > 1.8 * counts[1] > 1.8 * 4 * counts[2]


def richardson(A, b, **options):
    return solvers.richardson(A, b, omega=0.4, **options)


def coloured(A, b, **options):
    return solvers.gauss_seidel(A, b, coloured=True, **options)


@pytest.mark.parametrize("solve", [solvers.jacobi, solvers.gauss_seidel, coloured, solvers.ssor, richardson, solvers.chebyshev])
def test_solutions_and_their_derivatives(solve):
    torch.manual_seed(1)
    A, b = (laplacian(4, "strided") + 0.1).requires_grad_(), torch.randn(4, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda A, b: solve((A + A.mT) / 2, b, rtol=1e-12, maxiter=5000), (A, b))


def test_a_splitting_preconditions():
    A, b = laplacian(60), torch.ones(60, dtype=F64)
    plain = solvers.cg(A, b, rtol=1e-10, return_info=True)[1]
    helped = solvers.cg(A, b, rtol=1e-10, M=solvers.Splitting.ssor(A, 1.9).inverse, return_info=True)[1]
    assert helped.converged and helped.iterations < plain.iterations


def test_what_diverges_and_what_cannot_be_split_is_named():
    A, b = laplacian(10), torch.ones(10, dtype=F64)
    _, report = solvers.richardson(A, b, maxiter=100_000, return_info=True)
    assert report.status == "diverged"
    with pytest.raises(torch.linalg.LinAlgError, match="zero in row 1"):
        solvers.jacobi(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.ones(2))
    with pytest.raises(ValueError, match="0 < omega < 2, got 2"):
        solvers.sor(A, b, omega=2)
    with pytest.raises(ValueError, match="'sideways'"):
        solvers.gauss_seidel(A, b, direction="sideways")
    with pytest.raises(NotImplementedError, match="entries of this operator are not known"):
        solvers.gauss_seidel(solvers.FunctionOperator((2, 2), lambda x: x), torch.ones(2))
