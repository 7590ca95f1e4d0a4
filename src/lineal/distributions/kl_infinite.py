"""KL(p ‖ q) = ∞: p has values where q has none."""

from __future__ import annotations

import math

from lineal import ops
from lineal.distributions.bernoulli import Bernoulli
from lineal.distributions.beta import Beta
from lineal.distributions.binomial import Binomial
from lineal.distributions.continuous_bernoulli import ContinuousBernoulli
from lineal.distributions.distribution import Distribution
from lineal.distributions.divergence import register_kl
from lineal.distributions.exponential import Exponential
from lineal.distributions.gamma import Gamma
from lineal.distributions.gumbel import Gumbel
from lineal.distributions.laplace import Laplace
from lineal.distributions.normal import Normal
from lineal.distributions.pareto import Pareto
from lineal.distributions.poisson import Poisson
from lineal.distributions.uniform import Uniform
from lineal.tensors import Tensor

__all__: list[str] = []

WIDER = {
    Beta: [Pareto],
    ContinuousBernoulli: [Pareto],
    Exponential: [Beta, ContinuousBernoulli, Pareto, Uniform],
    Gamma: [Beta, ContinuousBernoulli, Pareto, Uniform],
    Gumbel: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Laplace: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Normal: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Pareto: [Beta, ContinuousBernoulli, Uniform],
    Poisson: [Bernoulli, Binomial],
}
"""The families p whose values some family q has not all."""


def infinite(p: Distribution, q: Distribution) -> Tensor:
    """Return ∞ for every distribution of the batch."""
    return ops.full(p.batch_shape, math.inf, dtype=p.mean.dtype, device=p.mean.device)


for wide, narrow in WIDER.items():
    for each in narrow:
        register_kl(wide, each)(infinite)
