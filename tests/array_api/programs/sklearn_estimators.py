"""scikit-learn's estimators take tensors by the array API standard, and give tensors."""

from __future__ import annotations

import os

os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
from sklearn import config_context, metrics
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import lineal

lineal.manual_seed(0)
X = lineal.randn(60, 4, dtype=lineal.float64)
y, t = (X[:, 0] > 0).long(), X.sum(1)
made = {
    "StandardScaler": lambda X, y, t: StandardScaler().fit_transform(X),
    "PCA": lambda X, y, t: PCA(2, svd_solver="full").fit_transform(X),
    "Ridge": lambda X, y, t: Ridge(solver="svd").fit(X, t).predict(X),
    "LinearDiscriminantAnalysis": lambda X, y, t: LinearDiscriminantAnalysis().fit(X, y).predict(X),
    "GaussianNB": lambda X, y, t: GaussianNB().fit(X, y).predict_proba(X),
    "LogisticRegression": lambda X, y, t: LogisticRegression(tol=1e-10).fit(X, y).predict_proba(X),
    "pipeline": lambda X, y, t: make_pipeline(MinMaxScaler(), RidgeCV()).fit(X, t).predict(X),
    "cross_val_predict": lambda X, y, t: cross_val_predict(Ridge(solver="svd"), X, t, cv=3),
    "confusion_matrix": lambda X, y, t: metrics.confusion_matrix(y, 1 - y),
    "rbf_kernel": lambda X, y, t: metrics.pairwise.rbf_kernel(X),
}
for name, function in made.items():
    with config_context(array_api_dispatch=True):
        found = function(X, y, t)
    assert type(found) is lineal.Tensor, name
    np.testing.assert_allclose(found.numpy(), function(X.numpy(), y.numpy(), t.numpy()), atol=1e-9, err_msg=name)
with config_context(array_api_dispatch=True):
    assert metrics.accuracy_score(y, y) == 1
print("all of it went")
