"""Operators: products, adjoints and derivatives are those of the matrices they stand for."""

import pytest

import lineal as torch
from lineal import solvers

F64, C128 = torch.float64, torch.complex128


def drawn(*shape, dtype=F64):
    return torch.randn(*shape, dtype=dtype)


def sparse(n, k):
    x = drawn(n, k)
    return torch.where(x > 0.3, x, 0.0)


OPERATORS = {
    "matrix": lambda: solvers.aslinearoperator(drawn(4, 6, dtype=C128)),
    "sparse": lambda: solvers.aslinearoperator(sparse(4, 6).to_sparse_csr()),
    "coordinates": lambda: solvers.aslinearoperator(sparse(4, 6).to_sparse()),
    "function": lambda: solvers.FunctionOperator((5, 5), lambda x, w: (w * x.T).T.cumsum(0), None, (drawn(5),)),
    "sum": lambda: solvers.aslinearoperator(drawn(3, 3)) - 2 * solvers.Diagonal(drawn(3)),
    "product": lambda: solvers.aslinearoperator(drawn(4, 3)) @ solvers.aslinearoperator(drawn(3, 5)),
    "diagonal": lambda: solvers.Diagonal(drawn(4, dtype=C128)),
    "identity": lambda: solvers.Identity(4, F64),
    "circulant": lambda: solvers.Circulant(drawn(5, dtype=C128)),
    "toeplitz": lambda: solvers.Toeplitz(drawn(4), drawn(6)),
    "kronecker": lambda: solvers.Kronecker(solvers.Matrix(drawn(2, 3)), solvers.Toeplitz(drawn(4), drawn(2))),
    "block": lambda: solvers.Block(
        [[solvers.Matrix(drawn(2, 3)), solvers.Matrix(drawn(2, 2))], [solvers.Matrix(drawn(1, 3)), solvers.Matrix(drawn(1, 2))]]
    ),
    "jacobian": lambda: solvers.Jacobian(lambda x: torch.stack([x.sin().sum(), x.prod()]), drawn(3)),
    "hessian": lambda: solvers.Hessian(lambda x: x.exp().prod() + x.sin().sum(), drawn(3)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_products_are_those_of_the_matrix(name):
    torch.manual_seed(0)
    A = OPERATORS[name]()
    n, k = A.shape
    dense = A.to_dense()
    assert dense.shape == A.shape and dense.dtype == A.dtype
    x, y = drawn(k, dtype=A.dtype), drawn(n, dtype=A.dtype)
    for operator, matrix, given in ((A, dense, x), (A.H, dense.mH, y), (A.H.H, dense, x)):
        torch.testing.assert_close(operator @ given, matrix @ given)
        torch.testing.assert_close(operator @ torch.stack([given, -given], 1), matrix @ torch.stack([given, -given], 1))


@pytest.mark.parametrize("name", OPERATORS)
def test_products_have_the_derivatives_of_what_operators_are_made_of(name):
    torch.manual_seed(1)
    A = OPERATORS[name]()
    x = drawn(A.shape[1], dtype=A.dtype).requires_grad_()
    parameters = [each.detach().clone().requires_grad_() for each in A.parameters()]

    def product(x, *parameters):
        return A.with_parameters(*parameters) @ x

    assert torch.autograd.gradcheck(product, (x, *parameters))


@pytest.mark.parametrize("name", ["matrix", "sparse", "coordinates", "sum", "diagonal", "identity", "circulant", "toeplitz"])
def test_diagonals(name):
    torch.manual_seed(2)
    A = OPERATORS[name]()
    torch.testing.assert_close(A.diagonal(), A.to_dense().diagonal())


def test_kronecker_diagonal():
    A, B = solvers.Matrix(drawn(2, 2)), solvers.Matrix(drawn(3, 3))
    K = solvers.Kronecker(A, B)
    torch.testing.assert_close(K.diagonal(), torch.kron(A.to_dense(), B.to_dense()).diagonal())


def test_compiled_operators_are_the_same_operators():
    torch.manual_seed(3)
    w = drawn(6).requires_grad_()
    A = solvers.FunctionOperator((6, 6), lambda x, w: (w * x.T).T.cumsum(0) + x.flip(0), None, (w,))
    compiled = A.jit()
    x, calls = drawn(6), []
    for _ in range(4):
        torch.testing.assert_close(compiled @ x, A @ x)
        torch.testing.assert_close(compiled.H @ x, A.H @ x)
    for operator in (A, compiled):
        y = operator.with_parameters(w) @ x
        (first,) = torch.autograd.grad(y.square().sum(), w, create_graph=True)
        calls.append(torch.cat([first, *torch.autograd.grad(first.square().sum(), w)]))
    torch.testing.assert_close(*calls)
    positive = solvers.FunctionOperator((6, 6), lambda x, w: (w.square() + 1) * x, None, (w,)).jit()
    solvers.cg(positive, x, rtol=1e-12).sum().backward()
    torch.testing.assert_close(w.grad, -2 * w * x / (w.square() + 1) ** 2)
    assert compiled.jit() is compiled
    torch.testing.assert_close(solvers.Diagonal(x).jit().diagonal(), x)


def test_what_does_not_fit_is_named():
    A = solvers.Matrix(drawn(2, 3))
    with pytest.raises(RuntimeError, match=r"vector or a matrix of 3 rows, got \[2\]"):
        A @ drawn(2)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        A @ A
    with pytest.raises(RuntimeError, match="one shape and dtype"):
        A + solvers.Matrix(drawn(3, 3))
    with pytest.raises(NotImplementedError, match="entries of this operator are not known"):
        solvers.FunctionOperator((2, 2), lambda x: x).diagonal()
    with pytest.raises(TypeError, match="expected a tensor or a LinearOperator, got list"):
        solvers.aslinearoperator([[1.0]])
