"""SciPy's functions take tensors by the array API standard, and give tensors."""

from __future__ import annotations

import os

os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
import scipy.special
from scipy import cluster, fft, integrate, signal, stats

import lineal

x = lineal.linspace(0.1, 1, 10, dtype=lineal.float64)
array = x.numpy()
SCIPY = {
    "logsumexp": lambda x: scipy.special.logsumexp(x),
    "erf": lambda x: scipy.special.erf(x),
    "zscore": lambda x: stats.zscore(x),
    "skew": lambda x: stats.skew(x),
    "pearsonr": lambda x: stats.pearsonr(x, x**2).statistic,
    "trapezoid": lambda x: integrate.trapezoid(x),
    "rfft": lambda x: fft.rfft(x),
    "detrend": lambda x: signal.detrend(x),
    "fftconvolve": lambda x: signal.fftconvolve(x, x),
    "cumulative_trapezoid": lambda x: integrate.cumulative_trapezoid(x),
    "quantile": lambda x: stats.quantile(x, 0.3),
    "whiten": lambda x: cluster.vq.whiten(x[:, None]),
}


for name, function in SCIPY.items():
    found = function(x)
    assert type(found) is lineal.Tensor, name
    np.testing.assert_allclose(found.numpy(), function(array), atol=1e-12, err_msg=name)
print("all of it went")
