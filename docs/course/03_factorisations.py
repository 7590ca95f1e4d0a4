r"""
Factorisations
==============

Nearly every question to a matrix is answered by writing it as a product of matrices that are easy: triangular ones, where
unknowns follow one after another, and orthogonal ones, which turn and keep lengths. Which product is right depends on what is
known of the matrix and on what is asked.

.. list-table::
   :header-rows: 1

   * - product
     - for
     - answers
   * - :math:`P L U`
     - any square A
     - systems, determinants
   * - :math:`L L^\top` (Cholesky)
     - symmetric positive definite A
     - systems at half the work; is A positive definite? normal densities
   * - :math:`Q R`
     - any A
     - least squares, an orthonormal basis
   * - :math:`Q \Lambda Q^\top` (``eigh``)
     - symmetric A
     - axes, powers and functions of A
   * - :math:`U \Sigma V^\top` (SVD)
     - any A
     - rank, condition, best approximation, pseudoinverse
"""

# %%
# What the factors look like
# --------------------------

import matplotlib.pyplot as plt

import lineal as torch

plt.style.use("tableau-colorblind10")
torch.manual_seed(3)

n = 8
A = torch.randn(n, n, dtype=torch.float64)
S = A @ A.T + torch.eye(n, dtype=torch.float64)  # symmetric and positive definite

P, L, U = torch.linalg.lu(A)
C = torch.linalg.cholesky(S)
Q, R = torch.linalg.qr(A)
left, sigma, right = torch.linalg.svd(A)
rows = [
    [("A", A), ("P", P), ("L", L), ("U", U)],
    [("S", S), ("C", C), ("Cᵀ", C.T)],
    [("A", A), ("Q", Q), ("R", R)],
    [("A", A), ("U", left), ("Σ", torch.diag(sigma)), ("Vᵀ", right)],
]

figure, grid = plt.subplots(4, 4, figsize=(6.4, 6.8), layout="constrained")
for axes, row, name in zip(grid, rows, ("LU", "Cholesky", "QR", "SVD")):
    axes[0].set_ylabel(name)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.set_frame_on(False)
    for place, (ax, (title, M)) in enumerate(zip(axes, row)):
        largest = M.abs().max().item()
        ax.imshow(M, cmap="PuOr", vmin=-largest, vmax=largest)
        ax.set_title(title if place == 0 else ("= " if place == 1 else "· ") + title)
figure.set_label(
    "A table of matrices as coloured squares, one factorisation a row: LU with a permutation and two triangles, Cholesky"
    " with a"
    " triangle and its transpose, QR with a full matrix and a triangle, SVD with two full matrices and a diagonal."
)
plt.show()

for name, product in {"LU": P @ L @ U - A, "Cholesky": C @ C.T - S, "QR": Q @ R - A, "SVD": left * sigma @ right - A}.items():
    print(f"{name:9} largest error of the product {product.abs().max():.1e}")

# %%
# Is it positive definite?
# ------------------------
#
# :math:`x^\top S x > 0` for every :math:`x \neq 0`: seen as a surface, a bowl. Cholesky is also the cheapest test. If S is
# not positive definite the error says from which row on, and a covariance that fell short by rounding is helped by a little
# more on its diagonal (``jitter``).

covariance = torch.tensor([[1.0, 0.9, 0.9], [0.9, 1.0, 0.9], [0.9, 0.9, 0.7]])
try:
    torch.linalg.cholesky(covariance)
except torch.linalg.LinAlgError as error:
    print("LinAlgError:", str(error).splitlines()[0])
print("smallest eigenvalue:", torch.linalg.eigvalsh(covariance).min())
helped = torch.linalg.cholesky(covariance, jitter=0.2)
print("with 0.2 added to the diagonal:", torch.allclose(helped @ helped.T, covariance + 0.2 * torch.eye(3)))

# %%
# The best approximation of low rank
# ----------------------------------
#
# The SVD sorts a matrix into layers, :math:`A = \sum_i \sigma_i u_i v_i^\top`, the heaviest first. Keeping k layers is the
# closest matrix of rank k (Eckart and Young, 1936), and its distance in the spectral norm is the first singular value that
# was left out. Here the matrix is a picture: 64 digits in a square.

from lineal.data import digits

training, _ = digits()
picture = training.tensors[0][:64].reshape(8, 8, 8, 8).permute(0, 2, 1, 3).reshape(64, 64).double()
left, sigma, right = torch.linalg.svd(picture, full_matrices=False)

figure, axes = plt.subplots(1, 5, figsize=(11, 2.7), layout="constrained")
gaps = []
for ax, k in zip(axes, (2, 8, 16, 32)):
    low = left[:, :k] * sigma[:k] @ right[:k]
    gaps.append((torch.linalg.norm(picture - low, 2) - sigma[k]).abs().item())
    ax.imshow(low, cmap="gray")
    ax.set(xticks=[], yticks=[], title=f"rank {k}: {k * 129} numbers")
axes[4].semilogy(sigma, ".")
axes[4].set(title="singular values", xlabel="i")
figure.set_label(
    "A picture of 64 digits from 2, 8, 16 and 32 layers of its SVD: blurred bars at first, then legible digits. The last"
    " plot"
    " shows the singular values falling."
)
plt.show()
print("‖A - A_k‖ is the next singular value, to within", max(gaps))

# %%
# Functions of a matrix
# ---------------------
#
# With :math:`S = Q \Lambda Q^\top`, a power or a root of S is that of its eigenvalues: :math:`\sqrt S = Q \sqrt\Lambda
# Q^\top`.

values, Q = torch.linalg.eigh(S)
root = Q * values.sqrt() @ Q.T
print("root · root = S:", torch.allclose(root @ root, S))
