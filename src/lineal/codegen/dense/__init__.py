"""Large dense matrices: LU, Cholesky, triangular systems and inverses as native programs over all threads of the pool."""
