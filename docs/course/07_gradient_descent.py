r"""
Gradient descent on a surface
=============================

The gradient of a function points to where it rises most steeply. Going a little the other way, again and again, leads down to
a minimum. How far to go each time, and what to remember of the steps before, is what optimizers differ in.
"""

# %%
# A narrow valley
# ---------------
#
# :math:`f(x) = \tfrac12 x^\top A x` with eigenvalues 1 and 25: across the valley it is 25 times as steep as along it.

import matplotlib.pyplot as plt

import lineal as torch
from lineal import optim

plt.style.use("tableau-colorblind10")
A = torch.tensor([[1.0, 0.0], [0.0, 25.0]])


def valley(x):
    return 0.5 * x @ A @ x


def walk(make, steps=40, start=(-4.0, 1.2), surface=valley):
    """Return the places that an optimizer visits, start included, one a row."""
    x = torch.tensor(start, requires_grad=True)
    optimizer = make([x])
    places = [x.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        surface(x).backward()
        optimizer.step()
        places.append(x.detach().clone())
    return torch.stack(places)


def contours(ax, surface, across, up, levels):
    """Draw the lines of equal height of a surface."""
    X, Y = torch.meshgrid(torch.linspace(*across, 120), torch.linspace(*up, 120), indexing="xy")
    heights = torch.func.vmap(surface)(torch.stack([X, Y], -1).reshape(-1, 2)).reshape(120, 120)
    ax.contour(X.numpy(), Y.numpy(), heights.numpy(), levels=levels, cmap="cividis", linewidths=0.8)


# %%
# Too small, right, too large
# ---------------------------
#
# Along an eigenvector with eigenvalue λ each step multiplies the distance by :math:`1 - \eta\lambda`. So the steps converge
# only for :math:`\eta < 2/\lambda_{\max}` = 0.08, and the best fixed rate is :math:`2/(\lambda_{\min} + \lambda_{\max})` =
# 0.077.

figure, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True, layout="constrained")
ends = {}
for ax, rate in zip(axes, (0.01, 0.07, 0.081)):
    path = walk(lambda xs: optim.SGD(xs, lr=rate))  # noqa: B023
    ends[rate] = valley(path[-1]).item()
    contours(ax, valley, (-4.6, 1.5), (-2.2, 2.2), [0.2, 1, 3, 8, 18, 40])
    ax.plot(*path.T, "o-", color="C1", ms=3, lw=1)
    ax.plot(0, 0, "k*", ms=10)
    ax.set(title=f"rate {rate}: f = {ends[rate]:.1e}", xlim=(-4.6, 1.5), ylim=(-2.2, 2.2))
figure.set_label(
    "Forty steps in a narrow valley. With the rate 0.01 the path stops halfway, with 0.07 it zigzags to the minimum, "
    "with 0.081"
    " the zigzags grow."
)
plt.show()

# %%
# Memory: momentum and Adam
# -------------------------
#
# Momentum keeps some of the last step: zigzags cancel out, steps along the valley add up. Adam divides each coordinate by
# the size of its past gradients, so that steep and flat directions move alike.

optimizers = {
    "SGD": lambda xs: optim.SGD(xs, lr=0.04),
    "momentum": lambda xs: optim.SGD(xs, lr=0.02, momentum=0.8),
    "Adam": lambda xs: optim.Adam(xs, lr=0.4),
    "L-BFGS": lambda xs: optim.LBFGS(xs, lr=1.0),
}
paths = {name: walk(make) for name, make in optimizers.items() if name != "L-BFGS"}
x = torch.tensor([-4.0, 1.2], requires_grad=True)
quasi_newton = optimizers["L-BFGS"]([x])


def closure():
    quasi_newton.zero_grad()
    loss = valley(x)
    loss.backward()
    return loss


quasi_newton.step(closure)
print(f"L-BFGS, which learns the curvature, after one call of step: f = {valley(x).item():.1e}")

figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", width_ratios=[3, 2])
contours(axes[0], valley, (-4.6, 1.5), (-2.2, 2.2), [0.2, 1, 3, 8, 18, 40])
for (name, path), marker in zip(paths.items(), "os^"):
    axes[0].plot(*path.T, marker + "-", ms=3, lw=1, label=name)
    axes[1].semilogy(torch.stack([valley(place) for place in path]), label=name)
axes[0].plot(0, 0, "k*", ms=10)
axes[0].set(xlim=(-4.6, 1.5), ylim=(-2.2, 2.2))
axes[0].legend()
axes[1].set(xlabel="step", ylabel="f")
figure.set_label(
    "Left: paths of SGD, momentum and Adam through the valley. Right: how f falls with the steps for each of them."
)
plt.show()

# %%
# Surfaces with several minima
# ----------------------------
#
# Where a path ends depends on where it starts. Nothing in a gradient says whether a minimum is the lowest one.


def hills(x):
    return 0.1 * (x**2).sum() + torch.sin(2 * x[0]) * torch.cos(1.5 * x[1])


starts = [(-2.6, 1.8), (2.4, 1.6), (0.4, -2.4), (2.6, -0.6), (-0.4, 0.9)]
figure, ax = plt.subplots(figsize=(5.5, 4.2), layout="constrained")
contours(ax, hills, (-3, 3), (-3, 3), 14)
heights = []
for start in starts:
    path = walk(lambda xs: optim.SGD(xs, lr=0.1), steps=80, start=start, surface=hills)
    heights.append(hills(path[-1]).item())
    ax.plot(*path.T, "-", color="C1", lw=1.5)
    ax.plot(*path[0], "o", color="C0")
    ax.plot(*path[-1], "k*", ms=10)
figure.set_label("Lines of equal height of a hilly surface, with five paths from different starts that end in several valleys.")
plt.show()
print("heights of the ends:", ", ".join(f"{height:.2f}" for height in heights))

# %%
# Schedules
# ---------
#
# Large steps at first, small ones at the end: ``optim.lr_scheduler`` changes the rate as training goes on.

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for name, make, style in (
    ("StepLR", lambda o: optim.lr_scheduler.StepLR(o, 20, gamma=0.4), "-"),
    ("CosineAnnealingLR", lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 60), "--"),
    ("OneCycleLR", lambda o: optim.lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=61), ":"),
):
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = make(optimizer)
    rates = []
    for _ in range(60):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    ax.plot(rates, style, lw=2, label=name)
ax.set(xlabel="step", ylabel="learning rate")
ax.legend()
figure.set_label("Three schedules over sixty steps: stairs down, half a cosine down, and one rise followed by a long fall.")
plt.show()
