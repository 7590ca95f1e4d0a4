"""`torch.linalg`: factorisations, systems, eigenvalues, norms. Names only."""

from lineal.base.errors import LinAlgError
from lineal.ops.contraction.chains import matrix_power, multi_dot
from lineal.ops.contraction.matmul import matmul
from lineal.ops.contraction.vectors import linalg_cross as cross
from lineal.ops.contraction.vectors import vecdot
from lineal.ops.linalg.banded import solve_banded
from lineal.ops.linalg.cholesky import cholesky, cholesky_ex
from lineal.ops.linalg.conditioning import set_conditioning
from lineal.ops.linalg.determinants import det, slogdet
from lineal.ops.linalg.eig import eig, eigvals
from lineal.ops.linalg.eigh import eigh, eigvalsh
from lineal.ops.linalg.functions import cond, diagonal, matrix_exp, matrix_norm, norm, tensorinv, tensorsolve, vander
from lineal.ops.linalg.inverses import inv, inv_ex
from lineal.ops.linalg.ldl import ldl, ldl_factor, ldl_factor_ex, ldl_solve
from lineal.ops.linalg.least_squares import lstsq, matrix_rank, pinv
from lineal.ops.linalg.lu import lu, lu_factor, lu_factor_ex, lu_solve
from lineal.ops.linalg.matrix_functions import expm_frechet, logm, sqrtm
from lineal.ops.linalg.polar import polar
from lineal.ops.linalg.qr import householder_product, qr
from lineal.ops.linalg.schur import schur
from lineal.ops.linalg.solving import rcond, solve, solve_ex
from lineal.ops.linalg.subspaces import null_space, orth, subspace_angles
from lineal.ops.linalg.svd import svd, svdvals
from lineal.ops.linalg.sylvester import solve_lyapunov, solve_sylvester
from lineal.ops.linalg.toeplitz import solve_circulant, solve_toeplitz
from lineal.ops.linalg.triangular import solve_triangular
from lineal.ops.linalg.updates import cholesky_update
from lineal.ops.reductions.norms import vector_norm
from lineal.tensors import inverted as _inverted  # noqa: F401 - enters itself as what `inv` returns

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cholesky_update",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm_frechet",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "null_space",
    "orth",
    "pinv",
    "polar",
    "qr",
    "rcond",
    "schur",
    "set_conditioning",
    "slogdet",
    "solve",
    "solve_banded",
    "solve_circulant",
    "solve_ex",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_toeplitz",
    "solve_triangular",
    "sqrtm",
    "subspace_angles",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
