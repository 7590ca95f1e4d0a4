"""Decompositions put to use: principal components, regression, Gaussian processes, the Kalman filter. All differentiable."""

from lineal.models.components import Principal, Whitened, low_rank, pca, whiten
from lineal.models.gaussian import gaussian_log_prob
from lineal.models.kalman import Filtered, kalman_filter
from lineal.models.kernels import RBF, Kernel, Matern, matern, rbf, squared_distances
from lineal.models.process import GaussianProcess, Posterior, gp_log_marginal_likelihood, gp_posterior
from lineal.models.regression import polyfit, polyval, ridge, total_least_squares

__all__ = [
    "pca",
    "Principal",
    "low_rank",
    "whiten",
    "Whitened",
    "ridge",
    "total_least_squares",
    "polyfit",
    "polyval",
    "gaussian_log_prob",
    "squared_distances",
    "rbf",
    "matern",
    "Kernel",
    "RBF",
    "Matern",
    "gp_log_marginal_likelihood",
    "gp_posterior",
    "GaussianProcess",
    "Posterior",
    "kalman_filter",
    "Filtered",
]
