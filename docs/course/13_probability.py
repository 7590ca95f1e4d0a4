r"""
Probability: chances, densities, learning from data
===================================================

Probability says how often something is to be expected; statistics turns that round and asks what the data say. Here both are
done by sampling and by derivatives.
"""

# %%
# Relative frequencies settle down
# --------------------------------
#
# The share of sixes among n throws of a die comes close to 1/6, with an error of about :math:`1/\sqrt n`.

import matplotlib.pyplot as plt

import lineal as torch
from lineal import distributions, optim

plt.style.use("tableau-colorblind10")
torch.manual_seed(0)

throws = torch.randint(1, 7, (5, 10_000))
count = torch.arange(1, 10_001)
share = (throws == 6).cumsum(1) / count

figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
ax.semilogx(count, share.T.numpy(), lw=1)
band = (5 / 36 / count).sqrt()
ax.semilogx(count, 1 / 6 + 2 * band, "k--", lw=1)
ax.semilogx(count, 1 / 6 - 2 * band, "k--", lw=1)
ax.axhline(1 / 6, color="black")
ax.set(xlabel="throws", ylabel="share of sixes", ylim=(0, 0.5))
figure.set_label(
    "Five wandering lines, the share of sixes in five rows of throws, that narrow to one sixth inside a band that "
    "narrows like 1/√n."
)
plt.show()

# %%
# A table of two things
# ---------------------
#
# Joint chances stand in a table. Summing a row or a column gives the *marginal* chances; dividing by them the *conditional*
# ones. Bayes: a test that finds 95 % of the ill and is wrong for 4 % of the healthy, where 1 % are ill.

ill = torch.tensor([0.01, 0.99])
positive_given = torch.tensor([0.95, 0.04])
joint = torch.stack([ill * positive_given, ill * (1 - positive_given)])  # rows: positive, negative
print("joint\n", joint, "\nsum", joint.sum())
print(f"ill, if the test is positive: {joint[0, 0] / joint[0].sum():.0%}")

# %%
# Means of anything become normal
# -------------------------------
#
# The central limit theorem: the mean of many independent numbers is nearly normally distributed, whatever they are. Here
# means of exponentially distributed numbers, which themselves are not even symmetric.

exponential = distributions.Exponential(torch.tensor(1.0))
figure, axes = plt.subplots(1, 3, figsize=(9.5, 2.8), layout="constrained")
for ax, size in zip(axes, (1, 5, 50)):
    means = exponential.sample((20_000, size)).mean(1)
    ax.hist(means.numpy(), 60, density=True, alpha=0.6)
    normal = distributions.Normal(1.0, size**-0.5)
    grid = torch.linspace(max(means.min().item(), 0.01), means.max().item(), 200)
    ax.plot(grid, normal.log_prob(grid).exp(), "k--")
    ax.set_title("single numbers" if size == 1 else f"means of {size}")
figure.set_label(
    "Three histograms: exponential numbers, means of five, means of fifty. The last one lies on the dashed normal density."
)
plt.show()

# %%
# Two coordinates that depend on each other
# -----------------------------------------
#
# A normal density in the plane is given by a mean and a covariance Σ. Its level lines are ellipses along Σ's eigenvectors.
# Samples are :math:`\mu + L z` with Cholesky's L and standard normal z: a factorisation of chapter 3 at work.

mean = torch.tensor([1.0, -0.5])
covariance = torch.tensor([[1.5, 0.9], [0.9, 1.0]])
L = torch.linalg.cholesky(covariance)
samples = mean + torch.randn(4000, 2) @ L.T
print("covariance of the samples\n", samples.T.cov())

density = distributions.MultivariateNormal(mean, covariance)
X, Y = torch.meshgrid(torch.linspace(-3, 5, 100), torch.linspace(-4, 3, 100), indexing="xy")
heights = density.log_prob(torch.stack([X, Y], -1)).exp()

figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
ax.plot(*samples[:800].T, ".", ms=3, alpha=0.5)
ax.contour(X.numpy(), Y.numpy(), heights.numpy(), 6, cmap="cividis")
ax.set_aspect("equal")
figure.set_label("Eight hundred points of a slanted normal distribution and the ellipses of equal density around their mean.")
plt.show()

# %%
# Maximum likelihood
# ------------------
#
# Which parameters make the data likely? *Maximum likelihood* says: choose the parameters for which the data have the
# greatest density. Taking the negative logarithm makes a sum of it, and a loss. Least squares is this for normal errors,
# cross-entropy for classes. Here two hidden groups are found in unlabelled numbers: a mixture of two normal distributions.

data = torch.cat([-1.5 + 0.5 * torch.randn(600), 1.0 + 0.9 * torch.randn(400)])
centres = torch.tensor([-0.5, 0.5], requires_grad=True)
log_spreads = torch.zeros(2, requires_grad=True)
logits = torch.zeros(2, requires_grad=True)


def mixture():
    weights = distributions.Categorical(logits=logits)
    return distributions.MixtureSameFamily(weights, distributions.Normal(centres, log_spreads.exp()))


optimizer = optim.Adam([centres, log_spreads, logits], lr=0.05)
history = []
for _ in range(300):
    optimizer.zero_grad()
    loss = -mixture().log_prob(data).mean()
    loss.backward()
    optimizer.step()
    history.append(loss.item())
print("centres", centres.data, "spreads", log_spreads.exp().data, "shares", logits.softmax(0).data)

figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
grid = torch.linspace(-4, 4, 300)
ax.hist(data.numpy(), 60, density=True, alpha=0.5, label="data")
ax.plot(grid, mixture().log_prob(grid).exp().detach(), "k-", label="mixture found")
for share, centre, spread, style in zip(
    logits.softmax(0).detach(), centres.detach(), log_spreads.exp().detach(), ("C1--", "C3:")
):
    ax.plot(grid, share * distributions.Normal(centre, spread).log_prob(grid).exp(), style, lw=2)
ax.legend()
figure.set_label(
    "A histogram with two humps, the density that was found, and its two parts, one narrow on the left, one wide on the right."
)
plt.show()

# %%
# How sure is one?
# ----------------
#
# With a prior, Bayes' rule gives a density of the parameter itself. For the share p of a coin it is a Beta density; each
# throw adds one to a count, and the density narrows.

grid = torch.linspace(0.001, 0.999, 400)
coin = distributions.Bernoulli(torch.tensor(0.7)).sample((200,))
figure, ax = plt.subplots(figsize=(6.5, 3), layout="constrained")
for seen, style in ((0, ":"), (5, "-."), (30, "--"), (200, "-")):
    heads = coin[:seen].sum()
    posterior = distributions.Beta(1 + heads, 1 + seen - heads)
    ax.plot(grid, posterior.log_prob(grid).exp(), style, lw=2, label=f"after {seen} throws")
ax.axvline(0.7, color="black", lw=0.8)
ax.set(xlabel="share of heads")
ax.legend()
figure.set_label("Densities of a coin's share of heads: level before any throw, then narrower and narrower near the true 0.7.")
plt.show()
