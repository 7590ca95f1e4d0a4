"""Stacks of matrices, computed all at once: determinants, exponentials, reflectors and LDL like one matrix at a time."""

import itertools

import numpy as np
import pytest
import scipy.linalg

import lineal as torch
from lineal import linalg
from lineal.autograd import gradcheck, gradgradcheck

KINDS = pytest.mark.parametrize("kind", [np.float32, np.float64, np.complex64, np.complex128])


def drawn(shape, kind=np.float64, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    return (x + 1j * generator.normal(size=shape) if np.dtype(kind).kind == "c" else x).astype(kind)


def close(found, wanted, kind=np.float64):
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    error = np.abs(found - wanted).max(initial=0)
    assert error <= 2e3 * np.finfo(kind).eps * np.abs(wanted).max(initial=1)


@KINDS
@pytest.mark.parametrize(("count", "n"), [(5, 3), (130, 4), (3, 40)])
def test_cofactors_of_regular_and_singular_matrices(kind, count, n):
    A = drawn((count, n, n), kind) / n**0.5
    A[1, 0] = A[1, 1]
    x = torch.from_numpy(A).requires_grad_()
    with pytest.warns(torch.IllConditionedWarning):
        d = linalg.det(x)
    d.real.sum().backward()
    for i in {0, 1, count - 1}:
        U, S, Vh = np.linalg.svd(A[i].astype(np.result_type(kind, np.float64)))
        rest = np.array([np.delete(S, j).prod() for j in range(n)])
        close(x.grad[i], (np.linalg.det(U @ Vh) * (U.conj() * rest) @ Vh.conj()).conj(), kind)


@KINDS
@pytest.mark.parametrize("size", [1e-3, 0.02, 0.2, 0.6, 2.0, 30.0])
def test_exponentials_of_every_degree(kind, size):
    A = drawn((40, 4, 4), kind)
    A *= size / np.abs(A).sum(-2).max(-1)[:, None, None]
    A[3], A[5] = A[3] * 1.5, 0
    Y = linalg.matrix_exp(torch.from_numpy(A))
    wanted = np.array([scipy.linalg.expm(each.astype(complex)) for each in A])
    for i in range(len(A)):
        close(Y[i], wanted[i], kind)
    assert (Y[5] == torch.eye(4)).all()


def test_exponential_that_is_not_finite_stays_alone():
    A = drawn((20, 3, 3))
    wanted = linalg.matrix_exp(torch.from_numpy(A))
    A[4, 0, 0] = np.nan
    Y = linalg.matrix_exp(torch.from_numpy(A))
    assert Y[4].isnan().any()
    close(Y[5:], wanted[5:].numpy())
    x = torch.from_numpy(drawn((17, 2, 2), np.complex128)).requires_grad_()
    assert gradgradcheck(linalg.matrix_exp, (x,))


def reflected(A, tau):
    Q = np.eye(len(A), dtype=A.dtype)
    for i, t in enumerate(tau):
        v = np.where(np.arange(len(A)) > i, A[:, i], np.arange(len(A)) == i)
        Q = Q - t * (Q @ v)[:, None] * v.conj()
    return Q


@KINDS
@pytest.mark.parametrize(("m", "n", "k"), [(5, 5, 5), (6, 3, 3), (6, 4, 2), (4, 3, 0), (40, 36, 36)])
def test_products_of_reflectors(kind, m, n, k):
    A, tau, C = drawn((3, m, n), kind) / m**0.5, drawn((3, k), kind, 1) / 3, drawn((3, m, 2), kind, 2)
    A, tau, C = (torch.from_numpy(each.astype(kind)) for each in (A, tau, C))
    Q = torch.from_numpy(np.array([reflected(*each) for each in zip(A.numpy(), tau.numpy())]))
    close(linalg.householder_product(A, tau), Q[..., :n].numpy(), kind)
    for left, transpose in itertools.product((True, False), repeat=2):
        given, factor = C if left else C.mT, Q.mH if transpose else Q
        close(torch.ormqr(A, tau, given, left, transpose), (factor @ given if left else given @ factor).numpy(), kind)


@pytest.mark.parametrize("kind", [np.float64, np.complex128])
def test_derivative_of_reflectors_that_do_nothing(kind):
    A, tau = drawn((4, 3), kind), drawn((3,), kind, 1)
    tau[1] = 0
    A, tau = (torch.from_numpy(each).requires_grad_() for each in (A, tau))
    assert gradcheck(linalg.householder_product, (A, tau))
    assert gradgradcheck(linalg.householder_product, (A, tau))


@KINDS
@pytest.mark.parametrize("n", [2, 7])
def test_ldl_of_a_stack(kind, n):
    A = drawn((30, n, n), kind)
    A = A + A.conj().swapaxes(-1, -2)
    A[::2, range(n), range(n)] = 0
    P, L, D = linalg.ldl(torch.from_numpy(A))
    for i in range(len(A)):
        close((P[i] @ L[i] @ D[i] @ L[i].mH @ P[i].mT), A[i], kind)
    B = torch.from_numpy(drawn((30, n, 2), kind, 3))
    X = linalg.ldl_solve(*linalg.ldl_factor(torch.from_numpy(A), hermitian=True), B, hermitian=True)
    close((torch.from_numpy(A) @ X - B) / X.abs().amax((-1, -2), keepdim=True), np.zeros(B.shape), kind)
