"""The mathematics, front to back: every public function of tensors, each file using only those before it."""

from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING

import lazy_loader as _lazy_loader

from lineal.ops.contraction.additive import *
from lineal.ops.contraction.chains import *
from lineal.ops.contraction.distances import *
from lineal.ops.contraction.einsum import *
from lineal.ops.contraction.matmul import *
from lineal.ops.contraction.tensordot import *
from lineal.ops.contraction.vectors import *
from lineal.ops.creation import *
from lineal.ops.elementwise.arithmetic import *
from lineal.ops.elementwise.comparison import *
from lineal.ops.elementwise.exponential import *
from lineal.ops.elementwise.extremes import *
from lineal.ops.elementwise.integers import *
from lineal.ops.elementwise.logic import *
from lineal.ops.elementwise.parts import *
from lineal.ops.elementwise.powers import *
from lineal.ops.elementwise.rounding import *
from lineal.ops.elementwise.selection import *
from lineal.ops.elementwise.signs import *
from lineal.ops.elementwise.special import *
from lineal.ops.elementwise.trigonometry import *
from lineal.ops.indexing.along import *
from lineal.ops.indexing.filling import *
from lineal.ops.indexing.gathering import *
from lineal.ops.indexing.masked import *
from lineal.ops.indexing.masks import *
from lineal.ops.indexing.scatter_reduction import *
from lineal.ops.indexing.subscript import *
from lineal.ops.random.distributions import *
from lineal.ops.random.generator import *
from lineal.ops.reductions.cumulative import *
from lineal.ops.reductions.differences import *
from lineal.ops.reductions.exponentials import *
from lineal.ops.reductions.extremes import *
from lineal.ops.reductions.moments import *
from lineal.ops.reductions.norms import *
from lineal.ops.reductions.products import *
from lineal.ops.reductions.sums import *
from lineal.ops.reductions.truth import *
from lineal.ops.sorting.distinct import *
from lineal.ops.sorting.histograms import *
from lineal.ops.sorting.middle import *
from lineal.ops.sorting.order import *
from lineal.ops.sorting.quantiles import *
from lineal.ops.sorting.search import *
from lineal.ops.structural.axes import *
from lineal.ops.structural.copies import *
from lineal.ops.structural.diagonals import *
from lineal.ops.structural.expanding import *
from lineal.ops.structural.flipping import *
from lineal.ops.structural.grids import *
from lineal.ops.structural.joining import *
from lineal.ops.structural.padding import *
from lineal.ops.structural.repeating import *
from lineal.ops.structural.reshape import *
from lineal.ops.structural.slicing import *
from lineal.ops.structural.stacking import *
from lineal.ops.structural.striding import *
from lineal.ops.structural.triangles import *

if _TYPE_CHECKING:
    from lineal.ops.linalg.older import *

# all of the functions above, but not the folders they come from: `lineal.linalg` is not `lineal.ops.linalg`
__all__ = [name for name, each in globals().items() if name[0] != "_" and not isinstance(each, _ModuleType)]  # pyright: ignore[reportUnsupportedDunderAll]

# linear algebra, two dozen files, is imported when one of its functions is first named: see __getattr__ below
LINEAR_ALGEBRA = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "geqrf",
    "inverse",
    "lobpcg",
    "logdet",
    "lu",
    "lu_solve",
    "lu_unpack",
    "matrix_exp",
    "orgqr",
    "ormqr",
    "pca_lowrank",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "svd_lowrank",
    "triangular_solve",
    "vander",
]
__getattr__, _, _ = _lazy_loader.attach(__name__, submod_attrs={"linalg.older": LINEAR_ALGEBRA})
