"""Krylov methods on small systems of all kinds: what they say they have solved, they have."""

import pytest

import lineal as torch
from lineal import solvers

F64, C128 = torch.float64, torch.complex128
N = 12


def matrices():
    """Return matrices by name: definite, indefinite, nonnormal, ill-conditioned, singular."""
    torch.manual_seed(0)
    found = {}
    for dtype, mark in ((F64, "real"), (C128, "complex")):
        B = torch.randn(N, N, dtype=dtype)
        Q = torch.linalg.qr(torch.randn(N, N, dtype=dtype))[0]
        shift = torch.eye(N, dtype=dtype)
        spread = lambda values, Q=Q, dtype=dtype: (Q * torch.as_tensor(values).to(dtype)) @ Q.mH
        found |= {
            f"{mark} positive": B @ B.mH + shift,
            f"{mark} indefinite": spread([*range(1, 7), *range(-6, 0)]),
            f"{mark} skew": (B - B.mH) + 2 * shift,
            f"{mark} random": B + 3 * shift,
            f"{mark} rotation": Q,
            f"{mark} nonnormal": torch.triu(B, 1) + 2 * shift,
            f"{mark} ill-conditioned": spread([10.0**-n for n in range(N)]),
            f"{mark} singular": spread([0.0, *range(1, N)]),
            f"{mark} zero": torch.zeros(N, N, dtype=dtype),
            f"{mark} shift": torch.roll(shift, 1, 0),
            f"{mark} diagonal": torch.diag(torch.arange(1, N + 1).to(dtype)),
            f"{mark} rank one": torch.outer(B[0], B[0].conj()) + shift,
            f"{mark} negative": -(B @ B.mH) - shift,
            f"{mark} badly scaled": (B + 3 * shift) * torch.logspace(-4, 4, N).to(dtype).unsqueeze(1),
        }
    return found


MATRICES = matrices()
METHODS = {
    "cg": solvers.cg,
    "minres": solvers.minres,
    "gmres": lambda A, b, **options: solvers.gmres(A, b, restart=8, **options),
    "fgmres": lambda A, b, **options: solvers.gmres(A, b, restart=20, flexible=True, **options),
    "bicgstab": solvers.bicgstab,
    "idrs": solvers.idrs,
}
HERMITIAN = ("positive", "indefinite", "diagonal", "rank one", "negative")
MUST = {
    "cg": ("positive", "diagonal", "rank one"),
    "minres": HERMITIAN,
    "fgmres": (*HERMITIAN, "skew", "random", "rotation", "nonnormal", "shift"),
    "gmres": ("positive", "diagonal", "rank one"),
    "bicgstab": ("positive", "diagonal", "rank one", "random", "nonnormal"),
    "idrs": ("positive", "diagonal", "rank one", "random", "nonnormal"),
}


@pytest.mark.parametrize("preconditioned", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_what_is_called_solved_is_solved(name, preconditioned):
    torch.manual_seed(1)
    for kind, A in MATRICES.items():
        b = torch.randn(N, dtype=A.dtype)
        M = solvers.Diagonal(1 / (1 + A.diagonal().abs()).to(A.dtype)) if preconditioned else None
        x, report = METHODS[name](A, b, M=M, rtol=1e-8, return_info=True)
        true = float((b - A @ x).norm())
        assert report.converged == (true <= report.tolerance) or true <= 1.01 * report.tolerance, (kind, report)
        if any(kind.endswith(each) for each in MUST[name]):
            assert report.converged, (kind, report)
        if kind.endswith("zero"):
            assert not report.converged and report.advice, report


@pytest.mark.parametrize("name", ["minres", "fgmres", "bicgstab", "idrs"])
def test_solutions_have_the_derivatives_of_the_inverse(name):
    torch.manual_seed(2)
    A, b = (torch.randn(4, 4, dtype=F64) + 4 * torch.eye(4)).requires_grad_(), torch.randn(4, dtype=F64, requires_grad=True)

    def solve(A, b):
        return METHODS[name](A + A.mT if name == "minres" else A, b, rtol=1e-13)

    assert torch.autograd.gradcheck(solve, (A, b))
    assert torch.autograd.gradgradcheck(solve, (A, b))


@pytest.mark.parametrize("dtype", [F64, C128])
@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (6, 6)])
def test_least_squares_are_those_of_lstsq(shape, dtype):
    torch.manual_seed(3)
    A, b = torch.randn(*shape, dtype=dtype), torch.randn(shape[0], dtype=dtype)
    torch.testing.assert_close(solvers.cgls(A, b, rtol=1e-12), torch.linalg.pinv(A) @ b, rtol=1e-6, atol=1e-8)
    damped = solvers.cgls(A.to_sparse_csr(), b, damp=0.5, rtol=1e-12)
    wanted = torch.linalg.solve(A.mH @ A + 0.25 * torch.eye(shape[1], dtype=dtype), A.mH @ b)
    torch.testing.assert_close(damped, wanted, rtol=1e-6, atol=1e-8)


def test_least_squares_have_derivatives():
    torch.manual_seed(4)
    A, b = torch.randn(5, 3, dtype=F64, requires_grad=True), torch.randn(5, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda A, b: solvers.cgls(A, b, rtol=1e-13), (A, b))


def test_exact_arithmetic_would_be_done_after_n_steps():
    torch.manual_seed(5)
    A, b = MATRICES["real random"], torch.randn(N, dtype=F64)
    assert solvers.gmres(A, b, rtol=1e-9, return_info=True)[1].iterations <= N
    assert solvers.minres(MATRICES["real indefinite"], b, rtol=1e-9, return_info=True)[1].iterations <= N + 2


def test_cycles_that_change_nothing_are_named():
    shift = torch.roll(torch.eye(N, dtype=F64), 1, 0)
    _, report = solvers.gmres(shift, shift[0], restart=3, return_info=True)
    assert report.status == "stagnated" and "larger restart" in report.advice


def test_settings_that_cannot_be_are_errors():
    with pytest.raises(ValueError, match="restart of at least 1, got 0"):
        solvers.gmres(torch.eye(2), torch.ones(2), restart=0)
    with pytest.raises(ValueError, match="s of at least 1, got 0"):
        solvers.idrs(torch.eye(2), torch.ones(2), s=0)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales_do_not_matter(name, scale):
    torch.manual_seed(6)
    A, b = MATRICES["real positive"], torch.randn(N, dtype=F64)
    for matrix, right in ((A * scale, b), (A, b * scale)):
        assert METHODS[name](matrix, right, rtol=1e-8, return_info=True)[1].converged
