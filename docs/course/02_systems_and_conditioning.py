r"""
Linear systems, conditioning, and why not to invert
===================================================

:math:`A x = b` asks: which place does the motion A take to b? Each equation is a line of the plane, and the answer is where the
lines meet. This chapter solves such systems, shows when the answer has few right digits, and why nobody should compute
:math:`A^{-1}` to get it.
"""

# %%
# Two lines that meet
# -------------------
#
# Three adults and four children pay 25; two adults and one child pay 10. What does each pay?

import warnings

import matplotlib.pyplot as plt

import lineal as torch

plt.style.use("tableau-colorblind10")

A = torch.tensor([[3.0, 4.0], [2.0, 1.0]])
b = torch.tensor([25.0, 10.0])
x = torch.linalg.solve(A, b)
print("an adult, a child:", x, " what is left over:", b - A @ x)

# %%
# Well and badly conditioned
# --------------------------
#
# On the left the lines cross at a clear angle. On the right they are almost parallel: moving one by the width of a pen moves
# the crossing far away. The *condition number* :math:`\kappa = \sigma_{\max} / \sigma_{\min}` says by how much errors of the
# right side may grow in the answer: the solution loses about :math:`\log_{10}\kappa` digits.

well = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
badly = torch.tensor([[1.0, 1.0], [1.0, 1.08]])

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained", sharey=True)
horizontal = torch.linspace(-1.0, 3.0, 50)
for ax, M in zip(axes, (well, badly)):
    right = M @ torch.ones(2)
    for row, value, colour in zip(M, right, ("C0", "C1")):
        ax.plot(horizontal, (value - row[0] * horizontal) / row[1], colour)
    for shift in (-0.04, 0.04):
        moved = right + torch.tensor([0.0, shift])
        ax.plot(horizontal, (moved[1] - M[1, 0] * horizontal) / M[1, 1], "C1:", lw=1)
        ax.plot(*torch.linalg.solve(M, moved), "k.")
    ax.set_title(f"condition number {torch.linalg.cond(M):.1f}")
    ax.set(ylim=(-0.6, 2.6), xlabel="$x_1$")
axes[0].set_ylabel("$x_2$")
figure.set_label(
    "Two pairs of lines. Left, at right angles: a shifted line moves the crossing by as little. Right, nearly parallel: "
    "the same"
    " shift moves the crossing far along the lines."
)
plt.show()

# %%
# Hilbert's matrices :math:`H_{ij} = 1/(i + j + 1)` look harmless, and each is worse conditioned than the one before. The
# error of the solution follows :math:`\kappa\,\varepsilon`, where :math:`\varepsilon` is the distance between 1 and the next
# number. PyTorch and NumPy return what comes out without a word; lineal warns once few digits are left.

sizes = range(2, 13)
conditions, errors, warned = [], [], []
for n in sizes:
    i = torch.arange(float(n), dtype=torch.float64)
    H = 1 / (i[:, None] + i + 1)
    exact = torch.ones(n, dtype=torch.float64)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = torch.linalg.solve(H, H @ exact)
    conditions.append(torch.linalg.cond(H).item())
    errors.append((found - exact).norm().item() / n**0.5)
    warned.append(any(issubclass(each.category, torch.IllConditionedWarning) for each in heard))

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.semilogy(sizes, errors, "o-", label="error of the solution")
ax.semilogy(sizes, [condition * torch.finfo(torch.float64).eps for condition in conditions], "s--", label="κ · ε")
ax.set(xlabel="size of Hilbert's matrix", ylabel="relative error")
ax.legend()
figure.set_label(
    "On a logarithmic axis the error of the solution grows with the size of Hilbert's matrix and stays below κ times ε."
)
plt.show()
print("warned at the sizes", [n for n, each in zip(sizes, warned) if each])

# %%
# Why not to invert
# -----------------
#
# ``inv(A) @ b`` first solves n systems, one for each column of the inverse, and then multiplies: three times the work, and
# worse numbers. The residual :math:`b - A x` shows it: elimination leaves one as small as rounding allows, whatever the
# condition, the inverse one that grows with the condition. (lineal turns a product with ``inv`` into a solve where it sees
# one; here the inverse is computed by NumPy, to show what it would do.)

import numpy as np

torch.manual_seed(0)
n = 40
Q, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64))
P, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64))
exponents = range(1, 13)
by_solving, by_inverting = [], []
for exponent in exponents:
    A = Q * torch.logspace(0, -exponent, n, dtype=torch.float64) @ P
    b = A @ torch.ones(n, dtype=torch.float64)
    scale = torch.linalg.norm(A, 2) * n**0.5
    by_solving.append(((b - A @ torch.linalg.solve(A, b)).norm() / scale).item())
    by_inverting.append(((b - A @ torch.from_numpy(np.linalg.inv(A.numpy()) @ b.numpy())).norm() / scale).item())

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.loglog([10.0**each for each in exponents], by_inverting, "s--", label="inverse times b")
ax.loglog([10.0**each for each in exponents], by_solving, "o-", label="solve")
ax.set(xlabel="condition number", ylabel="relative residual")
ax.legend()
figure.set_label("The residual of solve stays near 1e-16 at every condition number; that of the inverse grows along with it.")
plt.show()

# %%
# Many right sides, one matrix
# ----------------------------
#
# The work of a system lies in taking A apart. Whoever has many right sides factors once (the next chapter says how) and
# solves often; if they are known at the same time, they are the columns of one matrix B.

LU, pivots = torch.linalg.lu_factor(A)
B = torch.randn(n, 3, dtype=torch.float64)
print("shape of the solutions:", list(torch.linalg.lu_solve(LU, pivots, B).shape))

# %%
# A matrix that is singular has no solution for most b. That is an error, and not a vector of infinities:

try:
    torch.linalg.solve(torch.ones(2, 2), torch.tensor([2.0, 3.0]))
except torch.linalg.LinAlgError as error:
    print(type(error).__name__, "-", str(error).splitlines()[0])
