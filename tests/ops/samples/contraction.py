"""Samples of the contractions: products of vectors, matrices and higher arrays."""

import numpy as np

from lineal.testing import Sample
from samples.arrays import compound, normal, square

SAMPLES = {
    "matmul": [
        Sample(normal(2, 3), normal(3, 4), reference=np.matmul),
        Sample(normal(3), normal(3), reference=np.matmul),
        Sample(normal(2, 3), normal(3), reference=np.matmul),
        Sample(normal(3), normal(5, 3, 2), reference=np.matmul),
        Sample(normal(5, 1, 2, 3), normal(2, 3, 2), reference=np.matmul),
        Sample(compound(2, 3), compound(3, 2), reference=np.matmul),
        Sample(normal(2, 0), normal(0, 3), reference=np.matmul),
    ],
    "mm": [Sample(normal(2, 3), normal(3, 4), reference=np.matmul)],
    "bmm": [Sample(normal(5, 2, 3), normal(5, 3, 4), reference=np.matmul)],
    "mv": [Sample(normal(2, 3), normal(3), reference=np.matmul), Sample(compound(2, 3), compound(3), reference=np.matmul)],
    "dot": [Sample(normal(3), normal(3), reference=np.dot), Sample(compound(3), compound(3), reference=np.dot)],
    "vdot": [Sample(normal(3), normal(3), reference=np.vdot), Sample(compound(3), compound(3), reference=np.vdot)],
    "inner": [Sample(normal(2, 3), normal(4, 3), reference=np.inner)],
    "outer": [Sample(normal(2), normal(3), reference=np.outer)],
    "kron": [Sample(normal(2, 2), normal(1, 3), reference=np.kron)],
    "cross": [Sample(normal(2, 3), normal(2, 3), dim=1)],
    "einsum": [Sample("ij,jk,k->i", normal(2, 3), normal(3, 4), normal(4), reference=np.einsum), Sample("ii->i", normal(3, 3))],
    "tensordot": [Sample(normal(2, 3, 4), normal(3, 4, 2), 2, reference=np.tensordot)],
    "chain_matmul": [Sample(normal(2, 3), normal(3, 4), normal(4, 2))],
    "matrix_power": [Sample(square(3), 3, reference=np.linalg.matrix_power)],
    "addmm": [Sample(normal(4), normal(2, 3), normal(3, 4), beta=0.5, alpha=2.0)],
    "addmv": [Sample(normal(2), normal(2, 3), normal(3), beta=0.5, alpha=2.0)],
    "addr": [Sample(normal(2, 3), normal(2), normal(3), beta=0.5, alpha=2.0)],
    "addbmm": [Sample(normal(2, 4), normal(5, 2, 3), normal(5, 3, 4), beta=0.5, alpha=2.0)],
    "baddbmm": [Sample(normal(5, 2, 4), normal(5, 2, 3), normal(5, 3, 4), beta=0.5, alpha=2.0)],
    "bilinear": [Sample(normal(2, 3), normal(2, 4), normal(5, 3, 4), normal(5))],
    "linear": [
        Sample(normal(2, 3), normal(4, 3), normal(4)),
        Sample(normal(3), normal(4, 3)),
        Sample(normal(2, 5, 3), normal(4, 3)),
    ],
    "cdist": [Sample(normal(2, 3), normal(4, 3), p) for p in (2.0, 1.0, 3.0)],
    "trace": [Sample(normal(3, 3), reference=np.trace)],
}
