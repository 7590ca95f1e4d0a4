"""What makes each kernel, by name; imported when the first one is wanted."""

from __future__ import annotations

from lineal.codegen.batched import (
    cholesky,
    cofactors,
    determinants,
    eigh,
    least_squares,
    lu,
    norms,
    products,
    qr,
    svd,
    systems,
    triangular,
)
from lineal.codegen.kinds import kind_of

__all__ = ["MAKERS", "kind_of"]

MAKERS = {
    "cholesky": cholesky.cholesky,
    "cholesky_pull": cholesky.pull,
    "cofactors": cofactors.cofactors,
    "condition": systems.condition,
    "determinant": determinants.determinant,
    "determinant_bounded": determinants.determinant_bounded,
    "determinant_probed": determinants.determinant_probed,
    "eigh": eigh.eigh,
    "factor": lu.factor,
    "frobenius": norms.frobenius,
    "inverse": systems.inverse,
    "inverse_pull": products.inverse_pull,
    "inverse_norm1": norms.inverse_norm1,
    "lstsq": least_squares.lstsq,
    "lstsq_pull": least_squares.pull,
    "matmul": products.matmul,
    "norm1": norms.norm1,
    "qr": qr.qr,
    "qr_pull": qr.pull,
    "sign_and_logarithm": determinants.sign_and_logarithm,
    "solve": systems.solve,
    "solve_probed": systems.solve_probed,
    "solve_pull": systems.solve_pull,
    "solve_triangular": triangular.solve_triangular,
    "svd": svd.svd,
}
