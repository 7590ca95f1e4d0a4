"""Reductions: numbers that can be checked by hand, derivatives where they are delicate, and what is refused."""

import math

import numpy as np
import pytest

import lineal
from lineal.core import apply
from lineal.ops.reductions.norms import vector_norm
from lineal.ops.reductions.sums import Mean, Sum

inf, nan = math.inf, math.nan


def leaf(numbers, dtype=lineal.float64):
    return lineal.tensor(numbers, dtype=dtype, requires_grad=True)


def slope(function, numbers, dtype=lineal.float64):
    """Return the gradient of the sum of a function's results."""
    x = leaf(numbers, dtype)
    function(x).sum().backward()
    return x.grad.tolist()


def close(found, expected):
    np.testing.assert_allclose(np.array(found), np.array(expected), rtol=1e-9, atol=1e-12)


def differences(function, x, step=1e-5):
    """Return the Jacobian of a function from arrays to arrays by central differences."""
    columns = []
    for place in np.ndindex(x.shape):
        offset = np.zeros_like(x)
        offset[place] = step
        columns.append((function(x + offset) - function(x - offset)) / (2 * step))
    return np.stack(columns, -1)


def gradient_of(function, weights):
    """Return the function that maps an array to the gradient of Σ weights × function."""

    def gradient(array):
        x = leaf(array)
        y = function(x)
        (y * lineal.tensor(weights(y.shape))).sum().backward()
        return x.grad.numpy()

    return gradient


def weights(shape):
    return np.cos(np.arange(math.prod(shape), dtype=np.float64)).reshape(tuple(shape)) + 1.5


SMOOTH = {
    "sum": lambda x: x.sum(1) ** 2,
    "mean": lambda x: x.mean((0, 1), keepdim=True) ** 3,
    "prod": lambda x: x.prod(0),
    "prod of all": lambda x: x.prod(),
    "var": lambda x: x.var(1, correction=0),
    "std": lambda x: x.std(),
    "logsumexp": lambda x: x.logsumexp((0, 1)),
    "logcumsumexp": lambda x: x.logcumsumexp(1),
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(0),
    "cumsum": lambda x: x.cumsum(1) ** 2,
    "cumprod": lambda x: x.cumprod(1),
    "norm": lambda x: x.norm(),
    "norm 3": lambda x: x.norm(3, dim=1),
    "norm 1.5": lambda x: x.norm(1.5, dim=0, keepdim=True),
    "max": lambda x: x.max(1)[0] ** 2,
    "amin": lambda x: x.amin((0, 1)) ** 3,
    "cummax": lambda x: x.cummax(1)[0] ** 2,
    "renorm": lambda x: x.renorm(2, 0, 1.0),
    "cov": lambda x: x.cov(),
    "corrcoef": lambda x: x.corrcoef(),
    "trapezoid": lambda x: lineal.trapezoid(x, x.cumsum(1)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivative_is_the_derivative_of_the_first(name):
    function = SMOOTH[name]
    point = np.array([[0.3, -1.2, 0.8, 2.1], [1.7, 0.4, -0.9, 0.6], [-0.5, 1.1, 1.4, -1.6]])
    x = leaf(point)
    y = function(x)
    (y * lineal.tensor(weights(y.shape))).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    direction = np.sin(np.arange(12.0)).reshape(3, 4)
    hessian = differences(gradient_of(function, weights), point)
    if first.requires_grad:
        (first * lineal.tensor(direction)).sum().backward()
        np.testing.assert_allclose(x.grad.numpy().ravel(), np.tensordot(direction, hessian, 2), rtol=1e-5, atol=1e-6)
    value = differences(lambda array: function(lineal.tensor(array)).numpy() * weights(y.shape), point)
    np.testing.assert_allclose(first.detach().numpy().ravel(), value.reshape(-1, 12).sum(0), rtol=1e-6, atol=1e-7)


def test_integers_and_bool_add_up_to_int64():
    for dtype in (lineal.bool, lineal.int8, lineal.uint8, lineal.int32):
        x = lineal.ones(300, dtype=dtype)
        assert x.sum().dtype is lineal.int64 and x.sum().item() == 300
        assert x.cumsum(0)[-1].item() == 300
        assert x.prod().dtype is lineal.int64
    assert lineal.tensor([100, 100], dtype=lineal.int8).sum(dtype=lineal.int8).item() == -56


def test_mean_of_integers_is_refused():
    with pytest.raises(RuntimeError, match="could not infer output dtype"):
        lineal.tensor([1, 2]).mean()
    assert lineal.tensor([1, 2]).mean(dtype=lineal.float64).item() == 1.5


@pytest.mark.parametrize("dtype", [lineal.float16, lineal.bfloat16])
def test_half_precisions_add_up_in_float32(dtype):
    x = lineal.ones(3000, dtype=dtype)
    assert x.sum().item() == pytest.approx(3000, rel=0.01)
    assert x.sum().dtype is dtype
    assert x.mean().item() == 1
    assert x.cumsum(0)[-1].item() == pytest.approx(3000, rel=0.01)
    assert x.norm().item() == pytest.approx(3000**0.5, rel=0.01)
    assert x.logsumexp(0).item() == pytest.approx(1 + math.log(3000), rel=0.01)
    assert x.var().item() == 0


def test_tall_narrow_arrays_give_the_same_sums():
    for rows, columns in ((5000, 3), (512, 256), (1000, 1), (777, 7)):
        x = np.arange(rows * columns, dtype=np.float64).reshape(rows, columns) % 17
        close(lineal.tensor(x).sum(0).tolist(), x.sum(0))
        close(lineal.tensor(x).amax(0, keepdim=True).tolist(), x.max(0, keepdims=True))
    x = lineal.full((200_000, 2), 0.1, dtype=lineal.float32)
    assert x.sum(0)[0].item() == pytest.approx(20_000, rel=5e-6)


def test_numpy_argument_names():
    x = lineal.arange(6.0).reshape(2, 3)
    assert x.sum(axis=1, keepdims=True).tolist() == [[3], [12]]
    assert x.max(axis=0).indices.tolist() == [1, 1, 1]
    assert x.softmax(axis=1).shape == (2, 3)
    assert lineal.trapezoid(x, x=lineal.tensor([0.0, 1.0, 3.0]), axis=1).tolist() == [3.5, 12.5]


def test_dimensions_are_checked():
    x = lineal.zeros(2, 3)
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.sum(2)
    with pytest.raises(RuntimeError, match="multiple times"):
        x.mean((0, -2))
    with pytest.raises(TypeError):
        x.prod((0, 1))
    assert x.sum(()).shape == () and lineal.tensor(3.0).sum(-1).item() == 3


def test_empty_reductions():
    empty = lineal.zeros(0)
    assert empty.sum().item() == 0 and empty.prod().item() == 1 and empty.norm().item() == 0
    assert math.isnan(empty.mean().item()) and math.isnan(empty.var().item())
    assert empty.logsumexp(0).item() == -inf
    assert empty.all().item() and not empty.any().item()
    assert lineal.zeros(0, 3).max(1).values.shape == (0,)
    for name in ("max", "min", "amax", "aminmax"):
        with pytest.raises(RuntimeError, match=name):
            getattr(empty, name)()
    for name in ("max", "amin", "argmax"):
        with pytest.raises(IndexError, match="non-zero size"):
            getattr(lineal.zeros(2, 0), name)(1)
    with pytest.raises(IndexError):
        empty.argmin()
    with pytest.raises(RuntimeError, match="identity"):
        empty.norm(inf)


def test_extremes_share_their_gradient_or_give_it_to_the_first():
    assert slope(lambda x: x.amax(), [1, 2, 2]) == [0, 0.5, 0.5]
    assert slope(lambda x: x.max(), [1, 2, 2]) == [0, 0.5, 0.5]
    assert slope(lambda x: x.amin(1), [[1, 2, 1], [3, 3, 3]]) == [[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3]]
    assert slope(lambda x: x.max(0).values, [1, 2, 2]) == [0, 1, 0]
    assert slope(lambda x: x.min(1, keepdim=True)[0], [[1, 1, 2]]) == [[1, 0, 0]]
    assert slope(lambda x: x.cummax(0).values, [1, 1, 0]) == [1, 2, 0]
    assert slope(lambda x: x.max(), [1, nan]) == [0, 1]


def test_three_kinds_of_max():
    x = lineal.tensor([[1.0, 5.0], [7.0, 2.0]])
    assert x.max().item() == 7
    values, indices = x.max(1)
    assert values.tolist() == [5, 7] and indices.tolist() == [1, 0] and indices.dtype is lineal.int64
    assert lineal.max(x, lineal.tensor(4.0)).tolist() == [[4, 5], [7, 4]]
    assert lineal.min(x, other=lineal.tensor(4.0)).tolist() == [[1, 4], [4, 2]]
    assert type(x.max(0)).__name__ == "max" and type(x.aminmax()).__name__ == "aminmax"
    with pytest.raises(NotImplementedError):
        lineal.tensor([1j]).max()


def test_nan_is_the_largest_and_the_smallest():
    x = lineal.tensor([1.0, nan, 3.0])
    assert math.isnan(x.max().item()) and math.isnan(x.amin().item())
    assert x.argmax().item() == x.argmin().item() == 1
    assert x.nansum().item() == 4 and x.nanmean().item() == 2
    assert x.cummax(0).indices.tolist() == [0, 1, 1]
    assert slope(lambda x: x.nanmean(), [1, nan, 3]) == [0.5, 0, 0.5]


def test_indices_of_extremes():
    x = lineal.tensor([[1, 9, 9], [9, 0, 3]])
    assert x.argmax().item() == 1 and x.argmax(keepdim=True).tolist() == [[1]]
    assert x.argmax(1).tolist() == [1, 0] and x.argmin(0, keepdim=True).tolist() == [[0, 1, 1]]
    assert lineal.tensor([1, 3, 3, 2]).cummax(0).indices.tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    "numbers, expected", [([2, 3, 4], [12, 8, 6]), ([0, 3, 4], [12, 0, 0]), ([0, 3, 0], [0, 0, 0]), ([5], [1])]
)
def test_product_of_zeros(numbers, expected):
    assert slope(lambda x: x.prod(), numbers) == expected
    assert slope(lambda x: x.cumprod(0)[-1], numbers) == expected


def test_second_derivative_of_a_product_with_two_zeros():
    x = leaf([0.0, 3.0, 0.0])
    x.prod().backward(create_graph=True)
    first, x.grad = x.grad, None
    first[0].backward()
    assert x.grad.tolist() == [0, 0, 3]


def test_long_cumulative_products():
    point = np.linspace(0.9, 1.1, 300)
    point[137] = 0
    x = leaf(point)
    x.cumprod(0).sum().backward()
    before = np.concatenate([[1], np.cumprod(point)[:-1]])
    after = np.ones(300)
    for place in range(298, -1, -1):
        after[place] = 1 + point[place + 1] * after[place + 1]
    close(x.grad.tolist(), before * after)


def test_variance():
    x = lineal.tensor([1.0, 2.0, 4.0, 5.0])
    assert x.var().item() == pytest.approx(10 / 3) and x.var(unbiased=False).item() == 2.5
    assert x.var(False).item() == 2.5 and x.var(0, True, True).shape == (1,)
    assert x.std(correction=2).item() == pytest.approx(5**0.5)
    variance, mean = lineal.var_mean(x, correction=0)
    assert variance.item() == 2.5 and mean.item() == 3
    assert lineal.tensor([1 + 1j, 1 - 1j]).var().dtype is lineal.float32
    assert slope(lambda x: x.std(), [2, 2]) == [0, 0]
    assert math.isnan(lineal.tensor([1.0]).var().item())
    with pytest.raises(RuntimeError, match="floating or complex"):
        lineal.tensor([1, 2]).std()


def test_norms():
    x = lineal.tensor([3.0, 0.0, -4.0])
    assert x.norm().item() == 5 and x.norm(1).item() == 7 and x.norm(inf).item() == 4 and x.norm(-inf).item() == 0
    assert vector_norm(x, 0).item() == 2 and lineal.tensor([3 + 4j]).norm().item() == 5
    assert lineal.norm(lineal.eye(3), "fro", dim=(0, 1)).item() == pytest.approx(3**0.5)
    assert lineal.dist(x, lineal.zeros(3), 1).item() == 7
    for p in (1, 1.5, 2, 3, inf):
        assert slope(lambda x, p=p: x.norm(p), [0, 0]) == [0, 0]
    close(slope(lambda x: x.norm(), [3, 4]), [0.6, 0.8])
    assert slope(lambda x: x.norm(inf), [2, -2, 1]) == [0.5, -0.5, 0]
    with pytest.raises(RuntimeError, match="floating or complex"):
        lineal.tensor([1, 2]).norm()
    with pytest.raises(RuntimeError, match="'fro' or 'nuc'"):
        x.norm("max")


def test_second_derivative_of_the_norm_at_zero_is_finite():
    x = leaf([0.0, 0.0])
    x.norm().backward(create_graph=True)
    first, x.grad = x.grad, None
    first.sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_logarithms_of_sums_do_not_overflow():
    assert lineal.tensor([1000.0, 1000.0]).logsumexp(0).item() == pytest.approx(1000 + math.log(2))
    assert lineal.tensor([-inf, 0.0]).logsumexp(0).item() == 0
    assert slope(lambda x: x.logsumexp(0), [-inf, -inf]) == [0, 0]
    assert slope(lambda x: x.logsumexp(0), [-inf, 0]) == [0, 1]
    assert slope(lambda x: x.logcumsumexp(0), [-inf, 0]) == [0, 1]
    assert lineal.tensor([1, 2]).logsumexp(0).dtype is lineal.float32


def test_softmax():
    x = lineal.tensor([[1000.0, 1000.0], [-inf, 0.0]])
    assert x.softmax(1).tolist() == [[0.5, 0.5], [0, 1]]
    close(x.log_softmax(1).tolist()[0], [np.float32(-math.log(2))] * 2)
    assert lineal.tensor([1, 2]).softmax(0, dtype=lineal.float64).dtype is lineal.float64
    assert lineal.tensor(3.0).softmax(0).item() == 1 and lineal.zeros(2, 0).softmax(1).shape == (2, 0)
    with pytest.raises(NotImplementedError):
        lineal.tensor([1, 2]).softmax(0)
    assert slope(lambda x: x.softmax(0), [1, 2, 3]) == pytest.approx([0, 0, 0], abs=1e-15)


def test_truth():
    x = lineal.tensor([[1, 0], [2, 3]], dtype=lineal.uint8)
    assert x.all(1).tolist() == [0, 1] and x.all(1).dtype is lineal.uint8
    assert x.float().any((0, 1)).item() is True
    assert x.count_nonzero(0).tolist() == [2, 1]
    assert lineal.equal(x, x.clone()) and not lineal.equal(x, x[0])
    assert lineal.allclose(lineal.tensor([1.0, nan]), lineal.tensor([1.0 + 1e-7, nan]), equal_nan=True)


def test_differences_and_integrals():
    x = lineal.tensor([1.0, 2.0, 4.0, 7.0])
    assert x.diff().tolist() == [1, 2, 3] and x.diff(2).tolist() == [1, 1] and x.diff(9).tolist() == []
    assert lineal.diff(lineal.tensor([True, False])).tolist() == [True]
    assert lineal.gradient(x)[0].tolist() == [1, 1.5, 2.5, 3]
    parabola = lineal.tensor([0.0, 1.0, 3.0, 4.0], dtype=lineal.float64)
    (found,) = lineal.gradient(parabola**2, spacing=(parabola,), edge_order=2)
    close(found.tolist(), [0, 2, 6, 8])
    assert lineal.trapezoid(x).item() == 10 and lineal.trapz(x, dx=2).item() == 20
    assert lineal.cumulative_trapezoid(x, lineal.tensor([0.0, 1.0, 2.0, 4.0])).tolist() == [1.5, 4.5, 15.5]


def test_trace():
    assert lineal.arange(9).reshape(3, 3).trace().item() == 12
    assert slope(lambda x: x.trace(), [[1, 2], [3, 4]]) == [[1, 0], [0, 1]]
    with pytest.raises(RuntimeError, match="matrix"):
        lineal.zeros(2).trace()


def test_out_and_in_place():
    x = lineal.tensor([[1.0, 2.0], [3.0, 4.0]])
    total = lineal.empty(0)
    assert lineal.sum(x, 0, out=total) is total and total.tolist() == [4, 6]
    values, indices = lineal.empty(0), lineal.empty(0, dtype=lineal.int64)
    lineal.max(x, 1, out=(values, indices))
    assert values.tolist() == [2, 4] and indices.tolist() == [1, 1]
    with pytest.raises(RuntimeError):
        lineal.sum(x, out=lineal.empty((), dtype=lineal.int64))
    assert x.cumsum_(0) is x and x.tolist() == [[1, 2], [4, 6]]


def test_names_of_nodes():
    x = leaf([[1.0, 2.0]])
    found = [y.grad_fn.name() for y in (x.sum(), x.sum(0), x.mean(), x.mean(1), x.max(), x.max(0)[0], x.amax(), x.prod())]
    expected = "Sum0 Sum1 Mean0 Mean1 Max1 Max0 Amax0 Prod0".split()
    assert found == [f"{each[:-1]}Backward{each[-1]}" for each in expected]


@pytest.mark.parametrize(("function", "op"), [(lineal.sum, Sum), (lineal.mean, Mean)])
@pytest.mark.parametrize("dtype", [lineal.float32, lineal.float64, lineal.complex64])
def test_whole_sums_are_the_same_to_the_last_bit_with_and_without_a_door(function, op, dtype):
    x = lineal.randn(2, 63, 33, dtype=dtype)
    for each in (x, x.transpose(0, 2), x[:, ::2]):
        assert lineal.equal(apply(op((0, 1, 2), False, True), each), function(each))
