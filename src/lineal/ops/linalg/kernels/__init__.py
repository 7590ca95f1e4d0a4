"""Who computes, as `codegen.choice` says: kernels across the batch for many small matrices, programs of our own for large ones,
else NumPy, BLAS and LAPACK."""

from lineal.codegen.batched.arrays import matmul
from lineal.ops.linalg.kernels.decompositions import (
    cholesky,
    cholesky_pull,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lstsq,
    lstsq_pull,
    qr,
    qr_pull,
    svd,
    svdvals,
)
from lineal.ops.linalg.kernels.determinants import bound_by_det, cofactors, det, det_bounded, det_probed, slogdet
from lineal.ops.linalg.kernels.norms import condition, frobenius, inverse_norm1, norm1
from lineal.ops.linalg.kernels.systems import (
    inv,
    inverse_pull,
    lu_factor,
    lu_inverse,
    lu_solve,
    solve,
    solve_probed,
    solve_pull,
    unsuspected,
)
from lineal.ops.linalg.kernels.triangular import across, solve_triangular, triangular_inverse

__all__ = [
    "across",
    "bound_by_det",
    "cholesky",
    "cholesky_pull",
    "cofactors",
    "condition",
    "det",
    "det_bounded",
    "det_probed",
    "eig",
    "eigh",
]
__all__ += ["eigvals", "eigvalsh", "frobenius", "inv", "inverse_norm1", "inverse_pull", "lstsq", "lstsq_pull", "lu_factor"]
__all__ += ["lu_inverse", "lu_solve", "matmul", "norm1", "qr", "qr_pull", "slogdet", "solve", "solve_probed", "solve_pull"]
__all__ += ["solve_triangular", "svd", "svdvals"]
