"""Every family with parameters that need no special care, made by a library from lists of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lineal

SPD = [[[2.0, 0.5, 0.1], [0.5, 1.5, -0.3], [0.1, -0.3, 1.0]], [[1.0, 0.2, 0.0], [0.2, 0.8, 0.3], [0.0, 0.3, 2.0]]]
TRIL = [[1.2, 0.0, 0.0], [0.3, 0.9, 0.0], [-0.4, 0.5, 1.1]]
FACTOR = [[[0.5], [-0.2], [1.0]], [[0.1], [0.7], [0.3]]]
CHANCES = [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]
LOGITS = [[0.3, -1.2, 0.8], [1.0, 0.0, -0.5]]

Make = Callable[[Any, Callable[[Any], Any]], Any]
"""A function of the library's distributions and of what makes a tensor of a list."""

FAMILIES: dict[str, Make] = {
    "Bernoulli": lambda D, t: D.Bernoulli(t([0.2, 0.5, 0.9])),
    "Bernoulli of logits": lambda D, t: D.Bernoulli(logits=t([-2.0, 0.0, 3.0])),
    "Beta": lambda D, t: D.Beta(t([0.5, 2.0, 9.0]), t([0.7, 3.0, 1.5])),
    "Binomial": lambda D, t: D.Binomial(5, t([0.2, 0.5, 0.9])),
    "Binomial of logits": lambda D, t: D.Binomial(t([3.0, 3.0]), logits=t([-1.0, 0.0])),
    "Categorical": lambda D, t: D.Categorical(t(CHANCES)),
    "Categorical of logits": lambda D, t: D.Categorical(logits=t(LOGITS)),
    "Cauchy": lambda D, t: D.Cauchy(t([0.0, 1.5]), t([1.0, 0.3])),
    "Chi2": lambda D, t: D.Chi2(t([0.5, 3.0, 20.0])),
    "ContinuousBernoulli": lambda D, t: D.ContinuousBernoulli(t([0.2, 0.45, 0.9])),
    "ContinuousBernoulli of logits": lambda D, t: D.ContinuousBernoulli(logits=t([-2.0, 0.7, 3.0])),
    "Dirichlet": lambda D, t: D.Dirichlet(t([[0.5, 2.0, 9.0], [1.5, 1.2, 3.0]])),
    "Exponential": lambda D, t: D.Exponential(t([0.5, 2.0])),
    "FisherSnedecor": lambda D, t: D.FisherSnedecor(t([3.0, 5.0]), t([7.0, 4.5])),
    "Gamma": lambda D, t: D.Gamma(t([0.3, 2.0, 30.0]), t([1.0, 0.5, 4.0])),
    "GeneralizedPareto": lambda D, t: D.GeneralizedPareto(t([0.0, 1.0, 0.5]), t([1.0, 2.0, 0.7]), t([0.2, -0.3, 0.0])),
    "Geometric": lambda D, t: D.Geometric(t([0.2, 0.7])),
    "Geometric of logits": lambda D, t: D.Geometric(logits=t([-1.0, 0.5])),
    "Gumbel": lambda D, t: D.Gumbel(t([0.0, 1.0]), t([1.0, 0.4])),
    "HalfCauchy": lambda D, t: D.HalfCauchy(t([1.0, 0.4])),
    "HalfNormal": lambda D, t: D.HalfNormal(t([1.0, 0.4])),
    "Independent": lambda D, t: D.Independent(D.Normal(t([[0.0, 1.0], [2.0, -1.0]]), t([[1.0, 0.5], [2.0, 0.3]])), 1),
    "InverseGamma": lambda D, t: D.InverseGamma(t([2.5, 3.5]), t([1.0, 0.5])),
    "Kumaraswamy": lambda D, t: D.Kumaraswamy(t([0.6, 2.0]), t([1.5, 3.0])),
    "LKJCholesky": lambda D, t: D.LKJCholesky(3, t([0.7, 2.0])),
    "Laplace": lambda D, t: D.Laplace(t([0.0, 1.0]), t([1.0, 0.4])),
    "LogNormal": lambda D, t: D.LogNormal(t([0.0, 1.0]), t([1.0, 0.4])),
    "LogisticNormal": lambda D, t: D.LogisticNormal(t([0.0, 1.0]), t([1.0, 0.4])),
    "LowRankMultivariateNormal": lambda D, t: D.LowRankMultivariateNormal(t([0.0, 1.0, 2.0]), t(FACTOR), t([0.5, 1.0, 0.3])),
    "MixtureSameFamily": lambda D, t: D.MixtureSameFamily(D.Categorical(t(CHANCES)), D.Normal(t(LOGITS), t(CHANCES))),
    "Multinomial": lambda D, t: D.Multinomial(4, t(CHANCES)),
    "Multinomial of logits": lambda D, t: D.Multinomial(4, logits=t(LOGITS)),
    "MultivariateNormal": lambda D, t: D.MultivariateNormal(t([0.0, 1.0, 2.0]), covariance_matrix=t(SPD)),
    "MultivariateNormal of the precision": lambda D, t: D.MultivariateNormal(t([0.0, 1.0, 2.0]), precision_matrix=t(SPD)),
    "MultivariateNormal of the factor": lambda D, t: D.MultivariateNormal(t([[0.0, 1.0, 2.0]] * 2), scale_tril=t(TRIL)),
    "NegativeBinomial": lambda D, t: D.NegativeBinomial(t([2.0, 3.5]), t([0.2, 0.7])),
    "NegativeBinomial of logits": lambda D, t: D.NegativeBinomial(3, logits=t([-0.5, 1.0])),
    "Normal": lambda D, t: D.Normal(t([0.0, 1.5]), t([1.0, 0.3])),
    "Normal of numbers": lambda D, t: D.Normal(0.5, 2.0),
    "OneHotCategorical": lambda D, t: D.OneHotCategorical(t(CHANCES)),
    "OneHotCategoricalStraightThrough": lambda D, t: D.OneHotCategoricalStraightThrough(logits=t(LOGITS)),
    "Pareto": lambda D, t: D.Pareto(t([1.0, 0.5]), t([2.5, 3.0])),
    "Poisson": lambda D, t: D.Poisson(t([0.3, 4.0])),
    "RelaxedBernoulli": lambda D, t: D.RelaxedBernoulli(t([0.7]), t([0.2, 0.9])),
    "RelaxedOneHotCategorical": lambda D, t: D.RelaxedOneHotCategorical(t([0.7]), t(CHANCES)),
    "StudentT": lambda D, t: D.StudentT(t([2.5, 7.0]), t([0.0, 1.0]), t([1.0, 0.5])),
    "TransformedDistribution": lambda D, t: D.TransformedDistribution(
        D.Normal(t([0.0, 1.5]), t([1.0, 0.3])), [D.AffineTransform(1.0, t([-2.0, 0.5])), D.SigmoidTransform()]
    ),
    "Uniform": lambda D, t: D.Uniform(t([0.0, -1.0]), t([2.0, 3.0])),
    "VonMises": lambda D, t: D.VonMises(t([0.0, 1.5]), t([0.4, 5.0])),
    "Weibull": lambda D, t: D.Weibull(t([1.0, 0.5]), t([0.8, 3.0])),
    "Wishart": lambda D, t: D.Wishart(t([4.0, 6.5]), covariance_matrix=t(SPD)),
    "Wishart of the factor": lambda D, t: D.Wishart(5.0, scale_tril=t(TRIL)),
}


def made(name: str, track: bool = False) -> Any:
    """Return the family's distribution of float64 numbers."""
    return FAMILIES[name](
        lineal.distributions, lambda numbers: lineal.tensor(numbers, dtype=lineal.float64, requires_grad=track)
    )


JOINT = {name for name in FAMILIES if made(name).event_shape}
"""The families of vectors and matrices."""
