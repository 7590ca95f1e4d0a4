"""Samples of linear algebra. Where a factor is determined only up to signs, what is checked is made of the factors."""

import numpy as np
import scipy.linalg

from lineal import stack
from lineal.testing import Sample
from samples.arrays import alike, compound, normal, spd, square


def hermitian(n):
    """Return a complex Hermitian matrix with distinct eigenvalues."""
    A = compound(n, n)
    return A + A.conj().T + np.diag(3.0 * np.arange(n))


def triangular(n):
    """Return a well-conditioned lower triangular matrix."""
    return np.tril(normal(n, n)) + 3 * np.eye(n)


def product(*factors):
    """Return the product of the factors."""
    made = factors[0]
    for each in factors[1:]:
        made = made @ each
    return made


def from_svd(U, S, Vh):
    """Return what the signs of the factors do not change."""
    return S, (U[..., : S.shape[-1]] * S) @ Vh[..., : S.shape[-1], :]


def from_eigh(L, Q):
    """Return what the signs of the eigenvectors do not change."""
    return L, Q @ (L.sin()[..., None] * Q.mH)


def projector(*rows):
    """Return the projector on the space that the columns are a basis of."""
    basis = stack(rows)
    return [basis @ basis.mH]


def symmetric(A):
    """Return the symmetric part, on which alone eigh depends as differences see it."""
    return (A + A.swapaxes(-1, -2)) / 2


SAMPLES = {
    # Functions of a matrix.
    **alike(
        ("inverse", "linalg.inv"),
        [
            Sample(square(3), reference=np.linalg.inv),
            Sample(square(2, 3), reference=np.linalg.inv),
            Sample(compound(2, 2), single=False),
        ],
    ),
    "linalg.inv_ex": [Sample(square(3))],
    **alike(
        ("det", "linalg.det"), [Sample(square(3), reference=np.linalg.det), Sample(compound(2, 2), reference=np.linalg.det)]
    ),
    "logdet": [Sample(spd(3), reference=lambda A: np.linalg.slogdet(A)[1])],
    **alike(("slogdet", "linalg.slogdet"), [Sample(square(3), reference=np.linalg.slogdet)]),
    **alike(("matrix_exp", "linalg.matrix_exp"), [Sample(normal(2, 2), reference=scipy.linalg.expm)]),
    "linalg.matrix_power": [Sample(square(3), -2, reference=np.linalg.matrix_power)],
    **alike(("pinverse", "linalg.pinv"), [Sample(normal(4, 3), reference=np.linalg.pinv)]),
    "linalg.cond": [Sample(square(3), reference=np.linalg.cond), Sample(square(3), 1, reference=np.linalg.cond)],
    "linalg.rcond": [Sample(square(3), derivative=0, reference=lambda A: 1 / np.linalg.cond(A, 1))],
    "linalg.matrix_rank": [Sample(square(3), derivative=0, reference=np.linalg.matrix_rank)],
    # Norms and products.
    "linalg.norm": [Sample(normal(2, 3), reference=np.linalg.norm), Sample(normal(2, 3), 2, reference=np.linalg.norm)],
    "linalg.vector_norm": [Sample(normal(2, 3), 3, 1), Sample(compound(3), 2)],
    "linalg.matrix_norm": [Sample(normal(3, 2)), Sample(normal(3, 2), "nuc"), Sample(normal(3, 2), 1)],
    "linalg.vecdot": [Sample(compound(2, 3), compound(2, 3))],
    "linalg.matmul": [Sample(normal(2, 3), normal(3, 4), reference=np.matmul)],
    "linalg.multi_dot": [Sample([normal(2, 3), normal(3, 4), normal(4, 2)], reference=np.linalg.multi_dot)],
    "linalg.cross": [Sample(normal(2, 3), normal(2, 3), reference=np.cross)],
    "linalg.diagonal": [Sample(normal(3, 4), offset=1)],
    "vander": [Sample(normal(3), reference=np.vander)],
    "linalg.vander": [Sample(normal(3), reference=lambda x: np.vander(x, increasing=True))],
    # Solving.
    "linalg.solve": [
        Sample(square(3), normal(3, 2), reference=np.linalg.solve),
        Sample(square(3), normal(3), reference=np.linalg.solve),
        Sample(compound(2, 2), compound(2, 1), single=False),
    ],
    "linalg.solve_ex": [Sample(square(3), normal(3, 2))],
    "linalg.solve_triangular": [Sample(triangular(3), normal(3, 2), upper=False)],
    "linalg.lstsq": [Sample(normal(4, 3), normal(4, 2), of=lambda solution, *_: solution)],
    "linalg.tensorinv": [Sample(normal(2, 3, 6), 2, reference=np.linalg.tensorinv, tolerance=1e-7)],
    "linalg.tensorsolve": [Sample(normal(2, 3, 6), normal(2, 3), reference=np.linalg.tensorsolve)],
    "triangular_solve": [Sample(normal(3, 2), triangular(3), False)],
    "cholesky_solve": [Sample(normal(3, 2), triangular(3))],
    "cholesky_inverse": [Sample(triangular(3))],
    # Factorisations.
    **alike(
        ("cholesky", "linalg.cholesky"),
        [Sample(spd(3), derivative=0, reference=np.linalg.cholesky), Sample(spd(3, 2), derivative=0)],
    ),
    "linalg.cholesky_ex": [Sample(spd(3), derivative=0)],
    **alike(("qr", "linalg.qr"), [Sample(normal(4, 3)), Sample(square(3), of=lambda Q, R: Q @ R)]),
    "svd": [Sample(normal(4, 3), of=lambda U, S, V: from_svd(U, S, V.mH))],
    "linalg.svd": [
        Sample(normal(4, 3), full_matrices=False, of=from_svd),
        Sample(compound(2, 3), full_matrices=False, of=from_svd, keeps=False),
    ],
    "linalg.svdvals": [Sample(normal(4, 3), reference=lambda A: np.linalg.svd(A, compute_uv=False))],
    "linalg.eigh": [Sample(symmetric(square(3)), derivative=0, of=from_eigh), Sample(hermitian(2), derivative=0, of=from_eigh)],
    "linalg.eigvalsh": [Sample(symmetric(square(3)), derivative=0, reference=np.linalg.eigvalsh)],
    "linalg.eig": [Sample(compound(3, 3), single=False, keeps=False, of=lambda L, V: ((V * L) @ V.inverse(), L.sum()))],
    "linalg.eigvals": [Sample(compound(3, 3), single=False, batch=False, keeps=False)],
    "linalg.lu": [Sample(square(3))],
    **alike(("lu", "linalg.lu_factor", "linalg.lu_factor_ex"), [Sample(square(3))]),
    "lu_unpack": [Sample(square(3), np.array([1, 2, 3], np.int32))],
    "lu_solve": [Sample(normal(3, 2), square(3), np.array([1, 2, 3], np.int32))],
    "linalg.lu_solve": [Sample(square(3), np.array([1, 2, 3], np.int32), normal(3, 2))],
    "geqrf": [Sample(normal(4, 3), derivative=0, batch=False)],
    **alike(("orgqr", "linalg.householder_product"), [Sample(np.tril(normal(4, 3), -1), 1 + 0.1 * normal(3), derivative=0)]),
    "ormqr": [Sample(np.tril(normal(4, 3), -1), 1 + 0.1 * normal(3), normal(4, 2), derivative=0)],
    # Indefinite factorisations, updates.
    **alike(
        ("linalg.ldl_factor", "linalg.ldl_factor_ex"),
        [Sample(symmetric(square(3)), derivative=0), Sample(hermitian(3), hermitian=True, derivative=0)],
    ),
    "linalg.ldl_solve": [
        Sample(triangular(3), np.array([1, 2, 3], np.int32), normal(3, 2), batch=False),
        Sample(np.tril(square(3)), np.array([-2, -2, 3], np.int32), normal(3, 2), batch=False),
    ],
    "linalg.ldl": [Sample(symmetric(square(3)), derivative=0, batch=False), Sample(hermitian(2), derivative=0, batch=False)],
    "linalg.cholesky_update": [
        Sample(triangular(3), normal(3)),
        Sample(triangular(3), normal(3, 2), upper=False),
        Sample(triangular(3), 0.3 * normal(3), downdate=True),
    ],
    # Equations for matrices.
    "linalg.solve_sylvester": [
        Sample(square(3), square(2), normal(3, 2), reference=scipy.linalg.solve_sylvester),
        Sample(spd(3), spd(2), normal(3, 2), reference=scipy.linalg.solve_sylvester, derivative=0),
        Sample(compound(2, 2), compound(2, 2), compound(2, 2), single=False),
    ],
    "linalg.solve_lyapunov": [Sample(square(3), normal(3, 3), reference=scipy.linalg.solve_continuous_lyapunov)],
    "linalg.solve_banded": [Sample((1, 1), normal(3, 4) + np.array([[0], [4], [0]]), normal(4, 2), single=False)],
    "linalg.solve_toeplitz": [
        Sample(np.array([3.0, 0.5, -0.7]), normal(3), reference=scipy.linalg.solve_toeplitz),
        Sample((np.array([3.0, 0.5, -0.7]), normal(3)), normal(3, 2), reference=scipy.linalg.solve_toeplitz),
    ],
    "linalg.solve_circulant": [Sample(np.array([3.0, 0.5, -0.7]), normal(3), reference=scipy.linalg.solve_circulant)],
    # Functions of a matrix.
    "linalg.sqrtm": [
        Sample(spd(3) + triangular(3), reference=scipy.linalg.sqrtm),
        Sample(spd(3), reference=scipy.linalg.sqrtm, derivative=0),
    ],
    "linalg.logm": [Sample(spd(2) + triangular(2), reference=scipy.linalg.logm)],
    "linalg.expm_frechet": [Sample(normal(2, 2), normal(2, 2), reference=scipy.linalg.expm_frechet)],
    # Bases and angles.
    "linalg.polar": [
        Sample(square(3), reference=scipy.linalg.polar),
        Sample(normal(4, 2), "left", reference=scipy.linalg.polar),
        Sample(compound(2, 3), reference=scipy.linalg.polar),
    ],
    "linalg.schur": [
        Sample(spd(3) + 0.1 * normal(3, 3), of=lambda T, Z: (T.diagonal(), Z @ T @ Z.mH)),
        Sample(compound(3, 3), "complex", of=lambda T, Z: (T.abs(), Z.abs()), keeps=False, single=False),
    ],
    "linalg.null_space": [Sample(normal(2, 4), of=projector)],
    "linalg.orth": [Sample(normal(4, 2), of=projector)],
    "linalg.subspace_angles": [Sample(normal(5, 2), normal(5, 2), reference=scipy.linalg.subspace_angles)],
    # Iterative.
    "lobpcg": [
        Sample(
            np.diag([1.0, 2.0, 4.0, 7.0, 11.0, 16.0]) + 0.3 * normal(6, 6),
            *(None, None, normal(6, 2)),
            tol=1e-14,
            niter=200,
            of=lambda E, X: (E, X.abs()),
            single=False,
        )
    ],
}
