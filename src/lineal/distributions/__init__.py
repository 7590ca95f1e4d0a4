"""Probability distributions: what is probable, samples and their derivatives, divergences, as in `torch.distributions`.

A family's file is imported when the family is first named.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lineal.base import later as _later

if _TYPE_CHECKING:
    from lineal.distributions import constraints as constraints
    from lineal.distributions import kl as kl
    from lineal.distributions import transforms as transforms
    from lineal.distributions.bernoulli import Bernoulli as Bernoulli
    from lineal.distributions.beta import Beta as Beta
    from lineal.distributions.binomial import Binomial as Binomial
    from lineal.distributions.categorical import Categorical as Categorical
    from lineal.distributions.cauchy import Cauchy as Cauchy
    from lineal.distributions.chi2 import Chi2 as Chi2
    from lineal.distributions.constraint_registry import biject_to as biject_to
    from lineal.distributions.constraint_registry import transform_to as transform_to
    from lineal.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
    from lineal.distributions.dirichlet import Dirichlet as Dirichlet
    from lineal.distributions.distribution import Distribution as Distribution
    from lineal.distributions.exp_family import ExponentialFamily as ExponentialFamily
    from lineal.distributions.exponential import Exponential as Exponential
    from lineal.distributions.fishersnedecor import FisherSnedecor as FisherSnedecor
    from lineal.distributions.gamma import Gamma as Gamma
    from lineal.distributions.generalized_pareto import GeneralizedPareto as GeneralizedPareto
    from lineal.distributions.geometric import Geometric as Geometric
    from lineal.distributions.gumbel import Gumbel as Gumbel
    from lineal.distributions.half_cauchy import HalfCauchy as HalfCauchy
    from lineal.distributions.half_normal import HalfNormal as HalfNormal
    from lineal.distributions.independent import Independent as Independent
    from lineal.distributions.inverse_gamma import InverseGamma as InverseGamma
    from lineal.distributions.kl import kl_divergence as kl_divergence
    from lineal.distributions.kl import register_kl as register_kl
    from lineal.distributions.kumaraswamy import Kumaraswamy as Kumaraswamy
    from lineal.distributions.laplace import Laplace as Laplace
    from lineal.distributions.lkj_cholesky import LKJCholesky as LKJCholesky
    from lineal.distributions.log_normal import LogNormal as LogNormal
    from lineal.distributions.logistic_normal import LogisticNormal as LogisticNormal
    from lineal.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal as LowRankMultivariateNormal
    from lineal.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
    from lineal.distributions.multinomial import Multinomial as Multinomial
    from lineal.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
    from lineal.distributions.negative_binomial import NegativeBinomial as NegativeBinomial
    from lineal.distributions.normal import Normal as Normal
    from lineal.distributions.one_hot_categorical import OneHotCategorical as OneHotCategorical
    from lineal.distributions.one_hot_categorical import OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough
    from lineal.distributions.pareto import Pareto as Pareto
    from lineal.distributions.poisson import Poisson as Poisson
    from lineal.distributions.relaxed_bernoulli import RelaxedBernoulli as RelaxedBernoulli
    from lineal.distributions.relaxed_categorical import RelaxedOneHotCategorical as RelaxedOneHotCategorical
    from lineal.distributions.student_t import StudentT as StudentT
    from lineal.distributions.transformed_distribution import TransformedDistribution as TransformedDistribution
    from lineal.distributions.transforms import AbsTransform as AbsTransform
    from lineal.distributions.transforms import AffineTransform as AffineTransform
    from lineal.distributions.transforms import CatTransform as CatTransform
    from lineal.distributions.transforms import ComposeTransform as ComposeTransform
    from lineal.distributions.transforms import CorrCholeskyTransform as CorrCholeskyTransform
    from lineal.distributions.transforms import CumulativeDistributionTransform as CumulativeDistributionTransform
    from lineal.distributions.transforms import ExpTransform as ExpTransform
    from lineal.distributions.transforms import IndependentTransform as IndependentTransform
    from lineal.distributions.transforms import LowerCholeskyTransform as LowerCholeskyTransform
    from lineal.distributions.transforms import PositiveDefiniteTransform as PositiveDefiniteTransform
    from lineal.distributions.transforms import PowerTransform as PowerTransform
    from lineal.distributions.transforms import ReshapeTransform as ReshapeTransform
    from lineal.distributions.transforms import SigmoidTransform as SigmoidTransform
    from lineal.distributions.transforms import SoftmaxTransform as SoftmaxTransform
    from lineal.distributions.transforms import SoftplusTransform as SoftplusTransform
    from lineal.distributions.transforms import StackTransform as StackTransform
    from lineal.distributions.transforms import StickBreakingTransform as StickBreakingTransform
    from lineal.distributions.transforms import TanhTransform as TanhTransform
    from lineal.distributions.transforms import Transform as Transform
    from lineal.distributions.transforms import identity_transform as identity_transform
    from lineal.distributions.uniform import Uniform as Uniform
    from lineal.distributions.von_mises import VonMises as VonMises
    from lineal.distributions.weibull import Weibull as Weibull
    from lineal.distributions.wishart import Wishart as Wishart

_elsewhere = {
    "": """
        bernoulli beta binomial categorical cauchy chi2 constraint_registry constraints continuous_bernoulli
        dirichlet distribution exp_family exponential fishersnedecor gamma generalized_pareto geometric gumbel
        half_cauchy half_normal independent inverse_gamma kl kumaraswamy laplace lkj_cholesky log_normal
        logistic_normal lowrank_multivariate_normal mixture_same_family multinomial multivariate_normal
        negative_binomial normal one_hot_categorical pareto poisson relaxed_bernoulli relaxed_categorical
        transformed_distribution transforms uniform utils von_mises weibull wishart
    """,
    "bernoulli": "Bernoulli",
    "beta": "Beta",
    "binomial": "Binomial",
    "categorical": "Categorical",
    "cauchy": "Cauchy",
    "chi2": "Chi2",
    "constraint_registry": "biject_to transform_to",
    "continuous_bernoulli": "ContinuousBernoulli",
    "dirichlet": "Dirichlet",
    "distribution": "Distribution",
    "exp_family": "ExponentialFamily",
    "exponential": "Exponential",
    "fishersnedecor": "FisherSnedecor",
    "gamma": "Gamma",
    "generalized_pareto": "GeneralizedPareto",
    "geometric": "Geometric",
    "gumbel": "Gumbel",
    "half_cauchy": "HalfCauchy",
    "half_normal": "HalfNormal",
    "independent": "Independent",
    "inverse_gamma": "InverseGamma",
    "kl": "kl_divergence register_kl",
    "kumaraswamy": "Kumaraswamy",
    "laplace": "Laplace",
    "lkj_cholesky": "LKJCholesky",
    "log_normal": "LogNormal",
    "logistic_normal": "LogisticNormal",
    "lowrank_multivariate_normal": "LowRankMultivariateNormal",
    "mixture_same_family": "MixtureSameFamily",
    "multinomial": "Multinomial",
    "multivariate_normal": "MultivariateNormal",
    "negative_binomial": "NegativeBinomial",
    "normal": "Normal",
    "one_hot_categorical": "OneHotCategorical OneHotCategoricalStraightThrough",
    "pareto": "Pareto",
    "poisson": "Poisson",
    "relaxed_bernoulli": "RelaxedBernoulli",
    "relaxed_categorical": "RelaxedOneHotCategorical",
    "student_t": "StudentT",
    "transformed_distribution": "TransformedDistribution",
    "transforms": """
        AbsTransform AffineTransform CatTransform ComposeTransform CorrCholeskyTransform
        CumulativeDistributionTransform ExpTransform IndependentTransform LowerCholeskyTransform
        PositiveDefiniteTransform PowerTransform ReshapeTransform SigmoidTransform SoftmaxTransform
        SoftplusTransform StackTransform StickBreakingTransform TanhTransform Transform identity_transform
    """,
    "uniform": "Uniform",
    "von_mises": "VonMises",
    "weibull": "Weibull",
    "wishart": "Wishart",
}
__getattr__, _names = _later.names(__name__, _elsewhere)
__all__ = [name for place, names in _elsewhere.items() if place for name in names.split()]  # pyright: ignore[reportUnsupportedDunderAll]


def __dir__():
    return sorted({*globals(), *_names})
