r"""
Vectors and matrices as motions of the plane
============================================

A vector is a place, or a step from one place to another. A matrix is a motion: it takes every place of the plane to another
one, so that straight lines stay straight and the origin stays where it is. What a matrix does to two steps, one to the right
and one up, says all about it: these are its columns.
"""

# %%
# Vectors add, numbers stretch them
# ---------------------------------
#
# ``import lineal as torch`` gives PyTorch's names. A vector is a tensor with one axis; adding two vectors walks one step
# after the other.

import matplotlib.pyplot as plt

import lineal as torch

plt.style.use("tableau-colorblind10")

u, v = torch.tensor([2.0, 1.0]), torch.tensor([-1.0, 1.5])
print("u + v =", u + v, " 3 u =", 3 * u, " length of u:", u.norm())

# %%
# The dot product :math:`u^\top v = \lVert u\rVert\,\lVert v\rVert \cos\alpha` measures how much two steps go the same way.
# It is zero where they are at right angles.

cosine = (u @ v) / (u.norm() * v.norm())
print("dot product", u @ v, " angle in degrees", torch.rad2deg(torch.acos(cosine)))

# %%
# What matrices do to a square
# ----------------------------
#
# Each picture shows the unit square before (dashed) and after. The arrows are the columns of the matrix: where it takes the
# step to the right (black) and the step up (orange). The projection takes the whole square to a line.

angle = torch.tensor(torch.pi / 6)
motions = {
    "rotation": torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]]),
    "stretch": torch.tensor([[1.5, 0.0], [0.0, 0.5]]),
    "shear": torch.tensor([[1.0, 0.8], [0.0, 1.0]]),
    "reflection": torch.tensor([[0.0, 1.0], [1.0, 0.0]]),
    "projection": torch.tensor([[0.5, 0.5], [0.5, 0.5]]),
}
square = torch.tensor([[0.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0]])  # the corners are columns

figure, axes = plt.subplots(1, 5, figsize=(11, 2.6), sharex=True, sharey=True, layout="constrained")
for ax, (name, A) in zip(axes, motions.items()):
    moved = A @ square
    ax.plot(*square, "--", color="gray")
    ax.fill(*moved, alpha=0.3)
    ax.plot(*moved, color="C0")
    for column, colour in zip(A.T, ("black", "C1")):
        ax.annotate("", xy=column.tolist(), xytext=(0, 0), arrowprops={"arrowstyle": "->", "lw": 2, "color": colour})
    ax.set_title(f"{name}\ndet = {A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]:.2f}")
    ax.set_aspect("equal")
    ax.set(xlim=(-0.8, 1.9), ylim=(-0.4, 1.7))
figure.set_label(
    "Five small pictures of the unit square and where a matrix takes it: a rotation turns it, a stretch makes it wide "
    "and flat,"
    " a shear slants it, a reflection turns it over, a projection flattens it to a line."
)
plt.show()

# %%
# The determinant above each picture is the area of the image; it is negative where the square has been turned over, and zero
# where it has been flattened. A flattened square cannot be blown up again: such a matrix has no inverse.
#
# One motion after another is a product
# -------------------------------------
#
# ``B @ A`` is the motion A followed by the motion B. The order matters: to rotate a sheared square is not to shear a rotated
# one. Areas multiply, whatever the order.

R, S = motions["rotation"], motions["shear"]
print("R S =", R @ S, "\nS R =", S @ R)
B = motions["stretch"]
print("det(B S) =", torch.linalg.det(B @ S), "= det B · det S =", torch.linalg.det(B) * torch.linalg.det(S))

# %%
# Directions that stay
# --------------------
#
# Most vectors change their direction when a matrix moves them. Those that only get longer or shorter are its *eigenvectors*,
# and the factor is the *eigenvalue*: :math:`A q = \lambda q`. For a symmetric matrix they stand at right angles, and the
# unit circle becomes an ellipse whose axes they are.

A = torch.tensor([[1.5, 0.6], [0.6, 0.8]])
values, vectors = torch.linalg.eigh(A)
t = torch.linspace(0, 2 * torch.pi, 200)
circle = torch.stack([t.cos(), t.sin()])
ellipse = A @ circle

figure, ax = plt.subplots(figsize=(4.5, 3.6), layout="constrained")
ax.plot(*circle, "--", color="gray", label="unit circle")
ax.plot(*ellipse, label="its image")
for value, q in zip(values, vectors.T):
    end = (value * q * q[0].sign()).tolist()  # of the two signs of an eigenvector, that which points to the right
    ax.annotate("", xy=end, xytext=(0, 0), arrowprops={"arrowstyle": "->", "lw": 2})
    ax.text(end[0] + 0.05, end[1] - 0.2, f"λ = {value:.2f}")
ax.set_aspect("equal")
ax.set(xlim=(-2.1, 2.1), ylim=(-1.5, 1.5))
ax.legend(loc="upper left")
figure.set_label(
    "The unit circle and the ellipse that a symmetric matrix makes of it; arrows along its axes are the eigenvectors."
)
plt.show()

stays = A @ vectors - vectors * values
print("largest error of A q = λ q:", stays.abs().max())

# %%
# Many vectors at once
# --------------------
#
# The corners of the square were the columns of one matrix, and one product moved them all. Tensors with more axes hold many
# matrices; ``@`` multiplies the last two axes and repeats over the others, which is called *broadcasting*.

all_motions = torch.stack(list(motions.values()))
print("shapes:", list(all_motions.shape), "@", list(square.shape), "->", list((all_motions @ square).shape))

# %%
# .. note::
#
#    To try: which matrix takes the square to itself but for a quarter turn? What is it to the fourth power
#    (``torch.linalg.matrix_power``)?
