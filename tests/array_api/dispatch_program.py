"""SciPy and scikit-learn take tensors by the array API standard; run by test_dispatch.py as `dispatch_program.py NAME`."""

from __future__ import annotations

import os
import sys

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
    "whiten": lambda x: cluster.vq.whiten(x[:, None]),
}


def scipy_functions():
    for name, function in SCIPY.items():
        found = function(x)
        assert type(found) is lineal.Tensor, name
        np.testing.assert_allclose(found.numpy(), function(array), atol=1e-12, err_msg=name)


def sklearn_estimators():
    from sklearn import config_context, metrics  # noqa: PLC0415
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: PLC0415
    from sklearn.linear_model import Ridge  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    X = lineal.randn(60, 4, dtype=lineal.float64)
    y, t = (X[:, 0] > 0).long(), X.sum(1)
    made = {
        "StandardScaler": lambda X, y, t: StandardScaler().fit_transform(X),
        "PCA": lambda X, y, t: PCA(2, svd_solver="full").fit_transform(X),
        "Ridge": lambda X, y, t: Ridge(solver="svd").fit(X, t).predict(X),
        "LinearDiscriminantAnalysis": lambda X, y, t: LinearDiscriminantAnalysis().fit(X, y).predict(X),
        "rbf_kernel": lambda X, y, t: metrics.pairwise.rbf_kernel(X),
    }
    for name, function in made.items():
        with config_context(array_api_dispatch=True):
            found = function(X, y, t)
        assert type(found) is lineal.Tensor, name
        np.testing.assert_allclose(found.numpy(), function(X.numpy(), y.numpy(), t.numpy()), atol=1e-9, err_msg=name)
    with config_context(array_api_dispatch=True):
        assert metrics.accuracy_score(y, y) == 1


def compat():
    import array_api_compat  # noqa: PLC0415

    assert array_api_compat.array_namespace(x) is lineal.array_api
    assert array_api_compat.is_array_api_obj(x)
    assert (array_api_compat.size(x), str(array_api_compat.device(x))) == (10, "cpu")


if __name__ == "__main__":
    lineal.manual_seed(0)
    globals()[sys.argv[1]]()
    print("all of it went")
