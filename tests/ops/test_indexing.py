"""Brackets, gather and scatter, masks: small cases by hand, NumPy as the judge of index forms, and what is refused."""

import numpy as np
import pytest

import lineal as torch


def numbers(*shape, dtype=torch.float64):
    return torch.arange(int(np.prod(shape))).reshape(shape).to(dtype)


def slope(function, *values):
    """Return the gradients of the sum of function(*values) by each of the values."""
    leaves = [each.clone().requires_grad_() for each in values]
    y = function(*leaves)
    return torch.autograd.grad((y * y).sum(), leaves, create_graph=True)


# ---------------------------------------------------------------------------------------------------------------- brackets

BASIC = [
    0, -1, slice(1, 3), slice(None, None, 2), slice(2, 1), Ellipsis, None, (), (0, 1), (slice(None), 1), (Ellipsis, -1),
    (1, Ellipsis, slice(0, 3, 2)), (None, 0, None), (slice(1, None), None, Ellipsis, 2), (0, 0, 0), (Ellipsis, None),
]  # fmt: skip


@pytest.mark.parametrize("index", BASIC, ids=str)
def test_a_basic_index_is_a_view(index):
    x = numbers(3, 2, 4)
    y = x[index]
    assert np.array_equal(y.numpy(), x.numpy()[index])
    assert y.numel() == 0 or np.shares_memory(y.numpy(), x.numpy())
    z = x.clone().requires_grad_()
    z[index].sum().backward()
    expected = np.zeros((3, 2, 4))
    expected[index] = 1
    assert np.array_equal(z.grad.numpy(), expected)


ADVANCED = [
    ([0, 2],), ([0, -1, 0],), (slice(None), [1, 0]), ([0, 1], [1, 0]), ([[0, 1], [2, 0]],), ([[0], [2]], [0, 1]),
    (slice(None), [0, 1], [3, 2]), ([0, 1], slice(None), [3, 2]), (Ellipsis, [0, 3]), ([], ), (None, [1, 2]),
    ([0, 1], None, slice(None), [2, 2]), (slice(0, 2), [0, 1], slice(1, 4, 2)),
]  # fmt: skip


@pytest.mark.parametrize("index", ADVANCED, ids=str)
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.int16])
def test_an_advanced_index_copies_as_numpy_does(index, kind):
    x = numbers(3, 2, 4)
    arrays = tuple(np.array(each, dtype=np.int64) if isinstance(each, list) else each for each in index)
    tensors = tuple(torch.tensor(each.astype(kind)) if isinstance(each, np.ndarray) else each for each in arrays)
    y = x[tensors]
    assert np.array_equal(y.numpy(), x.numpy()[arrays])
    assert not np.shares_memory(y.numpy(), x.numpy())
    z = x.clone().requires_grad_()
    z[tensors].sum().backward()
    expected = np.zeros((3, 2, 4))
    np.add.at(expected, arrays, 1)
    assert np.array_equal(z.grad.numpy(), expected)


def test_an_int_beside_an_index_tensor_is_taken_first():
    x = numbers(3, 2, 4)
    assert x[0, :, torch.tensor([1, 2])].shape == (2, 2)  # NumPy moves the picked dimension to the front
    assert x[0, :, torch.tensor([1, 2])].tolist() == [[1, 2], [5, 6]]


def test_masks_choose():
    x = numbers(2, 3)
    assert x[x > 3].tolist() == [4, 5]
    assert x[torch.tensor([False, True])].tolist() == [[3, 4, 5]]
    assert x[:, torch.tensor([True, False, True])].tolist() == [[0, 2], [3, 5]]
    assert x[torch.tensor([True, True]), torch.tensor([2, 0])].tolist() == [2, 3]
    assert x[True].shape == (1, 2, 3)
    assert x[False].shape == (0, 2, 3)
    assert x[torch.tensor(True)].shape == (1, 2, 3)
    assert x[None, True].shape == (1, 1, 2, 3)
    assert x[[True, False]].tolist() == [[0, 1, 2]]
    assert torch.tensor(3.0)[True].tolist() == [3]


def test_one_integer_in_a_tensor_is_an_int():
    x = numbers(2, 3)
    assert np.shares_memory(x[torch.tensor(1)].numpy(), x.numpy())
    assert x[np.int32(1), torch.tensor(2)].item() == 5
    assert x[torch.tensor(0) : torch.tensor(1)].tolist() == [[0, 1, 2]]


def test_a_list_of_several_indices_is_a_tuple_with_a_warning():
    with pytest.warns(UserWarning, match="tuple"):
        assert numbers(3, 4)[[0, slice(None)]].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("index", "error", "words"),
    [
        (3, IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
        ((0, -5), IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
        ((0, 0, 0), IndexError, "too many indices"),
        (slice(None, None, -1), ValueError, "step"),
        (slice(None, None, 0), ValueError, "step"),
        ([0, 5], IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
        ([1.5], IndexError, "integer"),
        (1.0, IndexError, "float"),
        ("a", IndexError, "str"),
        (([0, 1], [0, 1, 2]), IndexError, r"\[2\], \[3\]"),
        ([True, False], IndexError, r"mask \[2\]"),
    ],
)
def test_a_wrong_index_is_refused(index, error, words):
    with pytest.raises(error, match=words):
        numbers(3, 4)[index]
    with pytest.raises(error, match=words):
        numbers(3, 4)[index] = 0


def test_a_number_has_no_elements_to_index():
    with pytest.raises(IndexError, match="0-d"):
        torch.tensor(1.0)[0]
    assert torch.tensor(1.0)[None].tolist() == [1]
    with pytest.raises(TypeError, match="0-d"):
        iter(torch.tensor(1.0))


VALUES = [(), (1,), (4,), (1, 1, 4)]


@pytest.mark.parametrize("index", [0, (slice(0, 2), slice(None)), [0, 2], [True, False, True]], ids=str)
@pytest.mark.parametrize("shape", VALUES, ids=str)
def test_writing_by_index(index, shape):
    x, value = numbers(3, 4), numbers(*shape) + 100
    expected = x.numpy().copy()
    expected[index] = value.numpy()
    x[index] = value
    assert np.array_equal(x.numpy(), expected)


def test_writing_casts_or_refuses():
    x = torch.tensor([1, 2, 3])
    x[0] = 1.7
    x[1] = torch.tensor(2.7)
    assert x.tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match="dtypes match"):
        x[[0]] = torch.tensor([1.5])
    with pytest.raises(RuntimeError, match="overflow"):
        x[0] = 1j
    for wrong in ([1, 2, 3], None, np.ones(3)):
        with pytest.raises(TypeError, match="assign"):
            x[:] = wrong
    with pytest.raises(RuntimeError, match="shape"):
        x[:2] = torch.tensor([1, 2, 3])
    with pytest.raises(RuntimeError, match="shape"):
        x[[0, 1]] = torch.tensor([1, 2, 3])


def test_writing_where_truth_says():
    x = numbers(2, 2)
    x[False] = 7.0
    assert x.tolist() == [[0, 1], [2, 3]]
    x[x > 2] = torch.tensor(9.0)
    assert x.tolist() == [[0, 1], [2, 9]]
    x[torch.tensor([True, False])] = torch.tensor([5.0, 6.0], dtype=torch.float64)
    assert x.tolist() == [[5, 6], [2, 9]]
    x[True] = 1.0
    assert x.tolist() == [[1, 1], [1, 1]]


def test_writing_has_a_history():
    x, v = numbers(3).requires_grad_(), torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    y = x * 1
    y[1] = v * v
    y[[0, 2]] = y[[2, 0]] * 3
    (y * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [300, 0, 3]
    assert v.grad.item() == 100
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = 1.0
    with pytest.raises(RuntimeError, match="leaf"):
        x[[0]] = 1.0
    with torch.no_grad():
        x[0] = 7.0
    assert x[0].item() == 7


def test_membership_and_iteration():
    x = numbers(3, 2)
    assert 4 in x
    assert 9 not in x
    assert [row.tolist() for row in x] == [[0, 1], [2, 3], [4, 5]]


# ------------------------------------------------------------------------------------------------------ gather and scatter


def test_gather_and_scatter():
    x, index = numbers(2, 3), torch.tensor([[2, 0], [1, 1]])
    assert torch.gather(x, 1, index).tolist() == [[2, 0], [4, 4]]
    assert torch.gather(x, -1, index.to(torch.int32)).tolist() == [[2, 0], [4, 4]]
    assert x.scatter(1, index, -1.0).tolist() == [[-1, 1, -1], [3, -1, 5]]
    assert x.scatter_add(1, index, torch.ones(2, 2, dtype=torch.float64)).tolist() == [[1, 1, 3], [3, 6, 5]]
    assert x.scatter(1, index, 2.0, reduce="multiply").tolist() == [[0, 1, 4], [3, 16, 5]]
    assert torch.take_along_dim(x, torch.tensor([[1]]), 1).tolist() == [[1], [4]]
    assert torch.take(x, torch.tensor([[-1, 0]])).tolist() == [[5, 0]]
    assert x.put(torch.tensor([0, -1, 0]), torch.ones(3, dtype=torch.float64), accumulate=True).tolist() == [
        [2, 1, 2],
        [3, 4, 6],
    ]


@pytest.mark.parametrize(
    ("reduce", "include_self", "expected"),
    [
        ("sum", True, [8, 2]), ("sum", False, [7, 2]), ("prod", True, [12, 2]), ("prod", False, [12, 2]),
        ("mean", True, [8 / 3, 2]), ("mean", False, [3.5, 2]), ("amax", True, [4, 2]), ("amax", False, [4, 2]),
        ("amin", True, [1, 2]), ("amin", False, [3, 2]),
    ],
)  # fmt: skip
def test_scatter_reduce(reduce, include_self, expected):
    x, index, src = torch.tensor([1.0, 2.0]), torch.tensor([0, 0]), torch.tensor([3.0, 4.0])
    assert np.allclose(x.scatter_reduce(0, index, src, reduce, include_self=include_self).tolist(), expected)
    if reduce != "sum":
        assert np.allclose(x.index_reduce(0, index, src, reduce, include_self=include_self).tolist(), expected)


def test_a_product_with_zeros_has_its_gradient():
    index = torch.tensor([0, 0, 1, 1])

    def product(x, src):
        return x.scatter_reduce(0, index, src, "prod")

    x, src = (torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in ([2.0, 3.0], [0.0, 5.0, 0.0, 0.0]))
    product(x, src).sum().backward()
    assert x.grad.tolist() == [0, 0]
    assert src.grad.tolist() == [10, 0, 0, 0]


def test_equal_extremes_share_the_gradient():
    x, src = torch.tensor([4.0], requires_grad=True), torch.tensor([4.0, 1.0, 4.0], requires_grad=True)
    x.scatter_reduce(0, torch.tensor([0, 0, 0]), src, "amax").backward(torch.tensor([3.0]))
    assert x.grad.tolist() == [1]
    assert src.grad.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x, i: x.gather(1, i(-1)), RuntimeError, "index -1 is out of bounds for dimension 1 with size 3"),
        (lambda x, i: x.gather(0, i(2)), RuntimeError, "index 2 is out of bounds for dimension 0 with size 2"),
        (lambda x, i: x.gather(1, torch.tensor([0])), RuntimeError, "same number of dimensions"),
        (lambda x, i: x.gather(1, torch.zeros(3, 1, dtype=torch.int64)), RuntimeError, "no larger"),
        (lambda x, i: x.gather(1, i(0).double()), RuntimeError, "dtype"),
        (lambda x, i: x.scatter(1, i(0), torch.ones(1, 1)), RuntimeError, "dtype"),
        (lambda x, i: x.scatter(1, i(0), 1.0, reduce="mean"), RuntimeError, "reduce"),
        (lambda x, i: x.scatter_reduce(1, i(0), x, "median"), RuntimeError, "reduce"),
        (lambda x, i: x.index_select(0, torch.tensor([2])), IndexError, "index 2"),
        (lambda x, i: x.index_select(0, torch.tensor([-1])), IndexError, "index -1"),
        (lambda x, i: x.index_select(0, i(0)), IndexError, "vector"),
        (lambda x, i: x.index_add(0, torch.tensor([0]), x), RuntimeError, "shape"),
        (lambda x, i: x.index_copy(0, torch.tensor([0]), x), IndexError, "shape"),
        (lambda x, i: x.index_fill(0, torch.tensor([0]), x), RuntimeError, "0-dimensional"),
        (lambda x, i: x.index_put((torch.tensor([2]),), x[0]), IndexError, "index 2"),
        (lambda x, i: x.index_put((torch.tensor([2]),), x[0], accumulate=True), IndexError, "index 2"),
        (lambda x, i: x.take(torch.tensor([6])), IndexError, "index 6"),
        (lambda x, i: x.masked_fill(i(0), 1.0), RuntimeError, "bool"),
        (lambda x, i: x.masked_scatter(x > 0, x[:0]), RuntimeError, "Number of elements"),
        (lambda x, i: x.masked_fill_(torch.ones(2, 2, 3) > 0, 1.0), RuntimeError, "shape"),
        (lambda x, i: torch.unravel_index(x, (2,)), TypeError, "integer"),
    ],
)
def test_wrong_arguments_are_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(numbers(2, 3), lambda place: torch.tensor([[place]]))


# ---------------------------------------------------------------------------------------------- in place, masks, and places


def test_in_place_forms_write_here():
    index, one = torch.tensor([1]), torch.tensor([[9.0, 9.0, 9.0]], dtype=torch.float64)
    for change in (
        lambda x: x.index_copy_(0, index, one),
        lambda x: x.index_fill_(0, index, 9),
        lambda x: x.index_put_((index,), one),
        lambda x: x.index_fill_(0, index, 0).index_add_(0, index, one),
        lambda x: x.scatter_(0, torch.tensor([[1, 1, 1]]), one),
        lambda x: x.put_(torch.tensor([3, 4, 5]), one),
        lambda x: x.masked_fill_(torch.tensor([[False], [True]]), 9),
        lambda x: x.masked_scatter_(torch.tensor([[False], [True]]), one),
        lambda x: x.copy_(torch.tensor([[0.0, 1, 2], [9, 9, 9]])),
    ):
        for x in (numbers(2, 3), numbers(3, 2).t().contiguous().t().reshape(2, 3)):
            assert change(x) is x
            assert x.tolist() == [[0, 1, 2], [9, 9, 9]]
        turned = torch.zeros(3, 2, dtype=torch.float64).t()
        turned.copy_(numbers(2, 3))
        assert change(turned) is turned
        assert turned.tolist() == [[0, 1, 2], [9, 9, 9]]


def test_in_place_on_itself_reads_the_old_numbers():
    x = numbers(4)
    x[torch.tensor([0, 1, 2])] = x[1:]
    assert x.tolist() == [1, 2, 3, 3]
    x.index_add_(0, torch.tensor([0, 1, 2, 3]), x)
    assert x.tolist() == [2, 4, 6, 6]


def test_places():
    x = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    assert torch.nonzero(x).tolist() == [[0, 1], [1, 0]]
    assert [each.tolist() for each in torch.nonzero(x, as_tuple=True)] == [[0, 1], [1, 0]]
    assert torch.argwhere(torch.tensor(1.0)).shape == (1, 0)
    assert [each.tolist() for each in torch.nonzero(torch.tensor(5.0), as_tuple=True)] == [[0]]
    assert [each.tolist() for each in torch.unravel_index(torch.tensor([5, 11]), (3, 4))] == [[1, 2], [1, 3]]


def test_filling():
    x = torch.tensor([1, 2])
    assert x.fill_(1.7).tolist() == [1, 1]
    assert x.zero_().tolist() == [0, 0]
    v = torch.tensor(2.0, requires_grad=True)
    torch.fill(torch.ones(3), v).sum().backward()
    assert v.grad.item() == 3
    y = torch.ones(3) * v
    y.fill_(v)
    v.grad = None
    y.sum().backward()
    assert v.grad.item() == 3
    with pytest.warns(UserWarning, match="imaginary"):
        assert torch.zeros(1).copy_(torch.tensor([1 + 2j])).tolist() == [1]


def test_results_into_given_tensors():
    x, index = numbers(2, 3), torch.tensor([0])
    out = torch.empty(0, dtype=torch.float64)
    assert torch.index_select(x, 0, index, out=out) is out
    assert out.tolist() == [[0, 1, 2]]
    with pytest.raises(RuntimeError, match="dtype"):
        torch.gather(x, 0, index[None], out=torch.empty(1, 1))
    with pytest.raises(RuntimeError, match="unsupported"):
        torch.index_select(x, 0, index, out=x)


# ------------------------------------------------------------------------------------------------- second derivatives, size

SECOND = {
    "basic": lambda x, v: x[1:, ::2],
    "advanced": lambda x, v: x[torch.tensor([0, 0, 2])],
    "two indices": lambda x, v: x[torch.tensor([0, 0, 2]), torch.tensor([1, 1, 0])],
    "apart": lambda x, v: x[None, torch.tensor([0, 0]), :, None][:, :, torch.tensor([0, 1])],
    "gather": lambda x, v: x.gather(0, torch.tensor([[0, 0, 2], [0, 1, 1]])),
    "scatter": lambda x, v: x.scatter(0, torch.tensor([[0, 1, 2]]), v[None]),
    "scatter_add": lambda x, v: x.scatter_add(1, torch.tensor([[0, 0, 2]]), v[None]),
    "prod": lambda x, v: x.scatter_reduce(1, torch.tensor([[0, 0, 2]]), v[None], "prod"),
    "index_add": lambda x, v: x.index_add(0, torch.tensor([1]), v[None], alpha=2),
    "index_put": lambda x, v: x.index_put((torch.tensor([1, 2]),), v, accumulate=True),
    "masked_scatter": lambda x, v: x.masked_scatter(torch.eye(3, dtype=torch.bool), v),
    "masked_fill": lambda x, v: x.masked_fill(torch.eye(3, dtype=torch.bool), v[0]),
    "masked_select": lambda x, v: x.masked_select(torch.eye(3, dtype=torch.bool)),
}


@pytest.mark.parametrize("name", SECOND)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_second_derivatives(name, dtype):
    x, v = (numbers(3, 3) + 1).to(dtype), torch.tensor([2.0, 3.0, 5.0]).to(dtype)
    if dtype is torch.complex128:
        x, v = x * (1 + 0.5j), v * (1 - 0.25j)
    assert torch.autograd.gradcheck(SECOND[name], (x.requires_grad_(), v.requires_grad_()))
    assert torch.autograd.gradgradcheck(SECOND[name], (x, v))


@pytest.mark.parametrize("inner", [1, 3, 40])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.int64])
@pytest.mark.parametrize("count", [0, 4, 500])
def test_many_sources_add_up(inner, dtype, count):
    rng = np.random.default_rng(0)
    rows, source = rng.integers(0, 50, count), rng.integers(-3, 4, (count, inner))
    expected = np.zeros((50, inner))
    np.add.at(expected, rows, source)
    found = torch.zeros(50, inner, dtype=dtype).index_add(0, torch.tensor(rows), torch.tensor(source).to(dtype))
    assert found.dtype is dtype
    assert np.array_equal(found.to(torch.complex128).numpy(), expected)
    wide = torch.tensor(rows)[None].expand(2, -1)
    along = torch.zeros(2, 50, dtype=dtype).scatter_add(1, wide, torch.tensor(source[:, 0]).to(dtype)[None].expand(2, -1))
    assert np.array_equal(along[1].to(torch.complex128).numpy(), expected[:, 0])


ADDED = [(5, 3, 40), (70_000, 3, 9), (1000, 41, 300), (3, 33, 600), (7, 1, 100_000), (4000, 1, 90)]
"""How many targets, how long their rows are, how many rows are added."""


@pytest.mark.parametrize("targets, inner, count", ADDED)
def test_added_rows_are_the_same_for_every_number_of_threads(targets, inner, count):
    rng = np.random.default_rng(1)
    rows, source = np.minimum(rng.zipf(1.4, count), targets) - 1, rng.standard_normal((count, inner))
    expected = np.zeros((targets, inner))
    np.add.at(expected, rows, source.astype(np.float32))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            y = torch.zeros(targets, inner).index_add(0, torch.tensor(rows), torch.tensor(source, dtype=torch.float32))
            found.append(y.numpy())
    finally:
        torch.set_num_threads(before)
    assert found[0].tobytes() == found[1].tobytes()
    np.testing.assert_allclose(found[0], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("targets, inner, count", ADDED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_zeros_that_are_added_up_keep_their_sign(targets, inner, count, dtype):
    rng = np.random.default_rng(2)
    rows, signs = rng.integers(0, targets, count), rng.choice([-1.0, 1.0], (count, inner), p=[0.9, 0.1])
    x = np.where(rng.random((targets, inner)) < 0.5, -0.0, 0.0)
    positive = x.copy()
    np.add.at(positive, rows, 0.0 * signs)
    y = torch.tensor(x).to(dtype).index_add(0, torch.tensor(rows), torch.tensor(0.0 * signs).to(dtype))
    np.testing.assert_array_equal(np.signbit(y.double().numpy()), np.signbit(positive))
