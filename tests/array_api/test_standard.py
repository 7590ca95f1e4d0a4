"""The array API namespace against others that follow the standard: NumPy, and array-api-strict where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import lineal
from lineal import array_api as xp

ORACLES = ["numpy", *(name for name in ["array_api_strict"] if importlib.util.find_spec(name))]

NAMES = """
abs acos acosh add all any arange argmax argmin argsort asarray asin asinh astype atan atan2 atanh bitwise_and bitwise_invert
bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor bool broadcast_arrays broadcast_shapes broadcast_to can_cast ceil
clip complex128 complex64 concat conj copysign cos cosh count_nonzero cumulative_prod cumulative_sum diff divide e empty
empty_like equal exp expand_dims expm1 eye finfo flip float32 float64 floor floor_divide from_dlpack full full_like greater
greater_equal hypot iinfo imag inf int16 int32 int64 int8 isdtype isfinite isin isinf isnan less less_equal linspace log log10
log1p log2 logaddexp logical_and logical_not logical_or logical_xor matmul matrix_transpose max maximum mean meshgrid min
minimum moveaxis multiply nan negative newaxis nextafter nonzero not_equal ones ones_like permute_dims pi positive pow prod
real reciprocal remainder repeat reshape result_type roll round searchsorted sign signbit sin sinh sort sqrt square squeeze
stack std subtract sum take take_along_axis tan tanh tensordot tile tril triu trunc uint16 uint32 uint64 uint8 unique_all
unique_counts unique_inverse unique_values unstack var vecdot where zeros zeros_like
"""
LINALG = """
cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power matrix_rank matrix_transpose outer
pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
"""
FFT = "fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift"

UNARY = """
abs acos acosh asin asinh atan atanh ceil conj cos cosh exp expm1 floor isfinite isinf isnan log log10 log1p log2 negative
positive real reciprocal round sign signbit sin sinh sqrt square tan tanh trunc
""".split()
BINARY = (
    "add atan2 copysign divide equal greater hypot less_equal logaddexp maximum minimum multiply not_equal pow subtract".split()
)
REDUCTIONS = "all any count_nonzero max mean min prod std sum var".split()
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
FLOATS = arrays.arrays(np.float64, SHAPES, elements=st.floats(-4, 4, width=32) | st.sampled_from([np.inf, np.nan, -0.0]))
few = settings(max_examples=6, deadline=None)


def near(mine: lineal.Tensor, other: object) -> None:
    """Hold a tensor to what an oracle gives, in dtype, shape and numbers."""
    wanted = np.asarray(other)
    assert str(mine.dtype).removeprefix("torch.") == wanted.dtype.name
    np.testing.assert_allclose(mine.numpy(), wanted, rtol=1e-6, atol=1e-9)


def both(name: str, oracle: str, *given: np.ndarray, **options: object) -> None:
    """Call a function of both libraries on the same numbers."""
    other = importlib.import_module(oracle)
    with np.errstate(all="ignore"):
        wanted = getattr(other, name)(*[other.asarray(each) for each in given], **options)
    near(getattr(xp, name)(*[xp.asarray(each) for each in given], **options), wanted)


@pytest.mark.parametrize(("space", "names"), [(xp, NAMES), (xp.linalg, LINALG), (xp.fft, FFT)], ids=["main", "linalg", "fft"])
def test_every_name_of_the_standard_is_there(space, names):
    assert [name for name in names.split() if not hasattr(space, name)] == []


def test_a_tensor_tells_its_namespace():
    x = lineal.ones(2)
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ValueError, match=r"got '1999\.01'"):
        x.__array_namespace__(api_version="1999.01")
    assert xp.__array_namespace_info__().capabilities()["boolean indexing"] is True
    assert x.to_device("cpu") is x


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("name", UNARY)
@few
@given(x=FLOATS)
def test_functions_of_one_array(oracle, name, x):
    both(name, oracle, x)


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("name", BINARY)
@few
@given(data=st.data())
def test_functions_of_two_arrays_promote_and_broadcast(oracle, name, data):
    first, second = data.draw(arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes
    elements = st.floats(0.25, 4, width=32)
    x1 = data.draw(arrays.arrays(np.float64, first, elements=elements))
    x2 = data.draw(arrays.arrays(data.draw(st.sampled_from([np.float32, np.float64])), second, elements=elements))
    both(name, oracle, x1, x2)


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("name", REDUCTIONS)
@few
@given(data=st.data())
def test_reductions_along_axes(oracle, name, data):
    x = data.draw(arrays.arrays(np.float64, arrays.array_shapes(max_dims=3, max_side=3), elements=st.floats(-4, 4, width=32)))
    x = x > 0 if name in ("all", "any") else x
    axis = data.draw(st.none() | st.just(()) | arrays.valid_tuple_axes(x.ndim))
    both(name, oracle, x, axis=axis, keepdims=data.draw(st.booleans()))


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "uint16", "uint64"])
def test_sums_and_products_of_integers_have_the_wide_dtype_of_their_kind(dtype):
    x = np.array([[1, 2], [3, 4]], dtype)
    for name in ("sum", "prod"):
        both(name, "numpy", x, axis=1)
    both("cumulative_sum", "numpy", x, axis=0, include_initial=True)
    assert xp.cumulative_sum(xp.asarray(x), axis=0, dtype=xp.int8).dtype is xp.int8


@pytest.mark.parametrize("types", [("int8", "uint8"), ("uint16", "int16"), ("uint32", "int8"), ("uint8", "uint64")])
def test_signed_and_unsigned_integers_promote_as_the_standard_says(types):
    first, second = (getattr(xp, each) for each in types)
    assert xp.result_type(first, second).name == np.result_type(*types).name
    assert xp.add(xp.ones(2, dtype=first), xp.ones((), dtype=second)).dtype is xp.result_type(second, first)


def test_an_array_without_dimensions_promotes_like_any_other_and_a_number_gives_way():
    assert xp.add(xp.ones(2), xp.asarray(1.0, dtype=xp.float64)).dtype is xp.float64
    assert xp.add(xp.ones(2), 1.0).dtype is xp.float32
    assert xp.result_type(xp.float64, 1j) is xp.complex128
    assert operator.add(xp.ones(2), xp.asarray(1.0, dtype=xp.float64)).dtype is xp.float32, "operators are PyTorch's"


MOVES = {
    "concat": lambda np_, x: np_.concat([x, x], axis=None),
    "expand_dims": lambda np_, x: np_.expand_dims(x, axis=-1),
    "flip": lambda np_, x: np_.flip(x, axis=1),
    "moveaxis": lambda np_, x: np_.moveaxis(x, 0, 2),
    "permute_dims": lambda np_, x: np_.permute_dims(x, (2, 0, 1)),
    "repeat": lambda np_, x: np_.repeat(x, np_.asarray([1, 0, 2]), axis=1),
    "roll": lambda np_, x: np_.roll(x, (1, 2), axis=(0, 2)),
    "squeeze": lambda np_, x: np_.squeeze(x[:1, ...], axis=0),
    "stack": lambda np_, x: np_.stack([x, x], axis=1),
    "take": lambda np_, x: np_.take(x, np_.asarray([-1, 0]), axis=1),
    "take_along_axis": lambda np_, x: np_.take_along_axis(x, np_.argsort(x, axis=-1, descending=False), axis=-1),
    "tile": lambda np_, x: np_.tile(x, (2, 1)),
    "unstack": lambda np_, x: np_.unstack(x, axis=1)[2],
    "diff": lambda np_, x: np_.diff(x, axis=1, n=2),
    "searchsorted": lambda np_, x: np_.searchsorted(np_.sort(np_.reshape(x, (-1,))), x, side="right"),
    "sort": lambda np_, x: np_.sort(x, axis=0),
    "trace": lambda np_, x: np_.linalg.trace(x, offset=1),
    "cross": lambda np_, x: np_.linalg.cross(x[..., :3], x[0, 0, :3]),
    "matrix_norm": lambda np_, x: np_.linalg.matrix_norm(x, ord=1),
    "vector_norm": lambda np_, x: np_.linalg.vector_norm(x, axis=(0, 2), ord=3),
    "pinv": lambda np_, x: np_.linalg.pinv(x, rtol=1e-3),
    "svdvals": lambda np_, x: np_.linalg.svdvals(x),
    "solve": lambda np_, x: np_.linalg.solve(x[:, :3, :3] + 5 * np_.eye(3, dtype=np_.float64), x[:, :, 0][..., None]),
    "rfftn": lambda np_, x: np_.fft.rfftn(x, axes=(0, 2), norm="ortho"),
    "irfft": lambda np_, x: np_.fft.irfft(np_.astype(x, np_.complex128), n=5, axis=1),
    "fftshift": lambda np_, x: np_.fft.fftshift(x, axes=(1,)),
}


@pytest.mark.parametrize("oracle", ["array_api_strict" if "array_api_strict" in ORACLES else "numpy"])
@pytest.mark.parametrize("name", MOVES)
def test_what_moves_numbers_and_the_extensions(name, oracle):
    x, other = np.random.default_rng(1).normal(size=(2, 3, 4)), importlib.import_module(oracle)
    if oracle == "numpy" and name == "take_along_axis":
        pytest.skip("NumPy's argsort has no `descending`")
    near(MOVES[name](xp, xp.asarray(x)), MOVES[name](other, other.asarray(x)))


def test_distinct_values_with_all_that_is_known_of_them():
    x = xp.asarray([[3.0, 1.0, xp.nan], [1.0, 3.0, xp.nan]])
    found = xp.unique_all(x)
    assert found.values.tolist()[:2] == [1.0, 3.0]
    assert found.counts.tolist() == [2, 2, 1, 1]
    assert found.indices.tolist() == [1, 0, 2, 5]
    assert xp.take(found.values, xp.reshape(found.inverse_indices, (-1,))).tolist()[:2] == [3.0, 1.0]
    assert xp.unique_values(xp.asarray([1j, 1, 1j])).tolist() == [1j, 1]


@pytest.mark.parametrize("k", [0, 1, -2, 9, -(10**20)])
def test_a_diagonal_may_lie_outside(k):
    near(xp.eye(3, 4, k=k, dtype=xp.float64), np.eye(3, 4, k=max(-9, k)))


def test_gradients_go_through_the_namespace():
    x = lineal.ones(3, requires_grad=True)
    xp.sum(xp.multiply(xp.take(x, xp.asarray([0, 0, 2])), 2.0)).backward()
    assert x.grad.tolist() == [4.0, 0.0, 2.0]


def test_what_is_refused():
    with pytest.raises(TypeError, match="take real"):
        xp.astype(xp.asarray(1j), xp.float32)
    with pytest.raises(ValueError, match="expected axes of size 1"):
        xp.squeeze(xp.ones((2, 1)), axis=0)
    with pytest.raises(ValueError, match="at least one dimension"):
        xp.nonzero(xp.asarray(1))
    with pytest.raises(ValueError, match="expected an axis"):
        xp.cumulative_sum(xp.ones((2, 2)))


@pytest.mark.skipif("array_api_strict" not in ORACLES, reason="array-api-strict comes with lineal[standard] alone")
def test_signatures_are_those_of_the_standard():
    strict = importlib.import_module("array_api_strict")
    functions = [(name, getattr(xp, name), getattr(strict, name)) for name in NAMES.split()]
    functions = [each for each in functions if inspect.isfunction(each[1]) and inspect.isfunction(each[2])]
    assert [name for name, mine, theirs in functions if form(mine) != form(theirs)] == []


def form(function):
    """Return the names of a function's arguments, and how they are given."""
    return [(each.name, each.kind) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize(
    ("name", "x", "wanted"),
    [
        ("expm1", complex(np.inf, 0), complex(np.inf, 0)),
        ("expm1", complex(-np.inf, np.nan), complex(-1, 0)),
        ("expm1", complex(np.nan, 0), complex(np.nan, 0)),
        ("tanh", complex(np.inf, 2), complex(1, 0)),
        ("tanh", complex(-np.inf, -2), complex(-1, -0.0)),
    ],
)
def test_complex_functions_at_infinity_are_the_standards(name, x, wanted):
    y = getattr(xp, name)(xp.asarray(x)).item()
    np.testing.assert_equal((y.real, y.imag), (wanted.real, wanted.imag))
    assert np.signbit(y.imag) == np.signbit(wanted.imag)
