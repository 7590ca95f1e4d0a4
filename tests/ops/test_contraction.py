"""Products: numbers by hand or NumPy, shapes, derivatives, refusals."""

import numpy as np
import pytest

import lineal as L
from lineal import ops
from lineal.ops.contraction.chains import cuts, multi_dot
from lineal.ops.contraction.paths import contraction_path

SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (3, 4)),
]


def numbers(shape, dtype="float64", seed=0):
    random = np.random.default_rng(seed)
    values = random.standard_normal(shape)
    return (values + 1j * random.standard_normal(shape) if dtype.startswith("c") else values).astype(dtype)


def slopes(function, *arrays):
    """Return the derivatives of Σ Re(function · weights) by the arrays' numbers, by central differences."""
    weights = None
    found = []
    for place, array in enumerate(arrays):
        slope = np.zeros_like(array)
        for unit in (1, 1j) if array.dtype.kind == "c" else (1,):
            for index in np.ndindex(array.shape):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = [each.copy() for each in arrays]
                    moved[place][index] += step * unit
                    y = function(*[L.tensor(each) for each in moved]).numpy()
                    weights = np.cos(np.arange(y.size)).reshape(y.shape) if weights is None else weights
                    ends.append((y * weights).sum().real)
                slope[index] += (ends[0] - ends[1]) / 2e-6 * unit
        found.append(slope)
    return found, weights


def check_slopes(function, *arrays):
    expected, weights = slopes(function, *arrays)
    xs = [L.tensor(each, requires_grad=True) for each in arrays]
    y = function(*xs)
    y.backward(L.tensor(weights.astype(y.numpy(force=True).dtype)))
    for x, slope in zip(xs, expected):
        np.testing.assert_allclose(x.grad.numpy(), slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("first", "second"), SHAPES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "int64", "float16"])
def test_matmul_agrees_with_numpy(first, second, dtype):
    a, b = numbers(first) * 3, numbers(second, seed=1) * 3
    a, b = a.astype(dtype), b.astype(dtype)
    y = (L.tensor(a) @ L.tensor(b)).numpy()
    assert y.dtype == a.dtype
    np.testing.assert_allclose(
        y, np.matmul(a, b), rtol=1e-2 if dtype == "float16" else 1e-5, atol=1e-1 if dtype == "float16" else 1e-6
    )


@pytest.mark.parametrize(("first", "second"), [pair for pair in SHAPES if 0 not in pair[0]])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_matmul_derivative(first, second, dtype):
    check_slopes(L.matmul, numbers(first, dtype), numbers(second, dtype, 1))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_linear_derivative(shape, dtype):
    check_slopes(ops.linear, numbers(shape, dtype), numbers((4, 3), dtype, 1), numbers((4,), dtype, 2))
    check_slopes(ops.linear, numbers(shape, dtype), numbers((4, 3), dtype, 1))


def test_second_derivative_of_a_product():
    a, b = (L.tensor(numbers((2, 2), seed=seed), requires_grad=True) for seed in (0, 1))
    (g,) = L.autograd.grad((a @ b).square().sum(), a, create_graph=True)
    (again,) = L.autograd.grad(g.sum(), a)
    # the gradient is 2 A B Bᵀ, so the derivative of its sum is 2 (1 1ᵀ) B Bᵀ
    expected = 2 * np.ones((2, 2)) @ b.numpy(force=True) @ b.numpy(force=True).T
    np.testing.assert_allclose(again.numpy(force=True), expected)


def test_half_products_are_rounded_once():
    row = L.full((1, 4096), 1.0, dtype=L.float16)
    assert (row @ row.T).item() == 4096
    assert (row.to(L.bfloat16) @ row.T.to(L.bfloat16)).dtype is L.bfloat16


def test_names_in_the_history():
    a, x = L.ones(2, 3, requires_grad=True), L.ones(4, 2, 3)
    assert (a @ a.T).grad_fn.name() == "MmBackward0"
    assert L.mv(a, L.ones(3)).grad_fn.name() == "MvBackward0"
    assert ops.linear(L.ones(5, 3), a, L.ones(2)).grad_fn.name() == "AddmmBackward0"
    assert (x @ a.T).grad_fn.name() == "UnsafeViewBackward0"


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: L.ones(2, 3) @ L.ones(4, 5), r"matmul: .*expected.*got 3 and 4|2x3 and 4x5"),
        (lambda: L.ones(3) @ L.ones(4), "matmul"),
        (lambda: L.ones(2, 2, 3) @ L.ones(3, 3, 4), "matmul"),
        (lambda: L.ones(2, 3) @ L.tensor(1.0), "at least 1D"),
        (lambda: L.ones(2, 2) @ L.ones(2, 2, dtype=L.float64), "same dtype"),
        (lambda: L.mm(L.ones(2), L.ones(2, 2)), "mm: expected"),
        (lambda: L.bmm(L.ones(2, 2, 2), L.ones(3, 2, 2)), "bmm: Expected"),
        (lambda: L.mv(L.ones(2, 2), L.ones(3)), "size mismatch"),
        (lambda: L.dot(L.ones(2), L.ones(3)), "inconsistent tensor size"),
        (lambda: ops.linear(L.ones(2, 3), L.ones(4, 5)), "linear"),
        (lambda: L.addmm(L.ones(3, 3), L.ones(2, 2), L.ones(2, 2)), "addmm: expected"),
        (lambda: L.einsum("ij,jk", L.ones(2, 3)), "fewer operands"),
        (lambda: L.einsum("ij,jk->iz", L.ones(2, 3), L.ones(3, 2)), "output subscript z"),
        (lambda: L.einsum("ij,jk->ii", L.ones(2, 3), L.ones(3, 2)), "more than once"),
        (lambda: L.einsum("ij,jk", L.ones(2, 3), L.ones(4, 2)), "subscript j has size 4"),
        (lambda: L.einsum("ijk", L.ones(2, 3)), "number of subscripts"),
        (lambda: L.tensordot(L.ones(2, 3), L.ones(4, 5), dims=1), "contracted dimensions need to match"),
        (lambda: L.cross(L.ones(2, 2), L.ones(2, 2), dim=1), "length 3"),
        (lambda: L.chain_matmul(L.ones(2, 3), L.ones(2, 3)), "chain_matmul"),
        (lambda: L.cdist(L.ones(2, 3), L.ones(2, 4)), "cdist"),
    ],
)
def test_refusals(refused, message):
    with pytest.raises(RuntimeError, match=message):
        refused()


def test_python_operators_leave_strangers_alone():
    with pytest.raises(TypeError):
        L.ones(2, 2) @ 2
    with pytest.raises(TypeError):
        2 @ L.ones(2, 2)


def test_beta_zero_ignores_what_is_there():
    y = L.addmm(L.tensor([[float("nan")]]), L.ones(1, 2), L.ones(2, 1), beta=0)
    assert y.item() == 2


def test_sums_of_products_with_factors():
    a, b = numbers((2, 3, 4)), numbers((2, 4, 5), seed=1)
    c = numbers((3, 5), seed=2)
    x, y, z = L.tensor(a), L.tensor(b), L.tensor(c)
    np.testing.assert_allclose(L.addbmm(z, x, y, beta=2, alpha=3).numpy(), 2 * c + 3 * np.matmul(a, b).sum(0))
    np.testing.assert_allclose(L.baddbmm(z, x, y, alpha=0.5).numpy(), c + 0.5 * np.matmul(a, b))
    np.testing.assert_allclose(L.addr(z, x[0, :, 0], y[0, 0]).numpy(), c + np.outer(a[0, :, 0], b[0, 0]))
    assert L.addmm(L.ones(2, 2, dtype=L.int64), *[L.ones(2, 2, dtype=L.int64)] * 2, beta=0.5).tolist() == [[2, 2], [2, 2]]


EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba,cb", (2, 3), (4, 2)),
    ("ij->ji", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ij", (3, 3, 2)),
    ("ij->", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("bij,bjk->bik", (4, 2, 3), (4, 3, 5)),
    ("...ij,...jk->...ik", (4, 2, 3), (3, 5)),
    ("...ij,jk", (4, 2, 3), (3, 5)),
    ("i...->...", (2, 3, 4)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("i,ij,j->", (2,), (2, 3), (3,)),
    ("ab,bc,cd,de->ae", (2, 3), (3, 4), (4, 5), (5, 2)),
    ("ijk,jil,kl->", (2, 3, 4), (3, 2, 5), (4, 5)),
    ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)),
    ("ab,cd->dbca", (2, 3), (4, 5)),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_einsum_agrees_with_numpy(case):
    equation, *shapes = case
    arrays = [numbers(shape, seed=place) for place, shape in enumerate(shapes)]
    y = L.einsum(equation, *[L.tensor(each) for each in arrays])
    np.testing.assert_allclose(y.numpy(), np.einsum(equation, *arrays), atol=1e-12)


@pytest.mark.parametrize("case", [EQUATIONS[place] for place in (0, 4, 5, 9, 11, 15, 17)], ids=lambda case: case[0])
def test_einsum_derivative(case):
    equation, *shapes = case
    check_slopes(
        lambda *xs: L.einsum(equation, *xs), *[numbers(shape, "complex128", place) for place, shape in enumerate(shapes)]
    )


def test_einsum_by_lists_broadcasts_and_takes_lists_of_operands():
    a, b = numbers((2, 3)), numbers((3, 4), seed=1)
    x, y = L.tensor(a), L.tensor(b)
    np.testing.assert_allclose(L.einsum(x, [0, 1], y, [1, 2], [2, 0]).numpy(), (a @ b).T)
    np.testing.assert_allclose(L.einsum(x, [..., 1], y, [1, 2], [..., 2]).numpy(), a @ b)
    np.testing.assert_allclose(L.einsum("ij , jk -> ik", [x, y]).numpy(), a @ b)
    np.testing.assert_allclose(L.einsum("ij,ij->ij", x, x[:1]).numpy(), a * a[:1])
    assert L.einsum("ij->ij", x) is not x


def test_contraction_order_is_cheap():
    sizes = (("a", 2), ("b", 1000), ("c", 1000), ("d", 2))
    path = contraction_path((("a", "b"), ("b", "c"), ("c", "d")), ("a", "d"), sizes)
    assert len(path) == 2
    assert set(path[0]) != {0, 2}
    many = tuple((f"l{place}", f"l{place + 1}") for place in range(12))
    assert len(contraction_path(many, ("l0", "l12"), tuple((f"l{place}", 3) for place in range(13)))) == 11


def test_chain_order_is_optimal():
    # the textbook chain (30, 35, 15, 5, 10, 20, 25) is cut as ((A (B C)) ((D E) F))
    best = cuts((30, 35, 15, 5, 10, 20, 25))
    assert best[0, 5] == 2
    assert best[0, 2] == 0
    assert best[3, 5] == 4


def test_products_of_many_matrices():
    a, b, c = numbers((2, 3)), numbers((3, 4), seed=1), numbers((4, 5), seed=2)
    x, y, z = L.tensor(a), L.tensor(b), L.tensor(c)
    np.testing.assert_allclose(L.chain_matmul(x, y, z).numpy(), a @ b @ c)
    np.testing.assert_allclose(multi_dot([x[0], y, z[:, 0]]).numpy(), a[0] @ b @ c[:, 0])
    square = L.tensor(numbers((3, 3)))
    np.testing.assert_allclose(ops.matrix_power(square, 5).numpy(), np.linalg.matrix_power(square.numpy(), 5))
    assert ops.matrix_power(square, 0).tolist() == np.eye(3).tolist()


def test_tensordot():
    a, b = numbers((2, 3, 4)), numbers((4, 3, 5), seed=1)
    x, y = L.tensor(a), L.tensor(b)
    np.testing.assert_allclose(L.tensordot(x, y, dims=([2, 1], [0, 1])).numpy(), np.tensordot(a, b, ([2, 1], [0, 1])))
    np.testing.assert_allclose(L.tensordot(x, y, dims=1).numpy(), np.tensordot(a, b, 1))
    assert L.tensordot(x, y, dims=0).shape == (2, 3, 4, 4, 3, 5)
    check_slopes(lambda p, q: L.tensordot(p, q, dims=([1], [0])), numbers((2, 3)), numbers((3, 2), seed=1))


def test_kron_and_cross():
    a, b = numbers((2, 3)), numbers((4,), seed=1)
    np.testing.assert_allclose(L.kron(L.tensor(a), L.tensor(b)).numpy(), np.kron(a, b))
    u, v = numbers((3, 2)), numbers((3, 2), seed=1)
    np.testing.assert_allclose(L.cross(L.tensor(u), L.tensor(v), dim=0).numpy(), np.cross(u, v, axis=0))
    check_slopes(lambda x, y: L.cross(x, y, dim=0), numbers((3, 2), "complex128"), numbers((3, 2), "complex128", 1))
    with pytest.warns(UserWarning, match="dim"):
        L.cross(L.tensor(u), L.tensor(v))


@pytest.mark.parametrize("p", [0.0, 1.0, 1.5, 2.0, 3.0, float("inf")])
def test_cdist(p):
    a, b = numbers((4, 3)), numbers((2, 3), seed=1)
    expected = np.linalg.norm(a[:, None] - b[None], ord=p, axis=-1)
    np.testing.assert_allclose(L.cdist(L.tensor(a), L.tensor(b), p).numpy(), expected)
    if p:
        check_slopes(lambda x, y: L.cdist(x, y, p), a, b)


def test_cdist_of_a_row_with_itself_has_derivative_zero():
    for p in (1.0, 1.5, 2.0, float("inf")):
        x = L.ones(2, 3, requires_grad=True)
        L.cdist(x, x, p).sum().backward()
        assert x.grad.tolist() == [[0] * 3] * 2


def test_products_into_out_and_in_place():
    a = L.ones(2, 2)
    y = L.empty(2, 2)
    assert L.mm(a, a, out=y) is y
    assert y.tolist() == [[2, 2], [2, 2]]
    y.addmm_(a, a)
    assert y.tolist() == [[4, 4], [4, 4]]
    y @= a
    assert y.tolist() == [[8, 8], [8, 8]]
