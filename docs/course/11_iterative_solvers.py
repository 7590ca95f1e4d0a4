r"""
Iterative solvers and their residuals
=====================================

Elimination needs some :math:`n^3` operations and the whole matrix. Systems with a million unknowns have mostly zeros, and
products with a vector are cheap. Iterative methods use nothing else: they start somewhere and improve, and one watches the
*residual* :math:`r = b - A x`, which needs no solution to be known.
"""

# %%
# Stationary methods and conjugate gradients
# ------------------------------------------
#
# Write A = S - T, where S is easy to solve with. Then :math:`S x_{k+1} = T x_k + b`, again and again. Jacobi takes the
# diagonal as S, Gauss and Seidel the lower triangle. The error shrinks by the spectral radius of :math:`S^{-1}T`.
#
# Steepest descent takes the best step along the residual each time, and undoes a part of what it did before. Conjugate
# gradients choose directions that do not disturb each other, :math:`p_i^\top A p_j = 0`.

import matplotlib.pyplot as plt

import lineal as torch
from lineal import solvers
from lineal.solvers import preconditioners

plt.style.use("tableau-colorblind10")

torch.manual_seed(0)
n = 10
A = 2 * torch.eye(n, dtype=torch.float64) - torch.diag(torch.ones(n - 1, dtype=torch.float64), 1)
A = A - torch.diag(torch.ones(n - 1, dtype=torch.float64), -1)
b = torch.randn(n, dtype=torch.float64)


def stationary(S, steps):
    """Return the norms of the residuals, first to last, and the last x."""
    x = torch.zeros_like(b)
    norms = []
    for _ in range(steps):
        r = b - A @ x
        norms.append((r.norm() / b.norm()).item())
        x = x + torch.linalg.solve(S, r)
    return norms, x


def gradient_steps(steps):
    """Steepest descent with the best step each time."""
    x = torch.zeros_like(b)
    norms = []
    for _ in range(steps):
        r = b - A @ x
        norms.append((r.norm() / b.norm()).item())
        x = x + (r @ r) / (r @ A @ r) * r
    return norms


def conjugate(steps):
    """Conjugate gradients, written out: each direction is A-orthogonal to all before."""
    x = torch.zeros_like(b)
    r = b - A @ x
    p, norms = r, []
    for _ in range(steps):
        norms.append((r.norm() / b.norm()).item())
        alpha = (r @ r) / (p @ A @ p)
        x, before = x + alpha * p, r @ r
        r = r - alpha * (A @ p)
        p = r + (r @ r) / before * p
        if norms[-1] < 1e-14:
            break
    return norms


jacobi, _ = stationary(torch.diag(A.diagonal()), 200)
seidel, _ = stationary(A.tril(), 200)
curves = {
    "Jacobi": jacobi,
    "Gauss-Seidel": seidel,
    "steepest descent": gradient_steps(200),
    "conjugate gradients": conjugate(40),
}

figure, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
for (name, norms), style in zip(curves.items(), ("-", "--", ":", "-.")):
    ax.semilogy(norms, style, lw=2, label=name)
ax.set(xlabel="step", ylabel="‖b - A x‖ / ‖b‖", ylim=(1e-14, 20))
ax.legend()
figure.set_label(
    "Residuals over 200 steps: Jacobi and steepest descent fall slowly, Gauss-Seidel twice as fast, conjugate gradients "
    "drop to zero"
    " after ten steps."
)
plt.show()

# %%
# With ten unknowns conjugate gradients end after ten steps. On large systems it matters more that they are close long
# before.
#
# A heated plate
# --------------
#
# A grid of 64 × 64 points; each takes the mean of its neighbours plus some heat. The matrix has 4,096 rows and five numbers
# in each. It is stored sparse, and ``lineal.solvers`` does the rest.

n = 64
plate = solvers.poisson((n, n), dtype=torch.float64).to_sparse_csr()
heat = torch.zeros(n, n, dtype=torch.float64)
heat[12:20, 12:20], heat[40:50, 44:52] = 1.0, -0.6
heat = heat.reshape(-1)

# %%
# A *preconditioner* M is a cheap guess of :math:`A^{-1}`. The better it is, the fewer steps.

kinds = {
    "no preconditioner": None,
    "incomplete Cholesky": preconditioners.ic(plate),
    "multigrid": solvers.smoothed_aggregation(plate),
}
residuals, temperature = {}, None
for name, M in kinds.items():
    temperature, report = solvers.cg(plate, heat, rtol=1e-10, M=M, return_info=True)
    residuals[name] = report.residuals
    print(f"{name:20} {report.iterations:4} steps, true residual {(heat - plate @ temperature).norm() / heat.norm():.1e}")

figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
image = axes[0].imshow(temperature.reshape(n, n), cmap="PuOr_r", vmin=-25, vmax=25)
figure.colorbar(image, label="temperature")
for (name, norms), style in zip(residuals.items(), ("-", "--", ":")):
    axes[1].semilogy(norms, style, lw=2, label=name)
axes[1].set(xlabel="step", ylabel="residual")
axes[1].legend()
figure.set_label(
    "Left: the temperature of a plate with a warm and a cold place. Right: residuals of conjugate gradients; multigrid "
    "needs the fewest steps,"
    " incomplete Cholesky more, no preconditioner by far the most."
)
plt.show()

# %%
# Which method?
# -------------
#
# Conjugate gradients need a symmetric positive definite matrix. What they are given otherwise they notice, and say what to
# take.

try:
    solvers.cg(-plate, heat)
except solvers.ConvergenceError as error:
    print(error.report.status, "-", error.report.advice)

# %%
# Derivatives pass through a solver, too: not through its steps, but by another solve with the transposed matrix. How does
# the temperature in the middle depend on the heat everywhere?

source = heat.clone().requires_grad_()
solvers.cg(plate, source, rtol=1e-10, M=kinds["multigrid"])[n * n // 2 + n // 2].backward()
influence = source.grad.reshape(n, n)

figure, ax = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
image = ax.imshow(influence, cmap="cividis")
figure.colorbar(image, label="influence")
figure.set_label(
    "How heat at each point of the plate changes the temperature in the middle: a bright peak there that fades to the edges."
)
plt.show()
