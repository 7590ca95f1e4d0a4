"""KL(p ‖ q) of two distributions of one family: Gil, Alajaji and Linder 2013, "Rényi divergence measures", table 3."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.distributions.bernoulli import Bernoulli
from lineal.distributions.beta import Beta
from lineal.distributions.binomial import Binomial
from lineal.distributions.categorical import Categorical
from lineal.distributions.cauchy import Cauchy
from lineal.distributions.dirichlet import Dirichlet
from lineal.distributions.divergence import kl_divergence, register_kl
from lineal.distributions.exp_family import ExponentialFamily, log_normalizer_and_means
from lineal.distributions.exponential import Exponential
from lineal.distributions.gamma import Gamma
from lineal.distributions.geometric import Geometric
from lineal.distributions.gumbel import Gumbel
from lineal.distributions.half_normal import HalfNormal
from lineal.distributions.independent import Independent
from lineal.distributions.laplace import Laplace
from lineal.distributions.normal import Normal
from lineal.distributions.one_hot_categorical import OneHotCategorical
from lineal.distributions.parameters import all_true, euler_constant, softplus, sum_rightmost
from lineal.distributions.pareto import Pareto
from lineal.distributions.poisson import Poisson
from lineal.distributions.transformed_distribution import TransformedDistribution
from lineal.distributions.uniform import Uniform
from lineal.tensors import Tensor

__all__: list[str] = []


def weighted(chance: Tensor, other: Tensor, logarithm: Tensor) -> Tensor:
    """Return chance × logarithm of a quotient of chances: 0 where the one is 0, ∞ where only the other is."""
    return ops.where(chance == 0, 0.0, ops.where(other == 0, math.inf, chance * logarithm))


@register_kl(Bernoulli, Bernoulli)
def bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    yes = weighted(p.probs, q.probs, softplus(-q.logits) - softplus(-p.logits))
    return yes + weighted(1 - p.probs, 1 - q.probs, softplus(q.logits) - softplus(p.logits))


@register_kl(Binomial, Binomial)
def binomial(p: Binomial, q: Binomial) -> Tensor:
    if not all_true(p.total_count >= q.total_count):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    once = p.probs * (p.logits - q.logits) - softplus(p.logits) + softplus(q.logits)
    return ops.where(p.total_count > q.total_count, math.inf, p.total_count * once)


@register_kl(Categorical, Categorical)
def categorical(p: Categorical, q: Categorical) -> Tensor:
    return weighted(p.probs, q.probs, p.logits - q.logits).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def one_hot_categorical(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return categorical(p._categorical, q._categorical)


@register_kl(Dirichlet, Dirichlet)
def dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    means = a.digamma() - total.digamma().unsqueeze(-1)
    return q._log_normalizer(b) - p._log_normalizer(a) + ((a - b) * means).sum(-1)


@register_kl(Beta, Beta)
def beta(p: Beta, q: Beta) -> Tensor:
    return dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Exponential, Exponential)
def exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
def gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    normalizers = b.lgamma() - a.lgamma() + b * (p.rate / q.rate).log()
    return normalizers + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, gap = p.scale / q.scale, (q.loc - p.loc) / q.scale
    return ops.exp(gap + (1 + ratio).lgamma()) - gap - ratio.log() + (ratio - 1) * euler_constant - 1


@register_kl(Geometric, Geometric)
def geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - ops.log1p(-q.probs) / p.probs - q.logits


@register_kl(Laplace, Laplace)
def laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, gap = p.scale / q.scale, (p.loc - q.loc).abs()
    return gap / q.scale + ratio * ops.exp(-gap / p.scale) - ratio.log() - 1


@register_kl(Normal, Normal)
def normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio - 1 - ratio.log() + ((p.loc - q.loc) / q.scale).square())


@register_kl(HalfNormal, HalfNormal)
def half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return normal(p.base_dist, q.base_dist)


@register_kl(Pareto, Pareto)
def pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    finite = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return ops.where(p.scale < q.scale, math.inf, finite)


@register_kl(Poisson, Poisson)
def poisson(p: Poisson, q: Poisson) -> Tensor:
    return ops.xlogy(p.rate, p.rate) - ops.xlogy(p.rate, q.rate) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def uniform(p: Uniform, q: Uniform) -> Tensor:
    outside = (q.low > p.low) | (q.high < p.high)
    return ops.where(outside, math.inf, ((q.high - q.low) / (p.high - p.low)).log())


@register_kl(Cauchy, Cauchy)
def cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    """Chyzak and Nielsen 2019, eq. 1."""
    return ((p.scale + q.scale).square() + (p.loc - q.loc).square()).log() - (4 * p.scale * q.scale).log()


@register_kl(ExponentialFamily, ExponentialFamily)
def exponential_family(p: Any, q: Any) -> Tensor:
    """F(q) - F(p) - (η(q) - η(p))·∇F(p): Bregman's divergence.   Nielsen and Nock 2010."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman divergences: "
            f"{type(p).__name__} and {type(q).__name__}"
        )
    params, normalizer, means = log_normalizer_and_means(p)
    result = q._log_normalizer(*q._natural_params) - normalizer
    for ours, theirs, mean in zip(params, q._natural_params, means):
        result = result - sum_rightmost((theirs - ours) * mean, ours.dim() - len(p.batch_shape))
    return result


@register_kl(TransformedDistribution, TransformedDistribution)
def transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence: not implemented for distributions of different transforms or event shapes")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: not implemented for different numbers of reinterpreted dimensions")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
