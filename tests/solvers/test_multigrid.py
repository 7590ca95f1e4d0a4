"""Multigrid: convergence that does not depend on the size, and what the hierarchy is made of."""

import pytest

import lineal as torch
from lineal import solvers

F64 = torch.float64


def laplacian(n, dtype=F64):
    """Return the five-point Laplacian of an n × n grid, compressed by rows, from its places."""
    place = torch.arange(n * n).reshape(n, n)
    pairs = [(place[1:], place[:-1]), (place[:-1], place[1:]), (place[:, 1:], place[:, :-1]), (place[:, :-1], place[:, 1:])]
    rows = torch.cat([place.reshape(-1), *[a.reshape(-1) for a, _ in pairs]])
    columns = torch.cat([place.reshape(-1), *[b.reshape(-1) for _, b in pairs]])
    values = torch.cat([torch.full((n * n,), 4.0, dtype=dtype), torch.full((len(rows) - n * n,), -1.0, dtype=dtype)])
    return torch.sparse_coo_tensor(torch.stack([rows, columns]), values, (n * n, n * n)).coalesce().to_sparse_csr()


def test_the_number_of_steps_hardly_depends_on_the_size():
    torch.manual_seed(0)
    counts = []
    for n in (12, 24, 48):
        A, b = laplacian(n), torch.randn(n * n, dtype=F64)
        M = solvers.smoothed_aggregation(A, max_coarse=20)
        x, report = solvers.cg(A, b, rtol=1e-8, M=M, return_info=True)
        assert (b - A @ x).norm() <= 1e-8 * b.norm()
        assert M.operator_complexity < 1.6
        counts.append(report.iterations)
    assert max(counts) <= 20 and counts[-1] <= counts[0] + 6


@pytest.mark.parametrize("cycle", ["V", "W"])
@pytest.mark.parametrize("sweeps", [1, 2])
def test_a_cycle_is_symmetric_and_positive(cycle, sweeps):
    A = laplacian(9)
    M = solvers.smoothed_aggregation(A, max_coarse=10, cycle=cycle, sweeps=sweeps)
    dense = M.to_dense()
    torch.testing.assert_close(dense, dense.mT)
    torch.testing.assert_close(M @ dense[0], dense @ dense[0])
    eigenvalues = torch.linalg.eigvals(dense @ A.to_dense()).real
    assert eigenvalues.min() > 0 and eigenvalues.max() < 1.5


def test_the_hierarchy_keeps_what_the_matrix_hardly_changes():
    A = laplacian(12)
    M = solvers.smoothed_aggregation(A, max_coarse=10)
    level = M.levels[0]
    coarse = level.restriction @ (level.A @ level.prolongation)
    following = M.levels[1].A if len(M.levels) > 1 else M.coarsest
    torch.testing.assert_close(following.to_dense(), coarse.to_dense())
    # every fine unknown belongs to one aggregate, and aggregates are a few unknowns wide
    assert 4 < 144 / level.prolongation.shape[1] < 12
    assert "operator complexity" in repr(M) and "144" in repr(M)


def test_gradients_and_single_precision():
    A = laplacian(12).requires_grad_()
    b = torch.ones(144, dtype=F64)
    M, gradients = solvers.smoothed_aggregation(A, max_coarse=10), []
    for each in (None, M):
        A.grad = None
        solvers.cg(A, b, rtol=1e-13, M=each).square().sum().backward()
        gradients.append(A.grad.to_dense())
    torch.testing.assert_close(*gradients)
    single = laplacian(24, torch.float32)
    _, report = solvers.cg(single, torch.ones(576), M=solvers.smoothed_aggregation(single), return_info=True)
    assert report.converged and report.iterations < 15


def test_a_singular_laplacian_and_lonely_unknowns():
    n = 10
    A = laplacian(n).to_dense()
    A = A - torch.diag(A.sum(1))
    A = torch.block_diag(A, 3 * torch.eye(2, dtype=F64)).to_sparse_csr()
    b = torch.randn(102, dtype=F64)
    b[:100] -= b[:100].mean()
    x, report = solvers.cg(A, b, rtol=1e-8, M=solvers.smoothed_aggregation(A, max_coarse=5), return_info=True)
    assert report.converged, report
    torch.testing.assert_close(x[100:], b[100:] / 3)


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="cycle 'V' or 'W'"):
        solvers.smoothed_aggregation(laplacian(3), cycle="F")
    with pytest.raises(torch.linalg.LinAlgError, match="not Hermitian"):
        solvers.smoothed_aggregation(torch.tensor([[2.0, 1.0], [0.0, 2.0]]).to_sparse_csr())
    with pytest.raises(RuntimeError, match=r"near_nullspace of 9 numbers, got \[3\]"):
        solvers.smoothed_aggregation(laplacian(3), near_nullspace=torch.ones(3, dtype=F64))
    with pytest.raises(torch.linalg.LinAlgError, match="zero in row 0"):
        solvers.smoothed_aggregation(torch.zeros(3, 3).to_sparse_csr(), max_coarse=1)


def test_complex_matrices_have_hierarchies():
    A = laplacian(12, torch.complex128)
    turn = torch.exp(1j * torch.arange(144, dtype=F64))
    matrix = torch.diag(turn) @ A.to_dense() @ torch.diag(turn.conj())
    M = solvers.smoothed_aggregation(matrix.to_sparse_csr(), near_nullspace=turn, max_coarse=10)
    _, report = solvers.cg(matrix, turn, rtol=1e-8, M=M, return_info=True)
    assert report.converged and report.iterations <= 16
