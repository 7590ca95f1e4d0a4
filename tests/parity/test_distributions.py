"""Distributions made of the same numbers as PyTorch's: functions, derivatives, divergences, text, shapes, errors."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

FAMILIES = runpy.run_path(str(Path(__file__).parents[1] / "distributions" / "families.py"))["FAMILIES"]
PROPERTIES = ("mean", "mode", "variance", "stddev")
BETTER = {
    "VonMises.variance": "PyTorch's Bessel functions are polynomials of 7 digits",
    "VonMises.stddev": "PyTorch's Bessel functions are polynomials of 7 digits",
    "KL(Uniform, ContinuousBernoulli)": "PyTorch gives ∞ where the uniform distribution lies within [0, 1]",
    "KL(ContinuousBernoulli, Uniform)": "PyTorch gives ∞ where the uniform distribution covers [0, 1]",
    "KL(Wishart, Wishart)": "PyTorch sums the term of the degrees of freedom over the batch",
}
"""What is not held to PyTorch, and why not."""


@pytest.fixture(autouse=True)
def wide_numbers():
    """Let Python's numbers be float64: one of PyTorch's families does not take others beside tensors of them."""
    for library in (lineal, torch):
        library.set_default_dtype(library.float64)
    yield
    for library in (lineal, torch):
        library.set_default_dtype(library.float32)


class Maker:
    """Makes the leaves of which a library's distribution consists."""

    def __init__(self, library):
        self.library, self.leaves = library, []

    def __call__(self, numbers):
        self.leaves.append(self.library.tensor(numbers, dtype=self.library.float64, requires_grad=True))
        return self.leaves[-1]


def made(name, library):
    maker = Maker(library)
    return FAMILIES[name](library.distributions, maker), maker.leaves


def outcome(work):
    """Return what a function gives, or the class of its error."""
    try:
        return work()
    except (NotImplementedError, ValueError) as error:
        return NotImplementedError if isinstance(error, NotImplementedError) else ValueError


def numbers(x):
    return np.asarray(x.detach().numpy() if hasattr(x, "detach") else x)


def gradients(library, y, leaves):
    """Return the derivatives of a weighted sum of y by the leaves that it depends on."""
    if not getattr(y, "requires_grad", False) or not y.is_floating_point():
        return []
    total = (y * library.cos(library.arange(y.numel()).to(y.dtype)).reshape(y.shape)).sum()
    found = library.autograd.grad(total, leaves, allow_unused=True)
    return [np.zeros(leaf.shape) if each is None else numbers(each) for leaf, each in zip(leaves, found)]


def agree(ours, theirs, what, rtol=1e-7, atol=1e-9):
    if isinstance(theirs, type):
        assert ours is theirs, what
    elif isinstance(theirs, torch.Tensor):
        assert isinstance(ours, lineal.Tensor), (what, ours)
        assert (tuple(ours.shape), str(ours.dtype).split(".")[-1]) == (tuple(theirs.shape), str(theirs.dtype).split(".")[-1]), (
            what
        )
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=rtol, atol=atol, err_msg=what)
    else:
        assert ours == theirs, what


def agree_derivatives(ours, theirs, what):
    """Compare derivatives, of a Cholesky factor those of its triangle, where PyTorch has numbers."""
    assert len(ours) == len(theirs), what
    for mine, other in zip(ours, theirs):
        is_factor = "factor" in what and other.shape[-2:] == (3, 3)
        mine, other = (np.tril(mine), np.tril(other)) if is_factor else (mine, other)
        # of a generalized Pareto distribution of concentration 0 PyTorch's derivative by it is 0
        known = ~np.isnan(other) & ((other != 0) | ("GeneralizedPareto" not in what))
        np.testing.assert_allclose(mine[known], other[known], rtol=1e-6, atol=1e-8, err_msg=f"{what}: derivative")


def both(name, ask, what, derivatives=True, **within):
    """Hold `ask(library, distribution)` to PyTorch's, and its derivatives by the parameters."""
    if what in BETTER:
        return
    results = []
    for library in (lineal, torch):
        distribution, leaves = made(name, library)
        y = outcome(lambda library=library, d=distribution: ask(library, d))
        results.append((y, gradients(library, y, leaves) if derivatives else []))
    (ours, our_grads), (theirs, their_grads) = results
    agree(ours, theirs, what, **within)
    agree_derivatives(our_grads, their_grads, what)


def values(name, count=4):
    """Return samples of PyTorch's distribution."""
    torch.manual_seed(0)
    distribution, _ = made(name, torch)
    return distribution.sample((count,)).double().numpy()


@pytest.mark.parametrize("name", FAMILIES)
def test_shapes_text_and_flags(name):
    (ours, _), (theirs, _) = made(name, lineal), made(name, torch)
    assert repr(ours) == repr(theirs)
    assert (ours.batch_shape, ours.event_shape) == (tuple(theirs.batch_shape), tuple(theirs.event_shape))
    assert (ours.has_rsample, ours.has_enumerate_support) == (theirs.has_rsample, theirs.has_enumerate_support)
    assert repr(ours.support) == repr(theirs.support)
    assert {key: repr(each) for key, each in ours.arg_constraints.items()} == {
        key: repr(each) for key, each in theirs.arg_constraints.items()
    }
    wide = (2, 3, *theirs.batch_shape)
    assert repr(ours.expand(wide)) == repr(theirs.expand(wide))
    for shape in ((), (5,), (2, 3)):
        assert ours.sample(shape).shape == tuple(theirs.sample(shape).shape)
        assert ours.expand(wide).sample(shape).shape == tuple(theirs.expand(wide).sample(shape).shape)
        assert ours.sample(shape).dtype is getattr(lineal, str(theirs.sample(shape).dtype).split(".")[-1])


@pytest.mark.parametrize("name", FAMILIES)
def test_moments_and_entropy(name):
    for each in PROPERTIES:
        both(name, lambda library, d, each=each: getattr(d, each), f"{name}.{each}")
    both(name, lambda library, d: d.entropy(), f"{name}.entropy")
    both(name, lambda library, d: d.perplexity(), f"{name}.perplexity")
    both(name, lambda library, d: d.enumerate_support(), f"{name}.enumerate_support")
    both(name, lambda library, d: d.enumerate_support(expand=False), f"{name}.enumerate_support")


@pytest.mark.parametrize("name", FAMILIES)
def test_log_probabilities(name):
    x = values(name)

    def log_prob(library, d):
        return d.log_prob(library.tensor(x, dtype=library.float64))

    both(name, log_prob, f"{name}.log_prob")
    both(name, lambda library, d: log_prob(library, d.expand((1, *d.batch_shape))), f"{name}.expand.log_prob")


@pytest.mark.parametrize("name", FAMILIES)
def test_distribution_functions(name):
    x = values(name)
    has = name not in ("Gamma", "Chi2", "InverseGamma")
    both(name, lambda library, d: d.cdf(library.tensor(x, dtype=library.float64)), f"{name}.cdf", derivatives=has)
    u = np.random.default_rng(0).uniform(0.05, 0.95, x.shape)
    both(name, lambda library, d: d.icdf(library.tensor(u, dtype=library.float64)), f"{name}.icdf")


FAMILY_PAIRS = [name for name in FAMILIES if " of " not in name and name != "MixtureSameFamily"]


def divergence(library, p, q):
    """Return KL(p ‖ q) and its derivatives, or the class of the error."""
    (first, mine), (second, others) = made(p, library), made(q, library)
    try:
        y = library.distributions.kl_divergence(first, second)
    except NotImplementedError:
        return NotImplementedError, []
    except (RuntimeError, ValueError):
        return RuntimeError, []
    return y, gradients(library, y, mine + others)


@pytest.mark.parametrize("p", FAMILY_PAIRS)
def test_divergences(p):
    for q in FAMILY_PAIRS:
        what = f"KL({p}, {q})"
        if what not in BETTER:
            (ours, our_grads), (theirs, their_grads) = (divergence(library, p, q) for library in (lineal, torch))
            agree(ours, theirs, what)
            agree_derivatives(our_grads, their_grads, what)


def test_gamma_and_dirichlet_numbers_move_alike():
    """PyTorch's derivatives are fits of about three digits."""
    a = np.array([0.05, 0.7, 3.0, 9.0, 200.0])
    x = torch._standard_gamma(torch.tensor(a).expand(50, 5)).numpy()
    found = lineal._standard_gamma_grad(lineal.tensor(np.broadcast_to(a, x.shape).copy()), lineal.tensor(x))
    wanted = torch._standard_gamma_grad(torch.tensor(a).expand(50, 5), torch.tensor(x))
    np.testing.assert_allclose(numbers(found), numbers(wanted), rtol=5e-3, atol=1e-300)
    shares = torch._sample_dirichlet(torch.tensor(a[1:]).expand(50, 4)).numpy()
    given = [shares, np.broadcast_to(a[1:], shares.shape).copy(), np.full_like(shares, a[1:].sum())]
    found, wanted = (library._dirichlet_grad(*map(library.tensor, given)) for library in (lineal, torch))
    np.testing.assert_allclose(numbers(found), numbers(wanted), rtol=2e-2, atol=1e-12)


def test_dirichlet_samples_have_the_derivatives_of_their_shares():
    a = np.array([[0.5, 2.0, 9.0], [1.5, 1.2, 3.0]])
    weight = np.array([1.0, -2.0, 0.5])
    mine = lineal.tensor(a, requires_grad=True)
    x = lineal.distributions.Dirichlet(mine).rsample()
    (x * lineal.tensor(weight)).sum().backward()
    shares, total = torch.tensor(numbers(x)), torch.tensor(a).sum(-1, True).expand(2, 3)
    share = torch._dirichlet_grad(shares, torch.tensor(a), total)
    wanted = share * (torch.tensor(weight) - (shares * torch.tensor(weight)).sum(-1, True))
    np.testing.assert_allclose(numbers(mine.grad), wanted.numpy(), rtol=2e-2)


ERRORS = {
    "a scale below 0": lambda t, D: D.Normal(0.0, -1.0),
    "NaN": lambda t, D: D.Normal(t.tensor([0.0, float("nan")]), 1.0),
    "a value of another shape": lambda t, D: D.Normal(t.zeros(2), 1.0).log_prob(t.zeros(3)),
    "an event of another shape": lambda t, D: D.Dirichlet(t.ones(3)).log_prob(t.ones(2)),
    "a value outside": lambda t, D: D.Bernoulli(0.5).log_prob(t.tensor(0.3)),
    "neither probs nor logits": lambda t, D: D.Bernoulli(),
    "a probability above 1": lambda t, D: D.Bernoulli(1.5),
    "a negative weight": lambda t, D: D.Categorical(t.tensor([-1.0, 2.0])),
    "no categories": lambda t, D: D.Categorical(t.tensor(1.0)),
    "an interval upside down": lambda t, D: D.Uniform(1.0, 0.0),
    "no matrix": lambda t, D: D.MultivariateNormal(t.zeros(2)),
    "a matrix that is not positive": lambda t, D: D.MultivariateNormal(t.zeros(2), -t.eye(2)),
    "a factor that is not triangular": lambda t, D: D.MultivariateNormal(t.zeros(2), scale_tril=t.ones(2, 2)),
    "low rank, another size": lambda t, D: D.LowRankMultivariateNormal(t.zeros(2), t.ones(3, 1), t.ones(2)),
    "more than the batch has": lambda t, D: D.Independent(D.Normal(0.0, 1.0), 1),
    "a mixture of another size": lambda t, D: D.MixtureSameFamily(D.Categorical(t.ones(3)), D.Normal(t.zeros(2), 1.0)),
    "too small for LKJ": lambda t, D: D.LKJCholesky(1),
    "too few degrees of freedom": lambda t, D: D.Wishart(1.0, t.eye(3)),
    "counts that differ": lambda t, D: D.Multinomial(t.tensor(3), t.ones(2)),
    "too few dimensions": lambda t, D: D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform()),
    "no transform": lambda t, D: D.biject_to(D.constraints.positive_definite),
    "a dependent constraint": lambda t, D: D.constraints.dependent.event_dim,
    "n of binomials": lambda t, D: D.kl_divergence(D.Binomial(3, t.tensor(0.5)), D.Binomial(4, t.tensor(0.5))),
}


@pytest.mark.parametrize("what", ERRORS)
def test_errors_are_of_one_class_and_say_the_same(what):
    said = []
    for library in (lineal, torch):
        with pytest.raises((ValueError, NotImplementedError, AssertionError)) as caught:
            ERRORS[what](library, library.distributions)
        said.append((type(caught.value), str(caught.value)))
    assert said[0] == said[1]


def test_names_are_pytorchs():
    for place in ("distributions", "distributions.constraints", "distributions.transforms"):
        mine, theirs = lineal, torch
        for part in place.split("."):
            mine, theirs = getattr(mine, part), getattr(theirs, part)
        assert sorted(mine.__all__) == sorted(theirs.__all__)
