"""Sparse tensors: every function gives what it gives of the strided tensor of the same numbers, and the same derivatives."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import lineal
from lineal import sparse

INDICES = [[0, 1, 1, 2, 1], [2, 0, 2, 3, 0]]


def example(dtype=lineal.float64, requires_grad=False):
    values = lineal.tensor([3, -4, 5, 2, 7], dtype=dtype)
    return lineal.sparse_coo_tensor(INDICES, values, (3, 4), requires_grad=requires_grad)


def factor(*shape, dtype=lineal.float64):
    return lineal.tensor(np.random.RandomState(3).randint(-4, 5, shape), dtype=dtype)


FUNCTIONS = {
    "to_dense": lambda x: x,
    "mm": lambda x: lineal.mm(x, factor(4, 2)),
    "spmm": lambda x: lineal.spmm(x, factor(4, 2)) if x.is_sparse else x @ factor(4, 2),
    "matmul": lambda x: x @ factor(4, 2),
    "of a vector": lambda x: x @ factor(4),
    "from the left": lambda x: factor(2, 3) @ x,
    "addmm": lambda x: lineal.addmm(factor(3, 2), x, factor(4, 2), beta=2, alpha=3),
    "linear": lambda x: lineal.nn.functional.linear(factor(5, 4), x, factor(3)),
    "times its transpose": lambda x: x @ x.t(),
    "twice": lambda x: x * 2 + x / 4 - x,
    "plus a strided one": lambda x: factor(3, 4) + x,
    "less from a strided one": lambda x: factor(3, 4) - x,
    "times a row": lambda x: x * factor(4),
    "times itself": lambda x: x * x.t().t(),
    "squares": lambda x: x**2,
    "sines": lambda x: lineal.sin(x).abs(),
    "sum": lambda x: x.sum(),
    "sum of rows": lambda x: x.sum(1),
    "norm": lambda x: x.norm(),
    "transposed": lambda x: x.transpose(0, 1).unsqueeze(0),
    "selected": lambda x: x.index_select(1, lineal.tensor([2, 0, 2])),
    "a row": lambda x: x[1],
    "joined": lambda x: lineal.cat([x, x * 3], 1),
    "converted": lambda x: x.float().double().clone(),
}


def strided(y):
    return y.to_dense()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_give_what_they_give_of_strided_tensors(name):
    function = FUNCTIONS[name]
    x = example(requires_grad=True)
    y = strided(function(x))
    d = example().to_dense().requires_grad_()
    wanted = strided(function(d))
    lineal.testing.assert_close(y, wanted)
    weights = factor(*wanted.shape)
    (y * weights).sum().backward()
    (wanted * weights).sum().backward()
    # entries of equal coordinates get the same gradient
    lineal.testing.assert_close(x.grad._values(), d.grad[tuple(lineal.tensor(INDICES))])


@pytest.mark.parametrize(
    "dtype", [lineal.float16, lineal.bfloat16, lineal.float32, lineal.complex64, lineal.int64, lineal.bool]
)
def test_sparse_and_strided_hold_the_same_numbers(dtype):
    d = example().to_dense().to(dtype)
    x = d.to_sparse()
    assert x.dtype == dtype and x.is_sparse and x.layout is lineal.sparse_coo and x._nnz() == int((d != 0).sum())
    assert lineal.equal(x.to_dense(), d) and lineal.equal(d.to_sparse(1).to_dense(), d)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3)])
def test_tensors_without_entries(shape):
    x = lineal.zeros(shape).to_sparse()
    assert x._nnz() == 0 and x.shape == shape and x.coalesce().is_coalesced()
    assert (x @ lineal.ones(shape[1], 2)).tolist() == lineal.zeros(shape[0], 2).tolist()
    assert repr(x).startswith("tensor(indices=tensor([], size=(2, 0)),\n       values=tensor([], size=(0,)),\n       size=(")


def test_entries_of_equal_coordinates_are_added_up():
    x = example().coalesce()
    assert x.indices().tolist() == [[0, 1, 1, 2], [2, 0, 2, 3]] and x.values().tolist() == [3.0, 3.0, 5.0, 2.0]
    with pytest.raises(RuntimeError, match="Cannot get indices on an uncoalesced tensor"):
        example().indices()


@pytest.mark.parametrize("function", [sparse.softmax, sparse.log_softmax])
def test_softmax_is_taken_over_the_entries_of_a_row(function):
    x = example(requires_grad=True)
    y = function(x, 1)
    rows = [x.to_dense()[0, 2:3], x.to_dense()[1, [0, 2]], x.to_dense()[2, 3:4]]
    wanted = lineal.cat([getattr(row, function.__name__)(0) for row in rows])
    lineal.testing.assert_close(y.values(), wanted)
    found = lineal.autograd.grad((y.values() * factor(4)).sum(), x._values())
    lineal.testing.assert_close(found, lineal.autograd.grad((wanted * factor(4)).sum(), x._values()))


def test_modules_keep_and_copy_sparse_buffers():
    layer = lineal.nn.Module()
    layer.register_buffer("adjacency", example())
    twin = copy.deepcopy(layer).float()
    assert twin.adjacency.dtype == lineal.float32 and layer.adjacency.dtype == lineal.float64
    again = pickle.loads(pickle.dumps(layer.adjacency))
    assert lineal.equal(again.to_dense(), layer.adjacency.to_dense()) and isinstance(again, lineal.Tensor)


def test_compiled_functions_read_sparse_tensors_as_eager_ones():
    x, weight = example(), factor(4, 2).requires_grad_()

    def step(w):
        return lineal.relu(x @ w).sum()

    compiled = lineal.compile(step)
    for _ in range(3):
        assert compiled(weight).item() == step(weight).item()
    x._values().mul_(2)
    assert compiled(weight).item() == step(weight).item()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: lineal.sparse_coo_tensor([[0, 4]], [1.0, 2.0], (3,)),
            RuntimeError,
            "size is inconsistent with indices: for dim 0",
        ),
        (lambda: lineal.sparse_coo_tensor([[0, -1]], [1.0, 2.0]), RuntimeError, "found negative index -1 for dim 0"),
        (lambda: lineal.sparse_coo_tensor([[0, 1]], [1.0]), RuntimeError, "must have same nnz"),
        (lambda: example() @ lineal.ones(3, 2), RuntimeError, r"got \[3, 4\] and \[3, 2\]"),
        (lambda: example() @ lineal.ones(4, 2), RuntimeError, "of one dtype"),
        (
            lambda: lineal.exp(example()),
            NotImplementedError,
            "exp: there is no rule for tensors of the layout torch.sparse_coo",
        ),
        (lambda: example() + 1, NotImplementedError, "a number would fill the zeros"),
        (lambda: example().numpy(), TypeError, "can't convert Sparse layout tensor to numpy"),
        (lambda: np.asarray(example()), (TypeError, NotImplementedError), "to_dense"),
        (lambda: lineal.eye(2).to_sparse(layout=lineal.strided), RuntimeError, "expected a sparse layout, got torch.strided"),
    ],
)
def test_what_sparse_tensors_cannot_do_is_an_error_with_a_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_older_names_of_types():
    made = sparse.FloatTensor(lineal.tensor(INDICES), lineal.ones(5), lineal.Size([3, 4]))
    assert isinstance(made, sparse.FloatTensor) and not isinstance(made, sparse.DoubleTensor)
    assert sparse.DoubleTensor(2, 3).shape == (2, 3)


@pytest.mark.parametrize("dtype", [lineal.bool, lineal.uint8, lineal.int32, lineal.float16])
@pytest.mark.parametrize("dim", [0, -1, (0, 1)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_sums_of_integers_are_as_wide_as_those_of_strided_tensors(dtype, dim, keepdim):
    x = example(dtype)
    expected = x.to_dense().sum(dim, keepdim)
    compressed = [x.coalesce().to_sparse_csr()] if keepdim else []
    for each in (x.coalesce(), *compressed):
        found = each.sum(dim, keepdim)
        assert found.dtype == expected.dtype and lineal.equal(found.to_dense(), expected)
    if dim != (0, 1):
        assert sparse.sum(x, dim).dtype == dtype


@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr", "to_sparse_csc"])
def test_products_are_added_to_what_expands_to_their_shape(layout):
    x, other = getattr(example().to_dense(), layout)(), factor(4, 2)
    y = x.to_dense() @ other
    assert lineal.equal(sparse.addmm(lineal.full((1, 2), float("nan"), dtype=y.dtype), x, other, beta=0, alpha=2), 2 * y)
    assert lineal.equal(lineal.addmm(lineal.ones(2, dtype=y.dtype), x, other), y + 1)
    for shape in ((5, 3, 2), (1, 3, 2), (3, 4), (5, 2)):
        for beta in (0, 1):
            with pytest.raises(RuntimeError, match="addmm: expected an input that expands to the product's shape"):
                lineal.addmm(lineal.ones(shape, dtype=y.dtype), x, other, beta=beta)


@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr", "to_sparse_csc"])
@pytest.mark.parametrize("dtype", [lineal.bool, lineal.uint8])
def test_sums_with_strided_tensors_keep_the_dtype(layout, dtype):
    d = example().to_dense().to(dtype)
    x, other = getattr(d, layout)(), lineal.ones(3, 4).to(dtype)
    for found in (x + other, other + x, lineal.add(other, x)):
        assert found.dtype == dtype and lineal.equal(found, other + d)


@pytest.mark.parametrize("dtype", [lineal.bool, lineal.uint8, lineal.int32, lineal.float16])
@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr", "to_sparse_csc"])
def test_an_index_of_one_number_keeps_the_dtype(dtype, layout):
    d = example().to_dense().to(dtype)
    x = getattr(d, layout)()
    for place in ((0, 2), (1, 1), (2, -1)):
        assert x[place].dtype == dtype and lineal.equal(x[place], d[place])


def test_tensors_are_written_in_place():
    def drawn():
        return lineal.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2))

    other = lineal.sparse_coo_tensor([[0, 1], [0, 0]], [3.0, 4.0], (2, 2))
    for name, given in (("add_", other), ("sub_", other), ("mul_", other), ("mul_", 2), ("div_", 2)):
        x, y = drawn(), drawn().to_dense()
        assert getattr(x, name)(given) is x
        getattr(y, name)(given if isinstance(given, int) else given.to_dense())
        assert lineal.equal(x.to_dense(), y), name
    x = drawn()
    assert x.zero_() is x and x._nnz() == 0 and x.shape == (2, 2)
    with pytest.raises(RuntimeError, match="can't be cast"):
        lineal.sparse_coo_tensor([[0], [1]], [1], (2, 2)).add_(other)
    with pytest.raises(RuntimeError, match="a leaf"):
        drawn().requires_grad_().add_(other)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_stacks_have_a_new_sparse_dimension(dim):
    x = lineal.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 3))
    y = lineal.stack([x, x * 2], dim)
    assert y.is_sparse and lineal.equal(y.to_dense(), lineal.stack([x.to_dense(), x.to_dense() * 2], dim))
    with pytest.raises(RuntimeError, match="equal size"):
        lineal.stack([x, x.t()])


def test_alpha_is_a_number_of_the_dtype_of_the_sum():
    for values, alpha in (([True], 2), ([1], 0.5)):
        x = lineal.sparse_coo_tensor([[0], [0]], values, (1, 1))
        with pytest.raises(RuntimeError, match="alpha"):
            lineal.add(x, x, alpha=alpha)


def test_a_function_looked_up_before_the_first_sparse_tensor_takes_one():
    source = """
import lineal
mm, cat = lineal.mm, lineal.cat
x = lineal.sparse_coo_tensor([[0], [1]], [2.0], (2, 2))
assert mm(x, lineal.eye(2)).tolist() == cat([x]).to_dense().tolist() == [[0.0, 2.0], [0.0, 0.0]]
"""
    subprocess.run([sys.executable, "-c", source], check=True)


def test_sparse_numbers_are_added_to_a_strided_tensor():
    x, y = example(), factor(3, 4)
    for write, wanted in (
        (lambda y: y.add_(x), y + x.to_dense()),
        (lambda y: y.add_(x, alpha=0.5), y + 0.5 * x.to_dense()),
        (lambda y: y.sub_(x), y - x.to_dense()),
        (lambda y: y.__iadd__(x), y + x.to_dense()),
    ):
        z = y.clone()
        assert write(z) is z
        np.testing.assert_array_equal(z, wanted)


def test_functions_that_were_looked_up_before_answer():
    code = """
from lineal import sparse_coo_tensor, add, sub, sin, sqrt, abs, neg
x = sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 4.0], (2, 2))
for y, wanted in ((add(x, x), 10), (sub(x, x), 0), (sqrt(x), 3), (abs(x), 5), (neg(x), -5)):
    assert y.is_sparse and y.to_dense().sum() == wanted
assert sin(x).is_sparse
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_functions_that_are_called_often_answer_too():
    x, y = example(dtype=lineal.float32), factor(3, 4, dtype=lineal.float32)
    for _ in range(3000):
        lineal.add(y, y), lineal.neg(y)
    for _ in range(100):  # until there is native code, and with it
        np.testing.assert_array_equal(y.clone().add_(x), y + x.to_dense())
        np.testing.assert_array_equal(y.clone().sub_(x), y - x.to_dense())
        lineal.add(y, y)
