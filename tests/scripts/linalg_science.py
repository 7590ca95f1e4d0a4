"""Linear algebra put to use: least squares three ways, low rank, spectra, Newton's method by Hessians."""

import torch
from torch.autograd.functional import hessian, jacobian

torch.set_default_dtype(torch.float64)
t = torch.linspace(0, 1, 30)
A = torch.stack([t**k for k in range(4)], dim=1)
b = torch.sin(3 * t)
by_qr = torch.linalg.solve_triangular(torch.linalg.qr(A).R, torch.linalg.qr(A).Q.mT @ b[:, None], upper=True)[:, 0]
by_cholesky = torch.cholesky_solve((A.T @ b)[:, None], torch.linalg.cholesky(A.T @ A))[:, 0]
by_driver = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
assert torch.allclose(by_qr, by_cholesky) and torch.allclose(by_qr, by_driver)

U, S, Vh = torch.linalg.svd(A, full_matrices=False)
assert torch.dist(U @ torch.diag(S) @ Vh, A) < 1e-12
rank_two = (U[:, :2] * S[:2]) @ Vh[:2]
L, Q = torch.linalg.eigh(A.T @ A)
assert torch.allclose(L.flip(0), S**2)
v = torch.ones(4)
for _ in range(50):
    v = torch.mv(A.T @ A, v)
    v = v / v.norm()
print("largest eigenvalue", torch.dot(v, A.T @ A @ v).item(), "condition", torch.linalg.cond(A).item())


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


x, losses = torch.tensor([-1.2, 1.0]), []
for _ in range(8):
    losses.append(rosenbrock(x).item())
    x = x - torch.linalg.solve(hessian(rosenbrock, x), jacobian(rosenbrock, x))
losses += [torch.linalg.norm(A - rank_two).item(), torch.logdet(A.T @ A).item(), torch.linalg.matrix_exp(A[:4]).trace().item()]
losses += [torch.trapezoid(b, t).item(), torch.fft.rfft(b).abs()[1].item(), torch.cumsum(b, 0)[-1].item(), 1e-9]
torch.set_default_dtype(torch.float32)
