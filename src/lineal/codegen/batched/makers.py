"""What makes each kernel, by name; imported when the first one is wanted."""

from __future__ import annotations

from lineal.codegen.batched import cholesky, eigh, lu, norms, products, qr, svd, triangular
from lineal.codegen.kinds import kind_of

__all__ = ["MAKERS", "kind_of"]

MAKERS = {
    "cholesky": cholesky.cholesky,
    "cholesky_pull": cholesky.pull,
    "determinant": lu.determinant,
    "eigh": eigh.eigh,
    "factor": lu.factor,
    "frobenius": norms.frobenius,
    "inverse": lu.inverse,
    "inverse_norm1": norms.inverse_norm1,
    "matmul": products.matmul,
    "norm1": norms.norm1,
    "qr": qr.qr,
    "sign_and_logarithm": lu.sign_and_logarithm,
    "solve": lu.solve,
    "solve_probed": lu.solve_probed,
    "solve_triangular": triangular.solve_triangular,
    "svd": svd.svd,
}
