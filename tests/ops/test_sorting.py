"""Order, ranks, middles, distinct elements, counts, searches: small cases by hand, NaN and ties, derivatives, refusals."""

import numpy as np
import pytest

import lineal as L

NAN = float("nan")


def listed(x):
    return [None if value != value else value for value in x.tolist()]


def gradient(function, *values):
    x = L.tensor(values[0], requires_grad=True)
    function(x).backward()
    return x.grad.tolist()


def test_sort_puts_nan_last_and_keeps_the_order_of_equals():
    x = L.tensor([3.0, NAN, 1.0, 3.0, -float("inf")])
    y = x.sort()
    assert listed(y.values) == [-float("inf"), 1, 3, 3, None]
    assert y.indices.tolist() == [4, 2, 0, 3, 1]
    down = L.sort(x, descending=True)
    assert listed(down.values) == [None, 3, 3, 1, -float("inf")]
    assert down.indices.tolist() == [1, 0, 3, 2, 4]
    assert L.argsort(x, descending=True).tolist() == down.indices.tolist()


@pytest.mark.parametrize("dtype", [L.float16, L.bfloat16, L.float32, L.float64, L.int8, L.int32, L.int64, L.uint8, L.bool])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [5, 3000])
def test_sort_in_every_dtype(dtype, descending, size):
    x = L.tensor(np.random.default_rng(0).integers(-20, 20, (3, size))).to(dtype)
    y = L.sort(x, dim=1, descending=descending, stable=True)
    numbers = x.to(L.float64).numpy()
    order = np.argsort(-numbers if descending else numbers, axis=1, kind="stable")
    assert y.values.dtype is dtype
    assert y.indices.dtype is L.int64
    assert y.indices.tolist() == order.tolist()
    assert y.values.tolist() == x.gather(1, y.indices).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [7, 5000])
def test_sort_of_special_numbers(dtype, size):
    special = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 3e38], dtype)
    x = np.random.default_rng(1).choice(special, size)
    y = L.sort(L.tensor(x))
    order = np.argsort(x, kind="stable")
    assert y.indices.tolist() == order.tolist()
    down = L.sort(L.tensor(x), descending=True)
    assert down.indices.tolist() == (size - 1 - np.argsort(x[::-1], kind="stable")[::-1]).tolist()


def test_sort_along_any_dimension_of_any_layout():
    x = np.random.default_rng(0).standard_normal((4, 5, 6))
    for dim in range(-3, 3):
        np.testing.assert_array_equal(L.tensor(x).sort(dim).values.numpy(), np.sort(x, axis=dim))
        np.testing.assert_array_equal(L.tensor(x).mT.sort(dim).values.numpy(), np.sort(x.swapaxes(1, 2), axis=dim))
    assert L.tensor(2.0).sort().indices.tolist() == 0
    assert L.empty(0, 3).sort(0).values.shape == (0, 3)
    np.testing.assert_array_equal(L.msort(L.tensor(x)).numpy(), np.sort(x, axis=0))


def test_results_have_names_and_print_as_pytorch():
    y = L.tensor([2, 1]).sort()
    values, indices = y
    assert y.values is values
    assert y.indices is indices
    assert repr(y) == "torch.return_types.sort(\nvalues=tensor([1, 2]),\nindices=tensor([1, 0]))"


def test_sorting_routes_the_cotangent_back():
    assert gradient(lambda x: (x.sort().values * L.tensor([1.0, 2.0, 3.0])).sum(), [3.0, 1.0, 2.0]) == [3, 1, 2]
    assert gradient(lambda x: x.topk(2).values.prod(), [3.0, 1.0, 2.0]) == [2, 0, 3]
    assert gradient(lambda x: x.kthvalue(2).values * 5, [3.0, 1.0, 2.0]) == [0, 0, 5]
    assert gradient(lambda x: x.median(0).values * 5, [3.0, 1.0, 2.0]) == [0, 0, 5]
    assert gradient(lambda x: x.mode().values * 5, [3.0, 1.0, 3.0]) == [0, 0, 5]


def test_second_derivative_of_sorted_squares():
    x = L.tensor([3.0, 1.0], requires_grad=True)
    (g,) = L.autograd.grad((x.sort().values ** 3).sum(), x, create_graph=True)
    (again,) = L.autograd.grad(g.sum(), x)
    assert again.tolist() == [18, 6]


def test_median_of_all_shares_the_cotangent_by_equals():
    assert gradient(lambda x: x.median(), [2.0, 2.0, 1.0, 5.0]) == [0.5, 0.5, 0, 0]
    assert gradient(lambda x: x.nanmedian(), [2.0, NAN, 2.0, 1.0]) == [0.5, 0, 0.5, 0]


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("largest", [True, False])
def test_topk(size, largest):
    x = np.random.default_rng(0).permutation(size * 3).reshape(3, size).astype(np.float64)
    y = L.topk(L.tensor(x), 4, largest=largest)
    expected = np.sort(x, axis=1)
    np.testing.assert_array_equal(y.values.numpy(), expected[:, ::-1][:, :4] if largest else expected[:, :4])
    np.testing.assert_array_equal(L.tensor(x).gather(1, y.indices).numpy(), y.values.numpy())
    assert L.topk(L.tensor(x), 0).values.shape == (3, 0)
    assert L.topk(L.tensor(x), 2, dim=0).values.shape == (2, size)


def test_topk_takes_nan_for_the_largest():
    x = L.zeros(1000)
    x[7], x[9] = NAN, 5.0
    assert x.topk(2).indices.tolist() == [7, 9]


@pytest.mark.parametrize("size", [9, 999])
def test_kth_value(size):
    x = np.random.default_rng(0).permutation(size).astype(np.float32)
    y = L.kthvalue(L.tensor(x), 4, keepdim=True)
    assert y.values.tolist() == [3]
    assert x[y.indices.item()] == 3


def test_median_is_the_lower_one_and_nan_decides():
    assert L.median(L.tensor([4, 1, 3, 2])).item() == 2
    x = L.tensor([[4.0, 1.0, 3.0, 2.0], [1.0, NAN, 0.0, NAN]])
    assert listed(x.median(1).values) == [2, None]
    assert x.median(1).indices.tolist() == [3, 1]
    assert listed(x.nanmedian(1).values) == [2, 0]
    assert x.median(1, keepdim=True).values.shape == (2, 1)
    assert x.median().isnan().item()
    assert x.nanmedian().item() == 1
    assert L.tensor([NAN, NAN]).nanmedian().isnan().item()


def test_mode_is_the_smallest_of_the_most_frequent():
    x = L.tensor([[3, 1, 3, 1], [5, 5, 2, 7]])
    y = x.mode()
    assert y.values.tolist() == [1, 5]
    assert y.indices.tolist() == [3, 1]
    assert x.mode(0, keepdim=True).values.tolist() == [[3, 1, 2, 1]]


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_quantile_agrees_with_numpy(interpolation, dim):
    x = np.random.default_rng(0).standard_normal((5, 8))
    parts = [0.1, 0.5, 0.83, 1.0]
    y = L.quantile(L.tensor(x), L.tensor(parts, dtype=L.float64), dim, interpolation=interpolation)
    np.testing.assert_allclose(y.numpy(), np.quantile(x, parts, axis=dim, method=interpolation))
    one = L.quantile(L.tensor(x), 0.3, dim, keepdim=True)
    np.testing.assert_allclose(one.numpy(), np.quantile(x, 0.3, axis=dim, keepdims=True))


def test_quantile_and_nan():
    x = L.tensor([[1.0, NAN, 3.0], [1.0, 2.0, 4.0]])
    assert listed(x.quantile(0.5, 1)) == [None, 2]
    assert x.nanquantile(0.5, 1).tolist() == [2, 2]
    assert gradient(lambda v: v.quantile(0.25), [1.0, 3.0, 2.0, 7.0]) == [0.25, 0, 0.75, 0]


def test_unique():
    x = L.tensor([[3, 1], [2, 3]])
    assert x.unique().tolist() == [1, 2, 3]
    values, inverse, counts = L.unique(x, return_inverse=True, return_counts=True)
    assert inverse.tolist() == [[2, 0], [1, 2]]
    assert counts.tolist() == [1, 1, 2]
    assert values[inverse].tolist() == x.tolist()
    rows = L.tensor([[2, 1], [0, 5], [2, 1]])
    found, place = L.unique(rows, dim=0, return_inverse=True)
    assert found.tolist() == [[0, 5], [2, 1]]
    assert place.tolist() == [1, 0, 1]
    assert len(L.tensor([NAN, NAN]).unique()) == 2
    assert L.empty(0).unique(return_counts=True)[1].tolist() == []


def test_unique_consecutive():
    x = L.tensor([1, 1, 2, 2, 1])
    values, inverse, counts = x.unique_consecutive(return_inverse=True, return_counts=True)
    assert values.tolist() == [1, 2, 1]
    assert inverse.tolist() == [0, 0, 1, 1, 2]
    assert counts.tolist() == [2, 2, 1]
    assert L.tensor([[1, 1, 2], [0, 0, 0]]).unique_consecutive(dim=1).tolist() == [[1, 2], [0, 0]]


def test_unique_refuses_its_derivative():
    x = L.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="unique: the derivative is not implemented"):
        x.unique().sum().backward()


def test_searchsorted_and_bucketize():
    edges = L.tensor([1.0, 3.0, 5.0])
    x = L.tensor([[0.0, 1.0], [4.0, 9.0]])
    assert L.searchsorted(edges, x).tolist() == [[0, 0], [2, 3]]
    assert L.searchsorted(edges, x, right=True).tolist() == [[0, 1], [2, 3]]
    assert L.searchsorted(edges, x, side="right").tolist() == [[0, 1], [2, 3]]
    assert L.bucketize(x, edges, out_int32=True).dtype is L.int32
    assert L.bucketize(3, edges).item() == 1
    assert L.searchsorted(L.arange(3), L.tensor([0.5, 1.5])).tolist() == [1, 2]
    rows = L.tensor([[1, 2, 3], [10, 20, 30]])
    assert L.searchsorted(rows, L.tensor([[2], [25]])).tolist() == [[1], [2]]
    assert L.searchsorted(L.tensor([5, 1, 3]), L.tensor([2]), sorter=L.tensor([1, 2, 0])).tolist() == [1]


def test_counts():
    assert L.bincount(L.tensor([1, 1, 4]), minlength=7).tolist() == [0, 2, 0, 0, 1, 0, 0]
    assert L.bincount(L.tensor([0, 2]), L.tensor([0.5, 2.0])).tolist() == [0.5, 0, 2]
    assert L.histc(L.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3).tolist() == [0, 2, 1, 0]
    assert L.histc(L.tensor([0.0, 3.0, 9.0, NAN]), bins=3, min=0, max=3).tolist() == [1, 0, 1]
    counts, edges = L.histogram(L.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0), weight=L.tensor([1.0, 2.0, 4.0]))
    assert counts.tolist() == [0, 5, 2, 0]
    assert edges.tolist() == [0, 0.75, 1.5, 2.25, 3]
    assert L.histogram(L.tensor([0.0, 1.0, 2.0]), L.tensor([0.0, 1.0, 2.0])).hist.tolist() == [1, 2]
    assert L.histogramdd(L.tensor([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]]), 2).hist.tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize("size", [3, 30])
def test_isin(size):
    x = L.tensor([[1.0, NAN], [40.0, 2.0]])
    members = L.arange(size, dtype=L.float32)
    assert L.isin(x, members).tolist() == [[True, False], [False, True]]
    assert L.isin(x, members, invert=True).tolist() == [[False, True], [True, False]]
    assert L.isin(x, 40).tolist() == [[False, False], [True, False]]
    assert not L.isin(L.tensor([NAN]), L.full((size,), NAN)).item()


@pytest.mark.parametrize(
    ("refused", "error", "message"),
    [
        (lambda: L.ones(2, 2).sort(2), IndexError, "Dimension out of range"),
        (lambda: L.ones(3).topk(4), RuntimeError, "topk: selected index k out of range"),
        (lambda: L.ones(3).kthvalue(0), RuntimeError, "kthvalue: selected number k out of range"),
        (lambda: L.empty(0, 2).median(0), IndexError, "median: Expected reduction dim 0 to have non-zero size"),
        (lambda: L.empty(2, 0).mode(), IndexError, "mode: Expected reduction dim"),
        (lambda: L.ones(2, dtype=L.complex64).sort(), RuntimeError, "sort: does not support complex"),
        (lambda: L.ones(3).quantile(1.5), RuntimeError, r"quantile: q must be in the range \[0, 1\]"),
        (lambda: L.ones(3, dtype=L.int64).quantile(0.5), RuntimeError, "float or double"),
        (lambda: L.ones(3).quantile(0.5, interpolation="cubic"), RuntimeError, "interpolation must be one of"),
        (lambda: L.searchsorted(L.ones(2, 3), L.ones(3, 1)), RuntimeError, "first N-1 dimensions"),
        (lambda: L.searchsorted(L.ones(3), L.ones(3), out=L.empty(3, dtype=L.int32)), RuntimeError, "expected out of dtype"),
        (lambda: L.searchsorted(L.ones(3), L.ones(3), right=True, side="left"), RuntimeError, "opposites"),
        (lambda: L.bucketize(L.ones(3), L.ones(3, 3)), RuntimeError, "1 dimension"),
        (lambda: L.bincount(L.tensor([-1])), RuntimeError, "non-negative"),
        (lambda: L.bincount(L.tensor([1]), L.ones(2)), RuntimeError, "same length"),
        (lambda: L.histc(L.ones(3), bins=0), RuntimeError, "bins must be > 0"),
        (lambda: L.histc(L.tensor([NAN])), RuntimeError, "not finite"),
        (lambda: L.unique(L.ones(3), dim=1), IndexError, "Dimension out of range"),
        (lambda: L.isin(1, 2), TypeError, "isin"),
    ],
)
def test_refusals(refused, error, message):
    with pytest.raises(error, match=message):
        refused()


def test_results_into_out():
    values, indices = L.empty(2), L.empty(2, dtype=L.int64)
    L.sort(L.tensor([2.0, 1.0]), out=(values, indices))
    assert values.tolist() == [1, 2]
    assert indices.tolist() == [1, 0]
