"""`torch.linalg`: factorisations, systems, eigenvalues, norms. Names only."""

from lineal.base.errors import LinAlgError
from lineal.ops.contraction.chains import matrix_power, multi_dot
from lineal.ops.contraction.matmul import matmul
from lineal.ops.contraction.vectors import linalg_cross as cross
from lineal.ops.contraction.vectors import vecdot
from lineal.ops.linalg.cholesky import cholesky, cholesky_ex
from lineal.ops.linalg.determinants import det, slogdet
from lineal.ops.linalg.eig import eig, eigvals
from lineal.ops.linalg.eigh import eigh, eigvalsh
from lineal.ops.linalg.functions import cond, diagonal, matrix_exp, matrix_norm, norm, tensorinv, tensorsolve, vander
from lineal.ops.linalg.least_squares import lstsq, matrix_rank, pinv
from lineal.ops.linalg.lu import lu, lu_factor, lu_factor_ex, lu_solve
from lineal.ops.linalg.qr import householder_product, qr
from lineal.ops.linalg.svd import svd, svdvals
from lineal.ops.linalg.systems import inv, inv_ex, solve, solve_ex
from lineal.ops.linalg.triangular import solve_triangular
from lineal.ops.reductions.norms import vector_norm

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
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
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
