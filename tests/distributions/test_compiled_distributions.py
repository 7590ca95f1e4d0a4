"""Distributions in programs: compiled, over batches, in other shapes, with bad numbers, in families of the user's own."""

from __future__ import annotations

import pytest
from families import FAMILIES, made

import lineal
from lineal import distributions as D
from lineal.testing import assert_close

FEW = ["Beta", "Categorical", "ContinuousBernoulli", "Gamma", "MixtureSameFamily", "MultivariateNormal", "StudentT"]


def leaves_of(name):
    """Return the numbers that a family is made of, and the function that makes it of others."""
    numbers = []

    def keep(given):
        numbers.append(lineal.tensor(given, dtype=lineal.float64))
        return numbers[-1]

    FAMILIES[name](D, keep)

    def make(*given):
        each = iter(given)
        return FAMILIES[name](D, lambda _: next(each))

    return numbers, make


@pytest.mark.parametrize("name", FEW)
def test_compiled_and_batched_as_one_by_one(name):
    lineal.manual_seed(0)
    numbers, make = leaves_of(name)
    x = make(*numbers).sample((3,))
    work = lambda x, *given: make(*given).log_prob(x)
    wanted = work(x, *numbers)
    assert_close(lineal.vmap(work, in_dims=(0, *[None] * len(numbers)))(x, *numbers), wanted)
    both = lineal.vmap(work, in_dims=(None, *[0] * len(numbers)))(x, *[lineal.stack([each, each]) for each in numbers])
    assert_close(both, lineal.stack([wanted, wanted]))
    compiled = lineal.compile(work)
    for _ in range(3):
        assert_close(compiled(x, *numbers), wanted)


@pytest.mark.parametrize("name", ["Gamma", "Dirichlet", "VonMises", "Categorical"])
def test_compiled_samples_are_those_of_eager_code(name):
    numbers, make = leaves_of(name)
    draw = lambda *given: make(*given).sample((2,))
    compiled = lineal.compile(draw)
    for seed in range(3):
        lineal.manual_seed(seed)
        wanted = draw(*numbers)
        lineal.manual_seed(seed)
        assert lineal.equal(compiled(*numbers), wanted)


def test_compiled_code_still_refuses_bad_numbers():
    compiled = lineal.compile(lambda scale: D.Normal(0.0, scale).log_prob(lineal.tensor(1.0)))
    for _ in range(3):
        compiled(lineal.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"parameter scale .*GreaterThan\(lower_bound=0.0\)"):
        compiled(lineal.tensor([1.0, -2.0]))
    with pytest.raises(ValueError, match="parameter scale"):
        lineal.vmap(lambda scale: D.Normal(0.0, scale).log_prob(lineal.tensor(1.0)))(lineal.tensor([1.0, -2.0]))


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_an_expanded_distribution_is_the_same_for_every_one_of_the_batch(name):
    lineal.manual_seed(0)
    d = made(name)
    x = d.sample()
    wide = d.expand((2, *d.batch_shape))
    assert wide.batch_shape == (2, *d.batch_shape) and wide.event_shape == d.event_shape
    assert_close(wide.log_prob(x), d.log_prob(x).expand(wide.batch_shape))
    assert wide.sample((3,)).shape == (3, *wide.batch_shape, *wide.event_shape)


def test_nothing_is_checked_where_nobody_wants_it():
    assert bool(D.Normal(0.0, -1.0, validate_args=False).log_prob(lineal.tensor(1.0)).isnan())
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="parameter scale"):
        D.Normal(0.0, -1.0)


class Shifted(D.Normal):
    """A family of a user's, of more parameters than the one it is made of."""

    def __init__(self, loc, scale, shift):
        self.shift = shift
        super().__init__(loc, scale)


class Triangle(D.Distribution):
    """A family of a user's, from nothing."""

    arg_constraints = {"width": D.constraints.positive}
    support = D.constraints.unit_interval

    def __init__(self, width):
        self.width = width
        super().__init__(width.shape)


def test_families_of_the_users_own():
    with pytest.raises(NotImplementedError, match=r"Shifted of Normal that defines a custom __init__"):
        Shifted(0.0, 1.0, 2.0).expand((2,))
    triangle = Triangle(lineal.tensor([1.0, 2.0]))
    assert repr(triangle) == "Triangle(width: torch.Size([2]))"
    with pytest.raises(NotImplementedError, match="Triangle: mean is not implemented"):
        triangle.mean  # noqa: B018
    with pytest.raises(NotImplementedError, match="Triangle: expand is not implemented"):
        triangle.expand((2, 2))
    with pytest.raises(NotImplementedError, match=r"No KL\(p \|\| q\) is implemented for p type Triangle and q type Normal"):
        D.kl_divergence(triangle, D.Normal(0.0, 1.0))


def test_the_nearest_rule_for_a_divergence_is_taken():
    class Left(D.Normal): ...

    D.register_kl(Left, D.Distribution)(lambda p, q: lineal.tensor(1.0))
    with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(Left, Normal\). Please register_kl\(Left, Normal\)"):
        assert D.kl_divergence(Left(0.0, 1.0), D.Normal(0.0, 1.0)).item() == 1.0
    D.register_kl(Left, D.Normal)(lambda p, q: lineal.tensor(2.0))
    assert D.kl_divergence(Left(0.0, 1.0), D.Normal(0.0, 1.0)).item() == 2.0


def test_a_policy_and_a_variational_distribution_learn():
    lineal.manual_seed(0)
    loc = lineal.zeros(2, requires_grad=True)
    scale = lineal.zeros(2, requires_grad=True)
    target = D.Normal(lineal.tensor([1.0, -2.0]), lineal.tensor([0.5, 2.0]))
    optimizer = lineal.optim.Adam([loc, scale], lr=0.1)
    for _ in range(150):
        q = D.Normal(loc, D.transform_to(D.constraints.positive)(scale))
        loss = D.kl_divergence(q, target).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert_close(loc.detach(), target.loc, rtol=0, atol=0.05)
    assert_close(scale.detach().exp(), target.scale, rtol=0.05, atol=0)
