"""Linear algebra: many small matrices by kernels across the batch, others by LAPACK; what has failed is given back."""

from lineal.compiler.lowering.rules.linalg import cholesky, decompositions, determinants, expectations, lu, systems, triangular

__all__: list[str] = []
