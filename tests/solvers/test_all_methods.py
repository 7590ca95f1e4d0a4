"""Every solver on small matrices of all kinds, with preconditioners: what is called solved is so in double precision."""

import warnings

import pytest
from small_matrices import matrices, some

import lineal as torch
from lineal import solvers
from lineal.base.errors import IllConditionedWarning
from lineal.solvers import preconditioners

MATRICES = {"all": matrices()}
MATRICES["some"] = some(MATRICES["all"])
LONG = pytest.mark.slow
SOLVERS = {
    "cg": solvers.cg,
    "pipelined_cg": solvers.pipelined_cg,
    "block_cg": solvers.block_cg,
    "minres": solvers.minres,
    "gmres": lambda A, b, **options: solvers.gmres(A, b, restart=6, **options),
    "fgmres": lambda A, b, **options: solvers.gmres(A, b, restart=20, flexible=True, **options),
    "bicgstab": solvers.bicgstab,
    "idrs": solvers.idrs,
    "tfqmr": solvers.tfqmr,
    "spsolve": lambda A, b, M, **options: solvers.spsolve(A.to_sparse_csr(), b, **options),
    "jacobi": lambda A, b, M, **options: solvers.jacobi(A, b, **options),
    "gauss_seidel": lambda A, b, M, **options: solvers.gauss_seidel(A, b, **options),
    "ssor": lambda A, b, M, **options: solvers.ssor(A, b, omega=1.2, **options),
    "richardson": lambda A, b, M, **options: solvers.richardson(A, b, omega=0.1, **options),
    "chebyshev": lambda A, b, M, **options: solvers.chebyshev(A, b, **options),
}
PRECONDITIONERS = {
    "none": lambda A: None,
    "diagonal": lambda A: solvers.Diagonal(1 / (1 + A.diagonal().abs()).to(A.dtype)),
    "jacobi": preconditioners.jacobi,
    "ssor": preconditioners.ssor,
    "ilu": preconditioners.ilu,
    "ilut": preconditioners.ilut,
    "polynomial": preconditioners.polynomial,
}
SPLITTINGS = ("jacobi", "gauss_seidel", "ssor")
WITHOUT = (*SPLITTINGS, "spsolve", "richardson", "chebyshev")
"""Those that take no preconditioner, or not without more numbers."""
DEFINITE = ("positive", "clustered", "diagonal", "rank one and identity", "Laplacian")
HERMITIAN = (*DEFINITE, "indefinite", "symmetric about zero", "saddle", "negative", "swap", "number")
REGULAR = (*HERMITIAN, "random", "skew and identity", "rotation", "shift", "nonnormal", "convection", "dominant")
MUST = {
    **dict.fromkeys(("cg", "pipelined_cg", "block_cg"), DEFINITE),
    "minres": HERMITIAN,
    "fgmres": REGULAR,
    "spsolve": REGULAR,
    **dict.fromkeys(("gmres", "bicgstab", "tfqmr", "idrs"), (*DEFINITE, "dominant", "convection")),
    **dict.fromkeys(("jacobi", "gauss_seidel", "ssor"), ("diagonal", "dominant")),
}
RTOL = {torch.float32: 1e-4}


def wide(x):
    return x.to(torch.complex128 if x.dtype.is_complex else torch.float64)


def solved(name, A, b, make, rtol):
    """Return what a solver gives, or None where a preconditioner, or a splitting, is refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            M = make(A)
    except (torch.linalg.LinAlgError, ValueError, NotImplementedError, RuntimeError) as error:
        assert str(error)
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IllConditionedWarning)
            return SOLVERS[name](A, b, M=M, rtol=rtol, maxiter=200, return_info=True)
    except torch.linalg.LinAlgError as error:
        assert name in SPLITTINGS and "diagonal of A is zero" in str(error)
        return None


CASES = [(name, made) for name in SOLVERS for made in PRECONDITIONERS if made == "none" or name not in WITHOUT]
QUICK = [pytest.param("some", name, "none") for name in SOLVERS]


@pytest.mark.parametrize(("which", "name", "made"), QUICK + [pytest.param("all", *each, marks=LONG) for each in CASES])
def test_what_is_called_solved_is_solved(which, name, made):
    torch.manual_seed(1)
    for kind, A in MATRICES[which].items():
        rtol = RTOL.get(A.dtype, 1e-9)
        b = torch.randn(len(A), dtype=A.dtype)
        found = solved(name, A, b, PRECONDITIONERS[made], rtol)
        must = made == "none" and kind.split(",")[0] in MUST.get(name, ())
        if found is None:
            assert not must, kind
            continue
        x, report = found
        left = wide(b) - wide(A) @ wide(x)
        rounding = 8 * len(A) * torch.finfo(A.dtype).eps * float(wide(A).norm() * wide(x).norm() + wide(b).norm())
        if report.converged:
            assert float(left.norm()) <= rtol * float(wide(b).norm()) + rounding, (kind, report)
            small = torch.linalg.svdvals(wide(A))[-1]
            if small > 1e-6:
                error = float((wide(x) - torch.linalg.solve(wide(A), wide(b))).norm())
                assert error <= (float(left.norm()) * 1.001 + 1e-12) / float(small), (kind, report)
        else:
            assert report.status and report.advice and not must, (kind, report)


LEAST = {"cgls": solvers.cgls, "lsqr": solvers.lsqr, "lsmr": solvers.lsmr, "minres_qlp": solvers.minres_qlp}


@pytest.mark.parametrize("damp", [0.0, 0.3])
@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("which", ["some", pytest.param("all", marks=LONG)])
def test_what_is_called_least_is_least(which, name, damp):
    if damp and name == "minres_qlp":
        pytest.skip("it has no damping")
    torch.manual_seed(2)
    for kind, A in MATRICES[which].items():
        rtol = 10 * RTOL.get(A.dtype, 1e-9)
        for matrix in (A,) if name == "minres_qlp" else (A, A[:, : len(A) // 2 + 1], A[: len(A) // 2 + 1]):
            b = torch.randn(len(matrix), dtype=A.dtype)
            options = {"damp": damp} if damp else {}
            x, report = LEAST[name](matrix, b, rtol=rtol, maxiter=200, return_info=True, **options)
            B, c, y = wide(matrix), wide(b), wide(x)
            left = B.mH @ (c - B @ y) - damp**2 * y
            rounding = 8 * len(A) * torch.finfo(A.dtype).eps * float(B.norm() * (B.norm() * y.norm() + c.norm()))
            if not report.converged:
                assert report.status and report.advice, (kind, report)
                assert name == "minres_qlp" or not kind.startswith(REGULAR) or not damp, (kind, report)
                continue
            assert float(left.norm()) <= rtol * float((B.mH @ c).norm()) + rounding, (kind, report)
            sigma = torch.linalg.svdvals(B)
            regular = sigma[sigma > 1e-5 * sigma[0]]
            if len(regular) and regular[-1] > 0.1 * regular[0] and A.dtype != torch.float32:
                # A⁺ b, where the rank leaves no doubt
                wanted = (
                    torch.linalg.pinv(B, rcond=1e-5) @ c
                    if not damp
                    else torch.linalg.solve(B.mH @ B + damp**2 * torch.eye(B.shape[1], dtype=B.dtype), B.mH @ c)
                )
                torch.testing.assert_close(y, wanted, rtol=1e-5, atol=1e-6, msg=f"{kind} {report}")


@pytest.mark.parametrize("name", [name for name in (*SOLVERS, *LEAST) if name not in ("chebyshev", "richardson")])
def test_scales_do_not_matter(name):
    torch.manual_seed(6)
    solve = {**SOLVERS, **LEAST}[name]
    for dtype, far in ((torch.float32, 1e30), (torch.float64, 1e150), (torch.complex64, 1e30)):
        B = torch.randn(6, 6, dtype=dtype) / 9
        A, b = B @ B.mH + torch.eye(6, dtype=dtype), torch.randn(6, dtype=dtype)
        for by_A, by_b in ((1, 1), (far, 1), (1 / far, 1), (1, far), (1, 1 / far), (far, far), (1 / far, 1 / far)):
            matrix, right = A * by_A, b * by_b
            x, report = (
                solve(matrix, right, M=None, rtol=1e-4, return_info=True)
                if name in SOLVERS
                else solve(matrix, right, rtol=1e-4, return_info=True)
            )
            assert report.converged and report.residual <= report.tolerance, (dtype, by_A, by_b, report)
            found, wanted = wide(x) * by_A / by_b, torch.linalg.solve(wide(A), wide(b))
            torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_a_solution_that_the_dtype_does_not_hold_is_no_solution():
    A, b = torch.eye(3) * 1e30, torch.ones(3) * 1e-30
    _, report = solvers.cg(A, b, return_info=True)
    assert not report.converged and report.status == "overflow" and "does not hold the solution" in report.advice


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
@pytest.mark.parametrize("name", [name for name in (*SOLVERS, *LEAST) if name not in WITHOUT])
def test_numbers_that_are_not_finite_are_named(name, number):
    solve = {**SOLVERS, **LEAST}[name]
    A, b = 2 * torch.eye(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
    options = {"M": None} if name in SOLVERS else {}
    broken = A.clone()
    broken[2, 2] = number
    _, report = solve(broken, b, return_info=True, **options)
    assert report.status == "diverged" and "A had numbers that are not finite" in report.advice
    _, report = solve(A, b.index_fill(0, torch.tensor([1]), number), return_info=True, **options)
    assert report.status == "diverged" and "b had numbers that are not finite" in report.advice
