"""Samples of linear algebra."""

import numpy as np

from lineal.testing import Sample
from samples.arrays import normal, spd, square

SAMPLES = {
    "inverse": [Sample(square(3), reference=np.linalg.inv), Sample(square(2, 3), reference=np.linalg.inv)],
    "det": [Sample(square(3), reference=np.linalg.det)],
    "logdet": [Sample(spd(3), reference=lambda A: np.linalg.slogdet(A)[1])],
    "slogdet": [Sample(square(3), reference=np.linalg.slogdet)],
    "cholesky": [Sample(spd(3), reference=np.linalg.cholesky, derivative=0)],
    "matrix_exp": [Sample(normal(3, 3))],
    "qr": [Sample(normal(4, 3))],
    "pinverse": [Sample(normal(4, 3), reference=np.linalg.pinv)],
}
