"""Ranks that solve a system together: what each finds, for tests that compare it between numbers of ranks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import lineal as torch
from lineal import distributed as dist
from lineal import solvers
from lineal.solvers.methods import is_hermitian

N = 700
"""Blocks of 11 rows, of which the last is smaller."""


def matrix(dtype: Any, symmetric: bool) -> torch.Tensor:
    """Return a band matrix with some entries far from the diagonal, the same on each rank."""
    torch.manual_seed(0)
    rows, columns = torch.arange(N).repeat(6), torch.cat([(torch.arange(N) + shift) % N for shift in (1, 3, 40, 350, 0, 2)])
    dense = torch.zeros(N, N, dtype=dtype).index_put((rows, columns), torch.randn(6 * N, dtype=dtype))
    dense = (dense + dense.mH) / 2 if symmetric else dense
    return (dense + torch.eye(N, dtype=dtype) * 9).to_sparse_csr()


METHODS: dict[str, tuple[Callable, bool, Any]] = {
    "cg": (solvers.cg, True, torch.float64),
    "pipelined": (solvers.pipelined_cg, True, torch.float64),
    "minres": (solvers.minres, True, torch.float64),
    "bicgstab": (solvers.bicgstab, False, torch.float64),
    "gmres": (lambda A, b, **o: solvers.gmres(A, b, restart=8, **o), False, torch.float64),
    "tfqmr": (solvers.tfqmr, False, torch.float64),
    "cgls": (solvers.cgls, False, torch.float64),
    "lsqr": (solvers.lsqr, False, torch.float64),
    "lsmr": (solvers.lsmr, False, torch.float64),
    "minres_qlp": (solvers.minres_qlp, True, torch.float64),
    "chebyshev": (lambda A, b, **o: solvers.chebyshev(A, b, bounds=(2.0, 16.0), **o), True, torch.float64),
    "refined": (lambda A, b, **o: solvers.solve(A, b, precision=torch.float32, **o), True, torch.float64),
    "chosen": (lambda A, b, **o: solvers.solve(A, b, **o), True, torch.float64),
    "complex": (solvers.gmres, False, torch.complex128),
}


def solved(name: str) -> list:
    """Return the solution, its gradients, and how many steps it took; the residual is small."""
    method, symmetric, dtype = METHODS[name]
    A = matrix(dtype, symmetric).requires_grad_()
    b = torch.cos(torch.arange(float(N), dtype=torch.float64)).to(dtype)
    D = solvers.DistributedCSR.of(A)
    space = D.space
    part = space.part(b).clone().requires_grad_()
    reports = [method(D, part, rtol=1e-9, return_info=True)[1]]
    if name not in ("cgls", "lsqr", "lsmr", "minres_qlp", "chebyshev"):
        x, report = method(D, part, rtol=1e-9, M=solvers.schwarz(D), return_info=True)
        reports.append(report)
    x = method(D, part, rtol=1e-9)
    assert torch.linalg.vector_norm(A.detach() @ space.whole(x.detach()) - b) < 1e-8 * torch.linalg.vector_norm(b)
    (x * space.part(torch.arange(float(N), dtype=torch.float64).sin())).abs().sum().backward()
    grad = A.entries.grad.clone()
    dist.all_reduce(grad)
    return [space.whole(x.detach()), space.whole(part.grad), grad, *(each.iterations for each in reports)]


def second() -> list:
    """Second derivatives, which are those of one process with dense matrices."""
    A = matrix(torch.float64, False)
    small = A.to_dense()[:90, :90].clone()
    b = torch.ones(90, dtype=torch.float64)
    D = solvers.DistributedCSR.of(small.to_sparse_csr())
    places = small.to_sparse_csr()
    entries, mine = places.entries.clone().requires_grad_(), D.space
    operator = solvers.DistributedCSR.of(places.with_entries(entries))
    x = solvers.bicgstab(operator, mine.part(b), rtol=1e-13)
    (first,) = torch.autograd.grad(x.square().sum(), entries, create_graph=True)
    (found,) = torch.autograd.grad(first.sin().sum(), entries)
    dist.all_reduce(found)
    dense = places.entries.clone().requires_grad_()
    y = torch.linalg.solve(places.with_entries(dense).to_dense(), b)
    (first,) = torch.autograd.grad(y.square().sum(), dense, create_graph=True)
    (expected,) = torch.autograd.grad(first.sin().sum(), dense)
    assert torch.allclose(found, expected, rtol=1e-6, atol=1e-9), (found - expected).abs().max()
    return [found]


def composed() -> list:
    """Sums, multiples and products of operators, numbers out of the range of squares, and estimates of the error."""
    A, eye = matrix(torch.float64, True), torch.eye(N, dtype=torch.float64)
    D = solvers.DistributedCSR.of(A)
    space, b = D.space, torch.cos(torch.arange(float(N), dtype=torch.float64))
    part, here = space.part(b), solvers.Identity(len(space.part(b)), torch.float64)
    made = {
        "sum": (D + 0.5 * here, A.to_dense() + 0.5 * eye),
        "first": (0.5 * here + D, A.to_dense() + 0.5 * eye),
        "product": (D.H @ D, A.to_dense() @ A.to_dense()),
        "diagonal": (solvers.Diagonal(2 * torch.ones_like(part)) @ D, 2 * A.to_dense()),
        "tiny": (1e-200 * D, 1e-200 * A.to_dense()),
    }
    found: list = []
    for name, (operator, dense) in made.items():
        x, report = solvers.solve(
            operator, part, solvers.ConjugateGradient(), rtol=1e-10, estimate_error=True, return_info=True
        )
        expected = torch.linalg.solve(dense, b)
        error = torch.linalg.vector_norm(space.whole(x) - expected)
        assert report.converged and error < 1e-8 * torch.linalg.vector_norm(expected), (name, report)
        found += [space.whole(x), report.iterations, report.residual, report.error.value]
    singular = solvers.DistributedCSR.of((A.to_dense() * 0 + torch.diag((torch.arange(N) < N - 5) * 1.0)).to_sparse_csr())
    for method in (solvers.MinimalResidual(), solvers.GeneralisedMinimalResidual(), solvers.ConjugateGradient()):
        _, report = solvers.solve(singular, part, method, return_info=True)
        assert not report.converged
        found += [report.status, report.residual]
    return found


def others() -> list:
    """Products, norms at the ends of the range, factors of tall matrices, and what is refused."""
    A = matrix(torch.float64, False)
    D = solvers.DistributedCSR.of(A)
    space, X = D.space, torch.randn(N, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(space.whole(D @ space.part(X)), A @ X)
    assert torch.allclose(space.whole(D.H @ space.part(X)), A.t() @ X)
    assert torch.equal(space.whole(D.diagonal()), A.to_dense().diagonal())
    assert not is_hermitian(D) and is_hermitian(solvers.DistributedCSR.of(matrix(torch.complex128, True)))
    for scale in (1e-300, 1.0, 1e300):
        assert abs(space.norm(space.part(X[:, 0] * scale)) / scale - float(torch.linalg.vector_norm(X[:, 0]))) < 1e-12
    assert space.norm(space.part(X[:, 0] * np.inf)) == np.inf and space.norm(space.part(X[:, 0] * 0)) == 0
    Q, R = solvers.tsqr(space.part(X), space)
    Q = space.whole(Q)
    assert torch.allclose(Q @ R, X) and torch.allclose(Q.mT @ Q, torch.eye(3, dtype=torch.float64))
    tiny = solvers.DistributedCSR.of(torch.tensor([[2.0]]).to_sparse_csr())
    x = solvers.cg(tiny, tiny.space.part(torch.tensor([3.0])))
    assert tiny.space.whole(x).tolist() == [1.5]
    singular = solvers.DistributedCSR.of((A.to_dense() * (torch.arange(N) < N - 5)).to_sparse_csr())
    asked = {
        "Gauss-Seidel": lambda: solvers.gauss_seidel(D, space.part(X[:, 0])),
        "IDR": lambda: solvers.idrs(D, space.part(X[:, 0])),
        "spsolve": lambda: solvers.spsolve(D, space.part(X[:, 0])),
        "eigsh": lambda: solvers.eigsh(D),
        "expm": lambda: solvers.expm_multiply(D, space.part(X[:, 0])),
        "trace": lambda: solvers.trace(D),
        "eigs": lambda: solvers.eigs(D),
        "lobpcg": lambda: solvers.lobpcg(D, space.part(X)),
        "block": lambda: solvers.block_cg(D, space.part(X)),
        "damped": lambda: solvers.lsqr(D, space.part(X[:, 0]), damp=0.1),
        "Kronecker": lambda: solvers.cg(solvers.Kronecker(D, D), torch.ones(len(space.part(X)) ** 2, dtype=torch.float64)),
        "Block": lambda: solvers.cg(solvers.Block([[D]]), space.part(X[:, 0])),
        "dense": lambda: D.to_dense(),
        "rows": lambda: solvers.DistributedCSR(torch.eye(N + 1, dtype=torch.float64)[: N // 2].to_sparse_csr()),
        "singular": lambda: solvers.schwarz(singular),
    }
    told = []
    for name, ask in asked.items():
        try:
            ask()
        except (NotImplementedError, RuntimeError) as error:
            told.append(f"{name}: {type(error).__name__}")
        else:
            told.append(f"{name}: nothing")
    return [Q, R, told]


def main() -> None:
    """Solve as the rank that the environment or MPI tells; rank 0 puts what it finds into a file."""
    dist.init_process_group(sys.argv[2])
    chosen = sys.argv[3:] or METHODS
    found = {name: solved(name) for name in chosen} | {"second": second(), "composed": composed(), "others": others()}
    if dist.get_rank() == 0:
        torch.save(found, f"{sys.argv[1]}/found{dist.get_world_size()}.pt")
    dist.destroy_process_group()


main()
