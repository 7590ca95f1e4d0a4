"""Multigrid: convergence that does not depend on the size, and what the hierarchy is made of."""

import numpy as np
import pytest

import lineal as torch
from lineal import solvers

F64 = torch.float64
SMOOTHERS = ("jacobi", "chebyshev", "gauss_seidel", "coloured_gauss_seidel")


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
@pytest.mark.parametrize("smoother", SMOOTHERS)
def test_a_cycle_is_symmetric_and_positive(cycle, sweeps, smoother):
    A = laplacian(9)
    M = solvers.smoothed_aggregation(A, max_coarse=10, cycle=cycle, sweeps=sweeps, smoother=smoother)
    dense = M.to_dense()
    torch.testing.assert_close(dense, dense.mT)
    torch.testing.assert_close(M @ dense[0], dense @ dense[0])
    torch.testing.assert_close(M.H.to_dense(), dense)
    eigenvalues = torch.linalg.eigvals(dense @ A.to_dense()).real
    assert eigenvalues.min() > 0 and eigenvalues.max() < 1.5


def test_the_hierarchy_keeps_what_the_matrix_hardly_changes():
    A = laplacian(12)
    M = solvers.smoothed_aggregation(A, max_coarse=10)
    level = M.levels[0]
    coarse = level.restriction @ level.A @ level.prolongation
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
    with pytest.raises(ValueError, match=r"smoother of jacobi, chebyshev.* got 'ssor'"):
        solvers.smoothed_aggregation(laplacian(3), smoother="ssor")
    with pytest.raises(ValueError, match="a blocksize that divides 9, got 2"):
        solvers.smoothed_aggregation(laplacian(3), blocksize=2)
    negative = torch.diag(torch.tensor([1.0, 2, -3, 4])).to_sparse_csr()
    with pytest.raises(torch.linalg.LinAlgError, match="not positive definite: its diagonal is -3 in row 2"):
        solvers.smoothed_aggregation(negative)
    with pytest.raises(torch.linalg.LinAlgError, match="4001 unknowns of level 0 cannot be made fewer"):
        solvers.smoothed_aggregation(torch.sparse.spdiags(torch.ones(1, 4001), torch.tensor([0]), (4001, 4001)).to_sparse_csr())
    with pytest.raises(TypeError, match="a multilevel solver of PyAMG's, got int"):
        solvers.from_pyamg(3)
    with pytest.raises(torch.linalg.LinAlgError, match="zero in row 0"):
        solvers.smoothed_aggregation(torch.zeros(3, 3).to_sparse_csr(), max_coarse=1)


def test_complex_matrices_have_hierarchies():
    A = laplacian(12, torch.complex128)
    turn = torch.exp(1j * torch.arange(144, dtype=F64))
    matrix = torch.diag(turn) @ A.to_dense() @ torch.diag(turn.conj())
    M = solvers.smoothed_aggregation(matrix.to_sparse_csr(), near_nullspace=turn, max_coarse=10)
    _, report = solvers.cg(matrix, turn, rtol=1e-8, M=M, return_info=True)
    assert report.converged and report.iterations <= 16


@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.complex128])
def test_few_unknowns_are_solved_exactly(dtype):
    torch.manual_seed(1)
    Q = torch.linalg.qr(torch.randn(20, 20, dtype=dtype))[0]
    # far beyond what a pseudoinverse with a careful cutoff keeps
    values = torch.logspace(0, -4 if dtype == torch.float32 else -11, 20, dtype=F64).to(dtype)
    A = (Q * values) @ Q.mH
    A = (A + A.mH) / 2
    M = solvers.smoothed_aggregation(A.to_sparse_csr())
    b = torch.randn(20, dtype=dtype)
    torch.testing.assert_close(A @ (M @ b), b, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(M.H @ b, torch.linalg.solve(A, b), rtol=1e-3, atol=1e-3 * float((M @ b).abs().max()))


def test_a_singular_system_of_few_unknowns_has_its_pseudoinverse():
    n = 8
    A = laplacian(n).to_dense()
    A = A - torch.diag(A.sum(1))
    torch.testing.assert_close(solvers.smoothed_aggregation(A.to_sparse_csr()).to_dense(), torch.linalg.pinv(A, rtol=1e-10))


def test_parts_that_are_singular_end_the_hierarchy():
    ring = 2 * torch.eye(3, dtype=F64) - torch.roll(torch.eye(3, dtype=F64), 1, 0) - torch.roll(torch.eye(3, dtype=F64), -1, 0)
    A = torch.kron(torch.eye(40, dtype=F64), ring).to_sparse_csr()
    b = torch.randn(40, 3, dtype=F64)
    b = (b - b.mean(1, keepdim=True)).reshape(-1)
    _, report = solvers.cg(A, b, rtol=1e-10, M=solvers.smoothed_aggregation(A, max_coarse=5), return_info=True)
    assert report.converged and report.iterations < 10, report


def elasticity(n):
    """Return PyAMG's stiffness matrix of an elastic square, and the motions of a rigid body."""
    pyamg = pytest.importorskip("pyamg", reason="compares with PyAMG")
    matrix, motions = pyamg.gallery.linear_elasticity((n, n))
    return pyamg, matrix, motions


@pytest.mark.parametrize("smoother", SMOOTHERS)
def test_elasticity_needs_the_motions_of_a_rigid_body(smoother):
    _, matrix, motions = elasticity(24)
    A, B = torch.sparse.from_scipy(matrix.tocsr()), torch.tensor(motions)
    torch.manual_seed(2)
    b = torch.randn(len(A), dtype=F64)
    M = solvers.smoothed_aggregation(A, near_nullspace=B, blocksize=2, max_coarse=30, smoother=smoother)
    plain = solvers.smoothed_aggregation(A, max_coarse=30, smoother=smoother)
    helped, other = (solvers.cg(A, b, rtol=1e-8, M=each, return_info=True)[1] for each in (M, plain))
    assert helped.converged and helped.iterations <= 17 and helped.iterations < other.iterations / 1.5
    # inside, where nothing is held fast, the hierarchy gives rigid motions exactly
    P = M.levels[0].prolongation
    assert P.shape[1] % 3 == 0
    inside = (A @ B).abs().sum(1) < 1e-8 * float(A.values().abs().max())
    coarse = torch.linalg.lstsq(P.to_dense()[inside], B[inside]).solution
    torch.testing.assert_close(P.to_dense()[inside] @ coarse, B[inside], rtol=1e-6, atol=1e-6)


def test_aggregates_and_complexity_are_pyamgs():
    pyamg, matrix, motions = elasticity(30)
    theirs = pyamg.smoothed_aggregation_solver(matrix, motions, max_coarse=30)
    A = torch.sparse.from_scipy(matrix.tocsr())
    B = torch.tensor(motions)
    ours = solvers.smoothed_aggregation(
        A, near_nullspace=B, blocksize=2, strength=0.0, max_coarse=30, smoother="gauss_seidel", sweeps=2
    )
    assert ours.operator_complexity == pytest.approx(theirs.operator_complexity(), rel=0.05)
    torch.manual_seed(3)
    b, residuals = torch.randn(len(A), dtype=F64), []
    theirs.solve(b.numpy(), tol=1e-8, accel="cg", residuals=residuals)
    assert solvers.cg(A, b, rtol=1e-8, M=ours, return_info=True)[1].iterations <= len(residuals) + 1


def test_columns_that_depend_on_each_other_make_no_coarse_unknowns():
    A, ones = laplacian(12), torch.ones(144, dtype=F64)
    once = solvers.smoothed_aggregation(A, near_nullspace=ones, max_coarse=10)
    twice = solvers.smoothed_aggregation(A, near_nullspace=torch.stack([ones, 3 * ones, 0 * ones], 1), max_coarse=10)
    assert [level.prolongation.shape for level in once.levels] == [level.prolongation.shape for level in twice.levels]
    torch.testing.assert_close(once.to_dense(), twice.to_dense())


@pytest.mark.parametrize("name", ["ruge_stuben_solver", "rootnode_solver", "smoothed_aggregation_solver", "air_solver"])
def test_hierarchies_of_pyamg_precondition(name):
    pyamg = pytest.importorskip("pyamg", reason="takes hierarchies of PyAMG's")
    matrix = pyamg.gallery.poisson((24, 24), format="csr")
    shift = 0.4 if name == "air_solver" else 0.0
    # entries below the diagonal are smaller: no longer symmetric
    rows = np.repeat(np.arange(576), np.diff(matrix.indptr))
    matrix.data = matrix.data * (1 - shift * (matrix.indices < rows))
    hierarchy = getattr(pyamg, name)(matrix, max_coarse=20)
    A = torch.sparse.from_scipy(matrix)
    n, b = 576, torch.ones(576, dtype=F64)
    for smoother in ("gauss_seidel", "coloured_gauss_seidel"):
        M = solvers.from_pyamg(hierarchy, smoother=smoother)
        assert [each[0] for each in M.sizes] == [each.A.shape[0] for each in hierarchy.levels]
        plain, helped = (solvers.gmres(A, b, rtol=1e-8, restart=100, M=each, return_info=True)[1] for each in (None, M))
        assert helped.converged and helped.iterations < plain.iterations / 2
        x, y = torch.randn(n, dtype=F64), torch.randn(n, dtype=F64)
        torch.testing.assert_close(y @ (M @ x), (M.H @ y) @ x)
    if shift:
        with pytest.raises(torch.linalg.LinAlgError, match="chebyshev is for Hermitian matrices"):
            solvers.from_pyamg(hierarchy, smoother="chebyshev")
    else:
        assert solvers.cg(A, b, rtol=1e-8, M=M, return_info=True)[1].iterations < 20
