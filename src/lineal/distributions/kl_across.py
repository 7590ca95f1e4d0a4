"""KL(p ‖ q) of different families: -H(p) - E log q(x), where the expectation needs few numbers of p."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.distributions.bernoulli import Bernoulli
from lineal.distributions.beta import Beta
from lineal.distributions.continuous_bernoulli import ContinuousBernoulli
from lineal.distributions.divergence import register_kl
from lineal.distributions.exponential import Exponential
from lineal.distributions.gamma import Gamma
from lineal.distributions.gumbel import Gumbel
from lineal.distributions.laplace import Laplace
from lineal.distributions.normal import Normal
from lineal.distributions.parameters import euler_constant, softplus
from lineal.distributions.pareto import Pareto
from lineal.distributions.poisson import Poisson
from lineal.distributions.uniform import Uniform
from lineal.tensors import Tensor

__all__: list[str] = []


def mean_log(low: Tensor, high: Tensor) -> Tensor:
    """Return E log x for x uniform between low and high."""
    return (ops.xlogy(high, high) - ops.xlogy(low, low)) / (high - low) - 1


@register_kl(Bernoulli, Poisson)
def bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.entropy() - p.probs * q.rate.log()


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Pareto, Normal)
@register_kl(Uniform, Normal)
def against_normal(p: Any, q: Normal) -> Tensor:
    distance = (p.variance + (p.mean - q.loc).square()) / (2 * q.scale.square())
    return distance + 0.5 * math.log(2 * math.pi) + q.scale.log() - p.entropy()


@register_kl(Normal, Laplace)
def normal_laplace(p: Normal, q: Laplace) -> Tensor:
    """E|x - m| = σ √(2/π) exp(-z²/2) + σ z erf(z/√2), z = (μ - m)/σ: the mean of a folded normal number."""
    z = (p.loc - q.loc) / p.scale
    fold = math.sqrt(2 / math.pi) * ops.exp(-0.5 * z.square()) + z * ops.erf(math.sqrt(0.5) * z)
    return p.scale * fold / q.scale + (2 * q.scale).log() - p.entropy()


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
@register_kl(Gamma, Exponential)
@register_kl(Pareto, Exponential)
def against_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate * p.mean - q.rate.log() - p.entropy()


@register_kl(Uniform, Exponential)
def uniform_exponential(p: Uniform, q: Exponential) -> Tensor:
    return ops.where(p.low < 0, math.inf, against_exponential(p, q))


def against_gamma(p: Any, q: Gamma, logarithm: Tensor) -> Tensor:
    """Return KL(p ‖ q) for p of this E log x."""
    a = q.concentration
    return q.rate * p.mean - (a - 1) * logarithm + a.lgamma() - a * q.rate.log() - p.entropy()


@register_kl(Beta, Gamma)
def beta_gamma(p: Beta, q: Gamma) -> Tensor:
    a, b = p.concentration1, p.concentration0
    return against_gamma(p, q, a.digamma() - (a + b).digamma())


@register_kl(Exponential, Gamma)
def exponential_gamma(p: Exponential, q: Gamma) -> Tensor:
    return against_gamma(p, q, -p.rate.log() - euler_constant)


@register_kl(Pareto, Gamma)
def pareto_gamma(p: Pareto, q: Gamma) -> Tensor:
    return against_gamma(p, q, p.scale.log() + p.alpha.reciprocal())


@register_kl(Uniform, Gamma)
def uniform_gamma(p: Uniform, q: Gamma) -> Tensor:
    return ops.where(p.low < 0, math.inf, against_gamma(p, q, mean_log(p.low, p.high)))


def against_gumbel(p: Any, q: Gumbel, fall: Tensor) -> Tensor:
    """Return KL(p ‖ q) for p of fall = E exp(-(x - loc)/scale)."""
    return fall + (p.mean - q.loc) / q.scale + q.scale.log() - p.entropy()


@register_kl(Exponential, Gumbel)
def exponential_gumbel(p: Exponential, q: Gumbel) -> Tensor:
    return against_gumbel(p, q, ops.exp(q.loc / q.scale) / (1 + (p.rate * q.scale).reciprocal()))


@register_kl(Gamma, Gumbel)
def gamma_gumbel(p: Gamma, q: Gumbel) -> Tensor:
    shrunk = p.concentration * (p.rate * q.scale).reciprocal().log1p()
    return against_gumbel(p, q, ops.exp(q.loc / q.scale - shrunk))


@register_kl(Normal, Gumbel)
def normal_gumbel(p: Normal, q: Gumbel) -> Tensor:
    return against_gumbel(p, q, ops.exp((q.loc - p.loc) / q.scale + 0.5 * (p.scale / q.scale).square()))


@register_kl(Uniform, Gumbel)
def uniform_gumbel(p: Uniform, q: Gumbel) -> Tensor:
    ends = ops.exp((q.loc - p.low) / q.scale) - ops.exp((q.loc - p.high) / q.scale)
    return against_gumbel(p, q, ends * q.scale / (p.high - p.low))


@register_kl(Beta, ContinuousBernoulli)
@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def against_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return softplus(q.logits) - p.mean * q.logits - q._cont_bern_log_norm() - p.entropy()


@register_kl(Uniform, ContinuousBernoulli)
def uniform_continuous_bernoulli(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    return ops.where((p.high > 1) | (p.low < 0), math.inf, against_continuous_bernoulli(p, q))


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def against_uniform(p: Any, q: Uniform) -> Tensor:
    return ops.where((q.low > 0) | (q.high < 1), math.inf, (q.high - q.low).log() - p.entropy())


@register_kl(Uniform, Beta)
def uniform_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    terms = (1 - a) * mean_log(p.low, p.high) + (1 - b) * mean_log(1 - p.high, 1 - p.low)
    return ops.where((p.high > 1) | (p.low < 0), math.inf, terms + q._log_normalizer(a, b) - p.entropy())


@register_kl(Uniform, Pareto)
def uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    terms = (q.alpha + 1) * mean_log(p.low, p.high) - q.alpha.log() - q.alpha * q.scale.log()
    return ops.where(p.low < q.scale, math.inf, terms - p.entropy())
