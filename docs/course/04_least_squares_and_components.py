r"""
Least squares and principal components
======================================

More equations than unknowns have no solution. The best one can do is to come close: the x for which
:math:`\lVert A x - b\rVert` is smallest. Principal components ask a related question: which line through a cloud of points
comes closest to all of them?
"""

# %%
# A curve through noisy points
# ----------------------------
#
# A polynomial :math:`x_0 + x_1 t + x_2 t^2` is linear in its coefficients, so each point is one equation. ``lstsq`` solves
# by QR and never forms :math:`A^\top A`.

import warnings

import matplotlib.pyplot as plt

import lineal as torch

plt.style.use("tableau-colorblind10")
torch.manual_seed(0)

t = torch.linspace(-1, 1, 30, dtype=torch.float64)
b = 1 - t + 2 * t**2 + 0.2 * torch.randn(30, dtype=torch.float64)
A = torch.stack([torch.ones_like(t), t, t**2], 1)
x = torch.linalg.lstsq(A, b).solution
residual = b - A @ x
print("coefficients:", x)

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(t, b, "o", label="points")
ax.plot(t, A @ x, label="least squares")
ax.vlines(t, A @ x, b, color="gray", lw=1)
ax.set_xlabel("t")
ax.legend()
figure.set_label(
    "Thirty noisy points, the parabola that fits them best, and thin vertical lines from the points to it: the residuals."
)
plt.show()

# %%
# The residual is at right angles to every column of A. Where it were not, going along that column would make it shorter.
# Written out this is :math:`A^\top (b - A x) = 0`, the *normal equations*.

print("Aᵀ(b - A x) =", A.T @ residual)

# %%
# The normal equations, and what they cost
# ----------------------------------------
#
# Solving :math:`A^\top A x = A^\top b` is correct on paper. But the condition of :math:`A^\top A` is the *square* of A's,
# and so are the lost digits. Polynomials of higher degree show it; from degree 12 on :math:`A^\top A` is, in sixteen digits,
# not even positive definite any more. (lineal warns long before; here the warnings are turned off.)

warnings.simplefilter("ignore", torch.IllConditionedWarning)
degrees = range(2, 12)
by_qr, by_normal = [], []
places = torch.linspace(0, 1, 60, dtype=torch.float64)
for degree in degrees:
    V = places[:, None] ** torch.arange(degree + 1.0, dtype=torch.float64)
    truth = torch.ones(degree + 1, dtype=torch.float64)
    by_qr.append((torch.linalg.lstsq(V, V @ truth).solution - truth).norm().item())
    L = torch.linalg.cholesky(V.T @ V)
    by_normal.append((torch.cholesky_solve((V.T @ V @ truth)[:, None], L)[:, 0] - truth).norm().item())

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.semilogy(degrees, by_normal, "s--", label="normal equations")
ax.semilogy(degrees, by_qr, "o-", label="lstsq")
ax.set(xlabel="degree", ylabel="error of the coefficients")
ax.legend()
figure.set_label(
    "The error of the normal equations grows about twice as fast with the degree, on a logarithmic axis, as that of lstsq."
)
plt.show()

# %%
# Directions of a cloud
# ---------------------
#
# Points that lie along a line need one number each, not two. The *first principal component* is the direction in which the
# cloud is widest. With the centre taken away, it is the first right singular vector of the matrix of points, and the
# variances are the squared singular values over n - 1.

from lineal import models

cloud = torch.randn(200, 2, dtype=torch.float64) @ torch.tensor([[1.6, 0.9], [0.0, 0.4]], dtype=torch.float64)
centred = cloud - cloud.mean(0)
_, sigma, directions = torch.linalg.svd(centred, full_matrices=False)
spread = sigma / (len(cloud) - 1) ** 0.5

figure, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
ax.plot(*centred.T, ".", alpha=0.6)
for length, direction in zip(spread, directions):
    ax.annotate("", xy=(2 * length * direction).tolist(), xytext=(0, 0), arrowprops={"arrowstyle": "->", "lw": 2.5})
ax.set_aspect("equal")
figure.set_label(
    "A slanted cloud of points with two arrows at right angles: the principal components, the longer along the cloud."
)
plt.show()

# %%
# Digits in two dimensions
# ------------------------
#
# The same for the digits that come with lineal, 64 pixels each. ``models.pca`` returns components, variances, mean and
# scores: the places of the images along the components. Two numbers of 64 already keep some digits apart.

from lineal.data import digits

training, _ = digits()
images, labels = training.tensors
components, variance, mean, scores = models.pca(images.flatten(1).double(), 64)
kept = variance.cumsum(0) / variance.sum()
print(f"two components keep {kept[1]:.0%} of the variance, twenty {kept[19]:.0%}")

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", width_ratios=[3, 2])
for digit, marker in zip((0, 3, 4, 6), "osvx"):
    axes[0].plot(*scores[labels == digit, :2].T, marker, ms=4, alpha=0.7, label=f"digit {digit}")
axes[0].set(xlabel="first component", ylabel="second component")
axes[0].legend()
axes[1].plot(torch.arange(1, 65), kept)
axes[1].set(xlabel="components", ylabel="share of the variance", ylim=(0, 1.02))
figure.set_label(
    "Left: digits 0, 3, 4 and 6 by their first two components, four clouds that overlap little. Right: the share of the "
    "variance"
    " that the first k components keep, rising to one."
)
plt.show()
