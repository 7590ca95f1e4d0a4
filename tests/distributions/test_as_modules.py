"""A distribution that is a module too, as priors of Gaussian processes are: the two bases do not meet in each other's names."""

import pytest

import lineal
from lineal import nn
from lineal.distributions import Distribution, Normal


class Prior(Distribution, nn.Module):
    """A distribution with buffers."""


class NormalPrior(Prior, Normal):
    """A normal distribution whose location is a buffer."""

    def __init__(self, loc, scale):
        nn.Module.__init__(self)
        Normal.__init__(self, loc, scale, validate_args=True)
        at = self.__dict__.pop("loc")
        self.register_buffer("loc", at)

    def forward(self, x):
        return self.log_prob(x).sum()


def test_a_distribution_may_be_a_module():
    prior = NormalPrior(lineal.tensor(1.0), lineal.tensor(2.0))
    x = lineal.tensor([0.0, 3.0])
    assert lineal.equal(prior(x), Normal(1.0, 2.0).log_prob(x).sum()) and list(prior.state_dict()) == ["loc"]
    with pytest.raises(TypeError, match="cannot assign buffer"):
        prior.loc = 3
    with pytest.raises(ValueError, match="parameter scale"):
        NormalPrior(lineal.tensor(1.0), lineal.tensor(-2.0))
