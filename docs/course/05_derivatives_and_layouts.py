r"""
Derivatives, layouts, and the table of matrix calculus
======================================================

The derivative of a function at a place is the linear map that comes closest to it there. For a function of one number it is a
slope, for a function of many numbers a row of slopes, for a function with many results a matrix: the *Jacobian*. Books disagree
on whether to write that matrix or its transpose; this chapter says both and checks the table against the computer.
"""

# %%
# A slope is a straight line that fits
# ------------------------------------

import matplotlib.pyplot as plt

import lineal as torch
from lineal.autograd.functional import hessian, jacobian

plt.style.use("tableau-colorblind10")


def f(x):
    return 3 * x**2 - 4 * x


x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
y = f(x)
y.backward()
print("f'(1) =", x.grad.item())

near = torch.linspace(0, 2.4, 100, dtype=torch.float64)
figure, ax = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
ax.plot(near, f(near), label="f(x) = 3x² - 4x")
ax.plot(near, y.item() + x.grad.item() * (near - 1), "--", label="the tangent at 1")
ax.plot(1, y.item(), "ko")
ax.set_xlabel("x")
ax.legend()
figure.set_label("A parabola and its tangent at 1, which rises by two for every one to the right.")
plt.show()

# %%
# Differences of nearby values tell the slope only roughly. A step that is too large sees the bend, one that is too small
# only rounding. Automatic differentiation applies the rules of calculus instead and is right to the last digit or so.

steps = torch.logspace(-15, 0, 46, dtype=torch.float64)
place = torch.tensor(1.2, dtype=torch.float64)
true = place.cos()
one_sided = ((place + steps).sin() - place.sin()) / steps
central = ((place + steps).sin() - (place - steps).sin()) / (2 * steps)

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.loglog(steps, (one_sided - true).abs(), "o-", ms=4, label="(f(x + h) - f(x)) / h")
ax.loglog(steps, (central - true).abs(), "s-", ms=4, label="(f(x + h) - f(x - h)) / 2h")
ax.axhline(torch.finfo(torch.float64).eps, color="gray", ls="--", label="ε")
ax.set(xlabel="step h", ylabel="error of the slope of sin at 1.2")
ax.legend()
figure.set_label(
    "Error of difference quotients over the step: it falls as the step shrinks, then rises again by rounding: two V shapes."
)
plt.show()

# %%
# Gradient, Jacobian, Hessian
# ---------------------------
#
# .. list-table::
#    :header-rows: 1
#
#    * - function
#      - first derivative
#      - shape in numerator layout
#    * - number of a vector, :math:`\mathbb R^n \to \mathbb R`
#      - gradient
#      - a row, 1 × n
#    * - vector of a number, :math:`\mathbb R \to \mathbb R^m`
#      - velocity
#      - a column, m × 1
#    * - vector of a vector, :math:`\mathbb R^n \to \mathbb R^m`
#      - Jacobian
#      - m × n
#
# In *numerator layout* the results of the function run down the rows, in *denominator layout* along the columns; one is the
# transpose of the other. ``jacobian`` gives either.

A = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
x = torch.tensor([1.0, -1.0])
print("numerator layout\n", jacobian(lambda x: A @ x, x, layout="numerator"))
print("denominator layout\n", jacobian(lambda x: A @ x, x, layout="denominator"))

# %%
# The table, checked
# ------------------
#
# Each row of the table is a formula that one may look up; the computer finds the derivative by itself, and both agree. Here
# in numerator layout, with x of size 4, a fixed vector a and a fixed matrix A.

torch.manual_seed(0)
x, a = torch.randn(4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
A = torch.randn(4, 4, dtype=torch.float64)
eye = torch.eye(4, dtype=torch.float64)
table = [
    ("aᵀx", lambda x: a @ x, "aᵀ", a),
    ("A x", lambda x: A @ x, "A", A),
    ("xᵀA", lambda x: x @ A, "Aᵀ", A.T),
    ("‖x‖²", lambda x: x @ x, "2 xᵀ", 2 * x),
    ("‖x‖", lambda x: x.norm(), "xᵀ / ‖x‖", x / x.norm()),
    ("xᵀA x", lambda x: x @ A @ x, "xᵀ(A + Aᵀ)", x @ (A + A.T)),
    ("‖A x - a‖²", lambda x: (A @ x - a).square().sum(), "2 (A x - a)ᵀA", 2 * (A @ x - a) @ A),
    ("x ‖x‖", lambda x: x * x.norm(), "‖x‖ I + x xᵀ / ‖x‖", x.norm() * eye + torch.outer(x, x) / x.norm()),
    ("sin x", lambda x: x.sin(), "diag(cos x)", torch.diag(x.cos())),
    ("softmax x", lambda x: x.softmax(0), "diag(s) - s sᵀ", torch.diag(x.softmax(0)) - torch.outer(x.softmax(0), x.softmax(0))),
]
differences = []
for name, function, formula, value in table:
    differences.append((jacobian(function, x) - value).abs().max().item())
    print(f"d/dx {name:11} = {formula:20} differs by {differences[-1]:.0e}")

# %%
# Functions of a matrix have tables, too. The derivative of a number by a matrix has the matrix' shape in denominator layout,
# which is also what ``.grad`` holds.

S = A @ A.T + eye
matrices = [
    ("tr(S)", lambda S: S.trace(), "I", eye),
    ("tr(A S)", lambda S: (A @ S).trace(), "Aᵀ", A.T),
    ("aᵀS x", lambda S: a @ S @ x, "a xᵀ", torch.outer(a, x)),
    ("det S", lambda S: torch.linalg.det(S), "det S · S⁻ᵀ", torch.linalg.det(S) * torch.linalg.inv(S).T),
    ("log det S", lambda S: torch.logdet(S), "S⁻ᵀ", torch.linalg.inv(S).T),
    ("‖S‖²", lambda S: S.square().sum(), "2 S", 2 * S),
]
for name, function, formula, value in matrices:
    variable = S.clone().requires_grad_()
    function(variable).backward()
    differences.append(((variable.grad - value).abs().max() / value.abs().max()).item())
    print(f"d/dS {name:11} = {formula:20} differs by {differences[-1]:.0e}, relatively")

# %%
# Second derivatives
# ------------------
#
# The *Hessian* is the Jacobian of the gradient. It is symmetric, and says how a surface bends: up in every direction if it
# is positive definite, as at a minimum.

print(hessian(lambda x: x @ A @ x, x))
print("equals A + Aᵀ:", torch.allclose(hessian(lambda x: x @ A @ x, x), A + A.T))
