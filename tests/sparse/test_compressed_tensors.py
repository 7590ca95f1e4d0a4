"""Compressed sparse tensors: functions give what they give of the strided tensor of the same numbers."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse

import lineal
from lineal import sparse
from lineal.testing import assert_close, gradcheck, gradgradcheck

LAYOUTS = {name: getattr(lineal, f"sparse_{name}") for name in ("csr", "csc", "bsr", "bsc")}
BLOCKS = {"bsr": (2, 3), "bsc": (2, 3)}


def numbers(*shape, dtype=lineal.float64, seed=3):
    found = np.random.RandomState(seed).randint(-4, 5, shape)
    return lineal.tensor(found, dtype=dtype) * (1 + 2j if dtype.is_complex else 1)


def strided(dtype=lineal.float64):
    return numbers(4, 6, dtype=dtype) * (numbers(4, 6, seed=5) > 0).to(dtype)


def example(name="csr", dtype=lineal.float64):
    return strided(dtype).to_sparse(layout=LAYOUTS[name], blocksize=BLOCKS.get(name))


FUNCTIONS = {
    "to_dense": lambda x, d: x,
    "of a vector": lambda x, d: x @ numbers(6, dtype=x.dtype),
    "of a matrix": lambda x, d: lineal.mm(x, numbers(6, 3, dtype=x.dtype)),
    "from the left": lambda x, d: numbers(2, 4, dtype=x.dtype) @ x,
    "of its adjoint": lambda x, d: x.mH @ numbers(4, 3, dtype=x.dtype),
    "by its adjoint": lambda x, d: x @ x.mH,
    "addmm": lambda x, d: lineal.addmm(numbers(4, 2, dtype=x.dtype), x, numbers(6, 2, dtype=x.dtype), beta=2, alpha=3),
    "addmv": lambda x, d: lineal.addmv(numbers(4, dtype=x.dtype), x, numbers(6, dtype=x.dtype), beta=0),
    "linear": lambda x, d: lineal.nn.functional.linear(numbers(5, 6, dtype=x.dtype), x, numbers(4, dtype=x.dtype)),
    "sums of two patterns": lambda x, d: x - 2 * (x * d),
    "plus a strided one": lambda x, d: numbers(4, 6, dtype=x.dtype) + x,
    "times a strided one": lambda x, d: x * numbers(4, 6, dtype=x.dtype),
    "sines": lambda x, d: lineal.sin(x) / 2,
    "sum": lambda x, d: x.sum(),
    "sum of columns": lambda x, d: x.sum(0, keepdim=True),
    "a row": lambda x, d: x[1],
    "a column": lambda x, d: x[:, 2],
    "diagonal": lambda x, d: x.diagonal(-1),
    "other layouts": lambda x, d: x.to_sparse_csc().to_sparse_bsr((2, 2)).to_sparse_csr() if x.layout != lineal.strided else x,
}


@pytest.mark.parametrize("dtype", [lineal.float64, lineal.complex128])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_functions_give_what_they_give_of_strided_tensors(layout, dtype):
    x, d = example(layout, dtype), strided(dtype)
    for name, function in FUNCTIONS.items():
        entries = x.values().clone().requires_grad_()
        y = function(x.with_entries(entries), x).to_dense()
        whole = d.clone().requires_grad_()
        wanted = function(whole, d)
        assert_close(y, wanted, msg=lambda text, name=name: f"{name}: {text}")
        weights = numbers(*wanted.shape, dtype=dtype) if wanted.ndim else 1
        (y * weights).sum().abs().backward()
        (wanted * weights).sum().abs().backward()
        place = x.with_entries(lineal.ones_like(entries)).to_dense()
        found = x.with_entries(entries.grad).to_dense()
        assert_close(found, whole.grad * place, msg=lambda text, name=name: f"gradient of {name}: {text}")


@pytest.mark.parametrize("layout", ["csr", "bsc"])
def test_products_have_derivatives_of_second_order(layout):
    x = example(layout)

    def products(entries, d):
        y = x.with_entries(entries)
        return y @ d, y.mH @ (y @ d[:, 0])

    given = x.values().clone().requires_grad_(), numbers(6, 2).requires_grad_()
    assert gradcheck(products, given) and gradgradcheck(products, given)


@pytest.mark.parametrize("dtype", [lineal.float64, lineal.complex128])
@pytest.mark.parametrize("layout", ["csr", "csc"])
def test_sampled_products_are_taken_at_the_entries(layout, dtype):
    x, a, b = example(layout, dtype), numbers(4, 3, dtype=dtype), numbers(3, 6, dtype=dtype, seed=1)
    y = sparse.sampled_addmm(x, a, b, beta=2, alpha=3)
    assert_close(y.to_dense(), (2 * strided(dtype) + 3 * (a @ b)) * (strided(dtype) != 0))
    given = x.values().clone().requires_grad_(), a.clone().requires_grad_()
    assert gradcheck(lambda v, a: sparse.sampled_addmm(x.with_entries(v), a, b).values(), given)


@pytest.mark.parametrize("places", [lineal.int32, lineal.int64])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "complex64", "int64", "int32", "int8", "uint8"])
def test_products_know_every_dtype_of_entries_and_indices(dtype, places):
    dtype = getattr(lineal, dtype)
    x = example().abs() if dtype is lineal.uint8 else example()
    d = numbers(6, 9).abs()
    y = sparse_of(x, places, dtype)
    assert y.crow_indices().dtype is places
    for other in (d, d[:, 0]):
        assert (y @ other.to(dtype)).dtype is dtype
        assert_close((y @ other.to(dtype)).to(lineal.complex128), (x.to_dense() @ other).to(lineal.complex128))
        assert_close((y.t().to_sparse_csr() @ other[:4].to(dtype)).to(lineal.complex128), (x.to_dense().t() @ other[:4]) + 0j)
        assert_close((y.t() @ other[:4].to(dtype)).to(lineal.complex128), (x.to_dense().t() @ other[:4]) + 0j)


def sparse_of(x, places, dtype):
    return lineal.sparse_csr_tensor(x.crow_indices().to(places), x.col_indices().to(places), x.values().to(dtype), x.shape)


def random_matrix(rows, columns, count, seed=0):
    rng = np.random.RandomState(seed)
    places = rng.randint(0, rows, count), rng.randint(0, columns, count)
    return scipy.sparse.coo_array((rng.standard_normal(count), places), shape=(rows, columns)).tocsr()


def test_results_do_not_depend_on_the_number_of_threads():
    A = random_matrix(1500, 1000, 40_000)
    x = sparse.from_scipy(A)
    v, d = lineal.randn(1000, dtype=lineal.float64), lineal.randn(1500, 5, dtype=lineal.float64)
    before, found = lineal.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            lineal.set_num_threads(count)
            found.append(
                [x @ v, x.t() @ d, x.t() @ d[:, 0], sparse.sampled_addmm(x, d, d[:1000].t()).values(), (x @ x.t()).values()]
            )
    finally:
        lineal.set_num_threads(before)
    assert_close(found[0][0], lineal.from_numpy(A @ v.numpy()))
    assert_close(found[0][1], lineal.from_numpy(A.T @ d.numpy()))
    assert np.allclose((x @ x.t()).to_scipy().toarray(), (A @ A.T).toarray())
    for each in found[1:]:
        assert all(map(lineal.equal, each, found[0]))


@pytest.mark.parametrize("dtype", [lineal.float64, lineal.complex128])
@pytest.mark.parametrize("layout", ["csr", "csc"])
def test_triangular_systems_are_those_of_the_strided_triangle(layout, dtype):
    d = numbers(6, 6, dtype=dtype) * (numbers(6, 6, seed=5) > 0).to(dtype) + 9 * lineal.eye(6, dtype=dtype)
    x = d.to_sparse(layout=LAYOUTS[layout])
    for upper, turned, unit in ((True, False, False), (False, True, True)):

        def solve(entries, b, upper=upper, turned=turned, unit=unit):
            return lineal.triangular_solve(b, x.with_entries(entries), upper, turned, unit)[0]

        for b in (numbers(6, 1, dtype=dtype), numbers(6, 11, dtype=dtype)):
            assert_close(solve(x.values(), b), lineal.triangular_solve(b, d, upper, turned, unit)[0])
        given = x.values().clone().requires_grad_(), numbers(6, 1, dtype=dtype).requires_grad_()
        assert gradcheck(solve, given)
    assert dtype.is_complex or gradgradcheck(solve, given)


def test_large_triangular_systems_do_not_depend_on_the_number_of_threads():
    A = scipy.sparse.tril(random_matrix(4000, 4000, 40_000)) + 9 * scipy.sparse.eye_array(4000)
    b, before, found = lineal.randn(4000, 9, dtype=lineal.float64), lineal.get_num_threads(), []
    try:
        for count in (1, 3):
            lineal.set_num_threads(count)
            found.append(lineal.triangular_solve(b, sparse.from_scipy(A.tocsr()), upper=False)[0])
    finally:
        lineal.set_num_threads(before)
    assert lineal.equal(*found)
    assert_close(lineal.from_numpy(A @ found[0].numpy()), b)


@pytest.mark.parametrize("name", ["csr", "csc", "bsr", "coo"])
def test_scipy_sees_the_same_memory(name):
    A = random_matrix(40, 30, 200).asformat(name)
    x = sparse.from_scipy(A)
    assert x.layout is getattr(lineal, f"sparse_{name}") and np.array_equal(x.to_dense().numpy(), A.toarray())
    B = x.to_scipy()
    assert B.format == name and np.shares_memory(B.data, A.data) and np.array_equal(B.toarray(), A.toarray())
    assert np.array_equal(sparse.from_scipy(scipy.sparse.csr_matrix(A)).to_dense().numpy(), A.toarray())
    with pytest.raises(TypeError, match="expected a sparse array or matrix of SciPy, got ndarray"):
        sparse.from_scipy(A.toarray())


def test_entries_of_one_place_are_added_up():
    x = lineal.sparse_csr_tensor([0, 3, 4], [2, 0, 2, 1], [1.0, 2.0, -4.0, 5.0], (2, 3))
    d = lineal.tensor([[2.0, 0, -3], [0, 5, 0]])
    assert_close(x.to_dense(), d)
    assert_close(x @ lineal.tensor([1.0, 2, 3]), d @ lineal.tensor([1.0, 2, 3]))
    for function in (abs, lineal.sin, lambda x: x * x, lambda x: x + x, lambda x: x.t() @ x, lambda x: x.to_sparse_csc()):
        assert_close(function(x).to_dense(), function(d).to_dense())
    assert_close(x.norm(), d.norm())


def test_batches_have_patterns_side_by_side():
    d = lineal.stack([lineal.eye(3), lineal.eye(3).flip(0)]) * numbers(2, 3, 3).abs().add(1)
    for name in ("csr", "csc"):
        x = d.to_sparse(layout=LAYOUTS[name])
        assert_close(x.to_dense(), d)
        assert_close(x[1].to_dense(), d[1])
        assert_close(x.transpose(1, 2).to_dense(), d.mT)
        assert_close((x * 2).sum(), (d * 2).sum())
        assert_close(lineal.bmm(x, numbers(2, 3, 4, dtype=d.dtype)), d @ numbers(2, 3, 4, dtype=d.dtype))
    with pytest.raises(RuntimeError, match="the same number of specified elements per batch"):
        lineal.stack([lineal.eye(3), lineal.zeros(3, 3)]).to_sparse_csr()


@pytest.mark.filterwarnings("ignore")
def test_compiled_functions_and_transforms_take_compressed_matrices():
    x, w = example(), numbers(6, 2).requires_grad_()
    compiled, given = lineal.compile(lambda w: lineal.relu(x @ w).sum()), lineal.compile(lambda x, w: x @ w)
    for factor in (1, 1, 1, 2):
        x.values().mul_(factor)
        wanted = lineal.relu(x @ w).sum()
        assert_close(compiled(w), wanted)
        assert_close(given(x, w), x @ w)
        assert_close(lineal.autograd.grad(compiled(w), w), lineal.autograd.grad(wanted, w))
    v = numbers(3, 6)
    assert_close(lineal.vmap(lambda v: x @ v)(v), v @ x.to_dense().t())
    assert_close(lineal.func.jacrev(lambda v: x @ v)(v[0]), x.to_dense())


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3)])
def test_matrices_without_entries(shape):
    for name, layout in LAYOUTS.items():
        x = lineal.zeros(shape).to_sparse(layout=layout, blocksize=(1, 1) if name in BLOCKS else None)
        assert x._nnz() == 0 and x.shape == shape and lineal.equal(x.to_dense(), lineal.zeros(shape))
        assert (x @ lineal.ones(shape[1], 2)).tolist() == lineal.zeros(shape[0], 2).tolist()
        assert (x.t() @ lineal.ones(shape[0])).tolist() == [0.0] * shape[1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_copies_and_pickles_have_the_same_pattern(layout):
    x = example(layout)
    module = lineal.nn.Module()
    module.register_buffer("A", x)
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.deepcopy(module).A, module.state_dict()["A"]):
        assert y.layout is x.layout and lineal.equal(y.to_dense(), x.to_dense())


def test_files_hold_sparse_tensors_of_every_layout(tmp_path):
    held = {name: example(name) for name in LAYOUTS} | {"coo": example().to_sparse_coo()}
    lineal.save(held, tmp_path / "held.pt")
    for name, y in lineal.load(tmp_path / "held.pt").items():
        assert y.layout is held[name].layout and lineal.equal(y.to_dense(), strided())
    held["csr"].col_indices()[0] = 6
    lineal.save(held, tmp_path / "wrong.pt")
    with pytest.raises(lineal.serialization.CheckpointError, match="0 <= col_indices < ncols"):
        lineal.load(tmp_path / "wrong.pt")


PARTS = [0, 2, 3, 3], [0, 2, 1], [1.0, 2.0, 3.0], (3, 4)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([0, 2, 3], *PARTS[1:]), r"must be equal to the number of rows \+ 1 \(=4\), but got 3"),
        (([0, 4, 2, 3], *PARTS[1:]), r"0 <= crow_indices\[..., 1:\] - crow_indices\[..., :-1\] <= ncols"),
        (([1, 2, 3, 3], *PARTS[1:]), r"crow_indices\[..., 0\] == 0"),
        (([0, 2, 3, 4], *PARTS[1:]), r"crow_indices\[..., -1\] == nnz"),
        ((PARTS[0], [0, 4, 1], *PARTS[2:]), "0 <= col_indices < ncols"),
        ((PARTS[0], [0, -1, 1], *PARTS[2:]), "0 <= col_indices < ncols"),
        ((*PARTS[:2], [1.0, 2.0], PARTS[3]), r"must be equal to nnz \(=2\)"),
        ((*PARTS[:3], (3,)), "dimensionality must be sum"),
        (([0.0, 2, 3, 3], *PARTS[1:]), "must have the same dtype"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, message):
    with pytest.raises(RuntimeError, match=message):
        lineal.sparse_csr_tensor(*parts)


def test_indices_that_do_not_grow_are_refused_if_that_is_asked_for():
    parts = (PARTS[0], [2, 0, 1], *PARTS[2:])
    assert lineal.sparse_csr_tensor(*parts).to_dense()[0].tolist() == [2.0, 0.0, 1.0, 0.0]
    with sparse.check_sparse_tensor_invariants(), pytest.raises(RuntimeError, match="sorted and distinct"):
        lineal.sparse_csr_tensor(*parts)
    assert not sparse.check_sparse_tensor_invariants.is_enabled()
    with pytest.raises(RuntimeError, match="sorted and distinct"):
        lineal.sparse_csr_tensor(*parts, check_invariants=True)


@pytest.mark.parametrize("which", ["crow_indices", "col_indices"])
def test_indices_written_to_later_are_refused_by_products(which):
    for product in (lambda x: x @ lineal.ones(6).double(), lambda x: x.t() @ lineal.ones(4, 2).double()):
        x = example()
        product(x)
        getattr(x, which)()[2] = 1 << 40
        with pytest.raises(RuntimeError, match="they have been written to since"):
            product(x)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: example() @ lineal.ones(3).double(), RuntimeError, r"shapes cannot be multiplied \(4x6 and 3\)"),
        (lambda: example() @ lineal.ones(6), RuntimeError, "of one dtype"),
        (lambda: example().bool() @ lineal.ones(6).bool(), NotImplementedError, "not implemented for 'Bool'"),
        (lambda: example() + 1, RuntimeError, "a number would fill the zeros"),
        (lambda: lineal.exp(example()), NotImplementedError, "exp: there is no rule for tensors of the layout"),
        (lambda: example().numpy(), TypeError, "can't convert SparseCsr layout tensor to numpy"),
        (lambda: example().ccol_indices(), RuntimeError, "expected sparse column compressed tensor layout but got SparseCsr"),
        (lambda: example().sum(0), RuntimeError, "keepdim=False is unsupported"),
        (lambda: example()[0:2], NotImplementedError, "numbers and whole slices"),
        (lambda: strided().to_sparse_bsr((3, 3)), RuntimeError, "must be divisible by given blocksize"),
        (lambda: strided().to_sparse(layout=lineal.sparse_bsr), RuntimeError, "without blocksize argument"),
        (lambda: lineal.ones(3).to_sparse_csr(), RuntimeError, "at least 2 dimensions"),
        (lambda: example().add_(example("csc")), RuntimeError, "of one shape and pattern"),
        (lambda: sparse.softmax(example(), 1), NotImplementedError, "use to_sparse_coo"),
    ],
)
def test_what_compressed_tensors_cannot_do_is_an_error_with_a_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_tensors_print_as_pytorchs():
    x = lineal.sparse_csr_tensor(*PARTS)
    parts = "crow_indices=tensor([0, 2, 3, 3]),\n       col_indices=tensor([0, 2, 1]),\n       values=tensor([1., 2., 3.])"
    assert repr(x) == f"tensor({parts}, size=(3, 4), nnz=3,\n       layout=torch.sparse_csr)"
    assert "grad_fn=<MulBackward0>)" in repr(x.requires_grad_() * 2)
    text = repr(lineal.arange(4.0).reshape(2, 2).to_sparse_bsc((2, 1)))
    assert "values=tensor([[[0.],\n                       [2.]],\n\n                      [[1.]" in text


def test_writes_in_place_reach_the_entries():
    x, d = example(), strided()
    for name, given in {
        "mul_": (2,),
        "add_": (example(),),
        "neg_": (),
        "relu_": (),
        "copy_": (example(),),
        "div_": (2,),
    }.items():
        written = getattr(x, name)(*given)
        assert written is x
        d = getattr(d, name)(*(each.to_dense() if isinstance(each, lineal.Tensor) else each for each in given))
        assert_close(x.to_dense(), d)
    assert x.zero_()._nnz() == 0 and not x.to_dense().any()
