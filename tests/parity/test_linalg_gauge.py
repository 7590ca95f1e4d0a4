"""Decompositions whose vectors are determined only up to sign, phase or order: what does not depend on that is PyTorch's."""

import contextlib

import pytest
from calling import Form
from checks import SkipError, Trial, attempt
from convert import leaves, to_subject
from reference import differentiates, full_name, op_db, samples, subject, torch

pytestmark = pytest.mark.parity

DTYPES = ("float64", "complex128", "float32")


def of_eigh(values, V):
    """Return the eigenvalues, the matrix's sine, and the size of the vectors' elements."""
    return values, (V * values.sin()[..., None, :]) @ V.mH, V.abs()


def of_eig(values, V):
    """Return the matrix's exponential and the sum of a function of the eigenvalues: neither knows of their order."""
    return (V * values.exp()[..., None, :]) @ V.inverse(), values.cos().sum(-1)


def of_svd(U, S, Vh):
    """Return the singular values, an odd function of the matrix, and the size of the vectors' elements."""
    k = S.shape[-1]
    U, Vh = U[..., :k], Vh[..., :k, :]
    return S, (U * S.sin()[..., None, :]) @ Vh, U.abs(), Vh.abs()


def of_columns(U, S, V):
    """Return the same of a decomposition that gives V by columns."""
    return of_svd(U, S, V.mH)


def of_low_rank(U, S, V):
    """Return the matrix and its singular values."""
    return S, (U * S[..., None, :]) @ V.mH


def of_qr(Q, R):
    """Return the matrix and the size of R's elements."""
    return Q @ R, R.abs()


def of_low_rank_product(name):
    """Return the function of two factors that PyTorch's samples are for."""
    return lambda a, b, **options: getattr(subject, name)(a @ b.mT, **options)


def same_start(rows, columns, *, dtype):
    """Return the random start that PyTorch's samples draw, which they seed with 42."""
    torch.manual_seed(42)
    return to_subject(torch.randn(rows, columns, dtype=getattr(torch, str(dtype).rpartition(".")[2])))


GAUGES = {
    "linalg.eigh": (of_eigh, lambda *args, **options: subject.linalg.eigh(*args, **options)),
    "linalg.eig": (of_eig, lambda *args, **options: subject.linalg.eig(*args, **options)),
    "linalg.svd": (of_svd, lambda *args, **options: subject.linalg.svd(*args, **options)),
    "svd": (of_columns, lambda *args, **options: subject.svd(*args, **options)),
    "linalg.qr": (of_qr, lambda *args, **options: subject.linalg.qr(*args, **options)),
    "qr": (of_qr, lambda *args, **options: subject.qr(*args, **options)),
    "svd_lowrank": (of_low_rank, of_low_rank_product("svd_lowrank")),
    "pca_lowrank": (of_low_rank, of_low_rank_product("pca_lowrank")),
}
OPS = [op for op in op_db if op.name in GAUGES]


def chained(gauge, function):
    """Return the function whose results the gauge does not change."""
    return lambda *args, **options: gauge(*function(*args, **options))


def undefined(op, sample):
    """Say whether the sample asks for what has no gauge-free part: factors that were not computed."""
    options = {**dict(enumerate(sample.args)), **sample.kwargs}
    return options.get("compute_uv") is False or "r" in (options.get("mode"), options.get(0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS, ids=full_name)
def test_what_the_gauge_does_not_change_agrees(op, dtype, monkeypatch):
    if op.name.endswith("_lowrank"):
        monkeypatch.setattr("lineal.ops.linalg.lowrank.randn", same_start)
    gauge, ours = GAUGES[op.name]
    form = Form(full_name(op), chained(gauge, op.op), chained(gauge, ours))
    found = []
    for sample in samples(op, dtype):
        if undefined(op, sample):
            continue
        trial = Trial(op, dtype, sample, form, grad=differentiates(op, dtype))

        def check(trial=trial):
            trial.check_value()
            if trial.grad and any(leaf.requires_grad for leaf in leaves(trial.theirs)):
                with contextlib.suppress(SkipError):
                    trial.check_grad()

        found.append(attempt(op, dtype, "gauge", trial.describe(), check))
    failed = [f"{one.call}: {one.message}" for one in found if one.status == "fail"]
    assert not failed, "\n".join(failed[:10])
    assert any(one.status == "ok" for one in found), "no check of this op ran"


def test_extreme_eigenpairs_agree():
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(12, 12, generator=generator, dtype=torch.float64)
    start = torch.randn(12, 2, generator=generator, dtype=torch.float64)
    A = (A + A.mT).requires_grad_()
    E, X = torch.lobpcg(A, X=start, tol=1e-13, niter=-1)
    (E.sum() + X.abs().sum()).backward()
    mine = subject.from_numpy(A.detach().numpy().copy()).requires_grad_()
    e, x = subject.lobpcg(mine, X=subject.from_numpy(start.numpy().copy()), tol=1e-13)
    (e.sum() + x.abs().sum()).backward()
    for one, other in ((e, E), (x.abs(), X.abs()), (mine.grad, A.grad)):
        torch.testing.assert_close(torch.from_numpy(one.detach().numpy()), other.detach(), rtol=1e-6, atol=1e-6)
