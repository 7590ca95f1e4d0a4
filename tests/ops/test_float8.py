"""float8: conversions against the formats' definition, what may be done with such tensors, and what is refused."""

import copy
import math
import pickle
import re
from bisect import bisect_left
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import lineal
from lineal.base.dtypes import BY_NUMPY

E4M3FN, E5M2 = lineal.float8_e4m3fn, lineal.float8_e5m2
BOTH = pytest.mark.parametrize("dtype", [E4M3FN, E5M2], ids=str)
# bits of the exponent, its bias, bits of the significand; then the bits of the largest number, and of what is beyond it
FORMATS = {E4M3FN: (4, 7, 3, 0x7E, 0x7E), E5M2: (5, 15, 2, 0x7B, 0x7C)}
NAN = 0x7F
BYTES = np.arange(256, dtype=np.uint8)


def value(dtype, bits):
    """Return the number that eight bits mean: OCP 8-bit Floating Point Specification, table 1."""
    _, bias, digits, largest, beyond = FORMATS[dtype]
    sign, rest = (-1.0 if bits & 0x80 else 1.0), bits & 0x7F
    if rest > largest:
        return math.copysign(math.inf, sign) if rest == beyond else math.nan
    exponent, significand = rest >> digits, rest & ((1 << digits) - 1)
    if exponent:
        return sign * (1 + significand / (1 << digits)) * 2.0 ** (exponent - bias)
    return sign * significand / (1 << digits) * 2.0 ** (1 - bias)


def numbers_of(dtype):
    """Return the numbers from 0 to the largest; the place of each is its bits."""
    return [value(dtype, bits) for bits in range(FORMATS[dtype][3] + 1)]


def bits_of(dtype, number, known={}):  # noqa: B006
    """Return the bits of the nearest float8 number, by exact arithmetic: halves to even bits, too large as the format says."""
    sign = 0x80 if math.copysign(1.0, number) < 0 else 0
    if math.isnan(number):
        return sign | NAN
    _, _, _, largest, beyond = FORMATS[dtype]
    numbers = known.setdefault(dtype, numbers_of(dtype))
    size = abs(number)
    if size >= numbers[-1]:
        step = numbers[-1] - numbers[-2]
        within = not math.isinf(size) and Fraction(size) < Fraction(numbers[-1]) + Fraction(step) / 2
        return sign | (largest if within else beyond)
    above = bisect_left(numbers, size)
    if numbers[above] == size:
        return sign | above
    low, high = Fraction(size) - Fraction(numbers[above - 1]), Fraction(numbers[above]) - Fraction(size)
    nearest = above if high < low else above - 1 if low < high else above if above % 2 == 0 else above - 1
    return sign | nearest


def tensor_of(dtype, bits):
    return lineal.tensor(np.asarray(bits, np.uint8)).view(dtype)


def bytes_of(x):
    return x.view(lineal.uint8).tolist()


def text_of(x):
    """Return how a tensor is shown, but for the dtype and where lines end."""
    return re.sub(r",? *dtype=[^)]*", "", " ".join(repr(x).split()))


def same(a, b):
    return (a == b) | ((a != a) & (b != b))


def hard_numbers(dtype):
    """Return float32 numbers of every kind: all float8 numbers, the middles between them, their neighbours, and the ends."""
    numbers = np.array(numbers_of(dtype))
    middles = (numbers[1:] + numbers[:-1]) / 2
    beyond = numbers[-1] + (numbers[-1] - numbers[-2]) * np.array([0.25, 0.5, 0.75, 1, 2])
    exact = np.concatenate([numbers, middles, beyond]).astype(np.float32)
    near = [np.nextafter(exact, np.float32(direction)) for direction in (-np.inf, np.inf)]
    ends = np.array([np.inf, np.nan, 1e30, 3.4e38, 1e-45, 1e-38, 1e-10, 65504, 65520], np.float32)
    drawn = np.random.default_rng(0)
    spread = (drawn.standard_normal(4000) * 2.0 ** drawn.integers(-20, 20, 4000)).astype(np.float32)
    every = np.concatenate([exact, *near, ends, spread])
    return np.concatenate([every, -every])


@BOTH
@pytest.mark.parametrize("target", ["float32", "float64", "float16", "bfloat16", "complex64"])
def test_every_bit_pattern_becomes_the_number_that_the_format_means(dtype, target):
    wanted = np.array([value(dtype, bits) for bits in range(256)])
    found = tensor_of(dtype, BYTES).to(getattr(lineal, target)).numpy()
    assert same(found.real.astype(np.float64), wanted).all()
    assert (np.signbit(found.real.astype(np.float64)) == (BYTES >= 128)).all()


@BOTH
def test_every_bit_pattern_becomes_whole_numbers_and_truth_values(dtype):
    wanted = [value(dtype, bits) for bits in range(256)]
    finite = [bits for bits in range(256) if math.isfinite(wanted[bits])]
    x = tensor_of(dtype, finite)
    for target in (lineal.int32, lineal.int64):
        assert x.to(target).tolist() == [int(wanted[bits]) for bits in finite]
    assert tensor_of(dtype, BYTES).to(lineal.bool).tolist() == [number != 0 for number in wanted]


@BOTH
def test_every_bit_pattern_comes_back(dtype):
    # of NaN only the sign comes back
    wanted = [bits if value(dtype, bits) == value(dtype, bits) else bits & 0x80 | NAN for bits in range(256)]
    for between in (lineal.float32, lineal.float64, lineal.float16, lineal.bfloat16):
        assert bytes_of(tensor_of(dtype, BYTES).to(between).to(dtype)) == wanted
    assert bytes_of(tensor_of(dtype, BYTES).clone()) == BYTES.tolist()


@BOTH
def test_float32_is_rounded_to_the_nearest_halves_to_even(dtype):
    numbers = hard_numbers(dtype)
    wanted = [bits_of(dtype, float(each)) for each in numbers]
    assert bytes_of(lineal.tensor(numbers).to(dtype)) == wanted
    assert bytes_of(lineal.tensor(numbers.reshape(2, -1)).t().to(dtype).t().contiguous().flatten()) == wanted


@BOTH
@pytest.mark.parametrize("storage", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_every_half_precision_number_is_rounded_so(dtype, storage, step):
    numbers = np.arange(0, 1 << 16, step, dtype=np.uint16).view(storage)
    with np.errstate(all="ignore"):
        wanted = [bits_of(dtype, each) for each in numbers.astype(np.float64).tolist()]
    assert bytes_of(lineal.tensor(numbers).to(dtype)) == wanted


@BOTH
def test_float64_and_whole_numbers_come_by_way_of_float32(dtype):
    numbers = np.array(numbers_of(dtype))
    middles = (numbers[1:] + numbers[:-1]) / 2
    # just above and below a middle in float64, on it in float32: the second rounding goes to even
    doubles = np.concatenate([middles, middles * (1 + 2.0**-40), middles * (1 - 2.0**-40), [1e300, -1e300, np.inf, 1e-300]])
    with np.errstate(all="ignore"):
        wanted = [bits_of(dtype, float(each)) for each in doubles.astype(np.float32)]
    assert bytes_of(lineal.tensor(doubles).to(dtype)) == wanted
    assert bytes_of(lineal.tensor(doubles.tolist(), dtype=dtype)) == wanted
    whole = np.concatenate([np.arange(-66000, 66000, 37), np.arange(-600, 600), [2**24 + 1, 2**40, 2**63 - 1, -(2**63)]])
    wanted = [bits_of(dtype, float(np.float32(int(each)))) for each in whole]
    assert bytes_of(lineal.tensor(whole).to(dtype)) == wanted
    for storage in (np.uint8, np.int8, np.bool_):
        few = np.arange(-100, 100).astype(storage)
        assert bytes_of(lineal.tensor(few).to(dtype)) == [bits_of(dtype, float(each)) for each in few]


@BOTH
def test_one_float8_becomes_the_other(dtype):
    other = E5M2 if dtype is E4M3FN else E4M3FN
    wanted = [bits_of(other, value(dtype, bits)) for bits in range(256)]
    wanted = [bits & 0x80 | NAN if math.isnan(value(dtype, n)) else bits for n, bits in enumerate(wanted)]
    signs = [0x80 if n >= 128 else 0 for n in range(256)]
    assert [bits | sign for bits, sign in zip(wanted, signs)] == bytes_of(tensor_of(dtype, BYTES).to(other))


@BOTH
def test_tensors_are_made_of_shapes_and_numbers(dtype):
    for made, numbers in [
        (lineal.zeros(2, dtype=dtype), [0.0, 0.0]),
        (lineal.ones(2, dtype=dtype), [1.0, 1.0]),
        (lineal.full((2,), 3.3, dtype=dtype), [value(dtype, bits_of(dtype, 3.3))] * 2),
        (lineal.full((), -0.0, dtype=dtype), 0.0),
        (lineal.tensor([1, 0.3], dtype=dtype), [1.0, value(dtype, bits_of(dtype, 0.3))]),
        (lineal.eye(2, dtype=dtype), [[1.0, 0.0], [0.0, 1.0]]),
        (lineal.tensor(1e9, dtype=dtype), 448.0 if dtype is E4M3FN else math.inf),
        (lineal.ones(1, dtype=dtype).new_full((1,), 2), [2.0]),
        (lineal.zeros_like(lineal.ones(1, dtype=dtype)), [0.0]),
    ]:
        assert made.dtype is dtype
        assert made.tolist() == numbers
    assert lineal.empty(3, 2, dtype=dtype).shape == (3, 2)
    assert bytes_of(lineal.full((), -0.0, dtype=dtype)) == 0x80
    for fill in (lambda: lineal.full((3,), 1e6, dtype=dtype), lambda: lineal.zeros(3, dtype=dtype).fill_(1e6)):
        with pytest.raises(RuntimeError, match=f"value cannot be converted to type {dtype.name} without overflow"):
            fill()


@BOTH
def test_limits_and_sizes_are_those_of_the_format(dtype):
    numbers = numbers_of(dtype)
    limits = lineal.finfo(dtype)
    assert (limits.bits, limits.max, limits.min, limits.eps) == (8, numbers[-1], -numbers[-1], 2.0 ** (1 - dtype.digits))
    assert limits.tiny == limits.smallest_normal == 2.0 ** (1 - FORMATS[dtype][1])
    assert limits.resolution == 1
    x = lineal.ones(3, dtype=dtype)
    assert (x.element_size(), x.itemsize, dtype.itemsize, x.nbytes) == (1, 1, 1, 3)
    assert x.is_floating_point()
    assert x.is_signed()
    assert not x.is_complex()
    assert x.type() == f"torch.{dtype.name.capitalize()}Tensor"


@BOTH
def test_numbers_are_moved_as_those_of_any_dtype(dtype):
    numbers = [value(dtype, bits) for bits in range(1, 25)]
    x, like = tensor_of(dtype, range(1, 25)).reshape(4, 6), lineal.tensor(numbers).reshape(4, 6)
    mask = like > like[1, 2]

    def set_item(y, key, new):
        y = y.clone()
        y[key] = new.to(y.dtype) if isinstance(new, lineal.Tensor) else new
        return y

    for move in [
        lambda y: y.t(),
        lambda y: y[1:, ::2],
        lambda y: y[1],
        lambda y: y[lineal.tensor([0, 3, 0])],
        lambda y: y[mask],
        lambda y: y.masked_select(mask),
        lambda y: y.index_select(1, lineal.tensor([5, 0])),
        lambda y: lineal.cat([y, y[:1]]),
        lambda y: lineal.stack([y, y], 1),
        lambda y: y.roll(1, 0),
        lambda y: y.repeat(2, 1),
        lambda y: y[0, ::2].expand(2, 3),
        lambda y: y[::2].unfold(1, 2, 2),
        lambda y: y.as_strided((2, 2), (1, 5), 3),
        lambda y: y.t().contiguous().view(-1),
        lambda y: lineal.where(mask, y, y.abs()),
        lambda y: lineal.nn.functional.pad(y, (1, 2)),
        lambda y: set_item(y, (0, slice(None)), 2.0),
        lambda y: set_item(y, lineal.tensor([0, 1]), like[2:]),
        lambda y: y.clone().copy_(y[0]),
        lambda y: y.clone().zero_(),
        copy.deepcopy,
        lambda y: pickle.loads(pickle.dumps(y)),
    ]:
        assert move(x).dtype is dtype
        assert move(x).tolist() == move(like).tolist()
        assert text_of(move(x)) == text_of(move(x).float())


@BOTH
def test_numbers_are_compared(dtype):
    x = tensor_of(dtype, BYTES)
    wanted = lineal.tensor([value(dtype, bits) for bits in range(256)])
    y = x.roll(1)
    assert (x == y).tolist() == (wanted == wanted.roll(1)).tolist()
    assert (x != x).tolist() == wanted.isnan().tolist() == x.isnan().tolist()
    assert (x == 1.0).tolist() == (wanted == 1.0).tolist()
    assert (x.any().item(), x.all().item()) == (True, False)
    assert same(x.abs().float(), wanted.abs()).all()
    assert x.sum(dtype=lineal.float64).isnan()
    assert lineal.equal(x[:9], x[:9].clone())


@BOTH
def test_bits_are_seen_through_views(dtype):
    x = lineal.tensor([1.0, -2.0], dtype=dtype)
    bits = x.view(lineal.uint8)
    bits[0] = 0
    assert x.tolist() == [0.0, -2.0]
    assert x.view(lineal.int16).shape == (1,)
    assert bits.view(dtype).tolist() == x.tolist()


@BOTH
def test_products_of_matrices_are_computed_in_float32_and_rounded_once(dtype):
    lineal.manual_seed(0)
    A, B, b = (lineal.randn(*shape).to(dtype) for shape in ((5, 40), (40, 6), (6,)))
    exact = A.float() @ B.float()
    assert bytes_of(A @ B) == bytes_of(exact.to(dtype))
    assert bytes_of(lineal.nn.functional.linear(A, B.t(), b)) == bytes_of((exact + b.float()).to(dtype))


REFUSED = {
    "add": lambda x: x + x,
    "mul": lambda x: x * 2,
    "sub": lambda x: 1 - x,
    "neg": lambda x: -x,
    "exp": lambda x: x.exp(),
    "relu": lambda x: x.relu(),
    "lt": lambda x: x < x,
    "maximum": lambda x: lineal.maximum(x, x),
    "clamp": lambda x: x.clamp(0, 1),
    "div": lambda x: x / x,
    "Sum": lambda x: x.sum(),
    "Mean": lambda x: x.mean(),
    "Max": lambda x: x.max(),
    "Sort": lambda x: x.sort(),
    "Cumsum": lambda x: x.cumsum(0),
    "Softmax": lambda x: x.softmax(0),
    "Std": lambda x: x.std(),
    "Dot": lambda x: x.dot(x),
    "Bmm": lambda x: x.view(1, 1, 2).bmm(x.view(1, 2, 1)),
    "IndexAdd": lambda x: x.index_add(0, lineal.tensor([0]), x[:1]),
    "IndexPut": lambda x: x.clone().index_put_((lineal.tensor([0]),), x[:1], accumulate=True),
    "Uniform": lambda x: lineal.rand(2, dtype=x.dtype),
    "Normal": lambda x: x.clone().normal_(),
    "arange": lambda x: lineal.arange(3, dtype=x.dtype),
    "linspace": lambda x: lineal.linspace(0, 1, 3, dtype=x.dtype),
}


@BOTH
@pytest.mark.parametrize("name", REFUSED)
def test_arithmetic_is_refused_by_op_and_dtype(dtype, name):
    x = lineal.tensor([1.0, 2.0], dtype=dtype)
    with pytest.raises(NotImplementedError, match=f"(?i)^{name}: not implemented for {dtype}"):
        REFUSED[name](x)
    assert x.tolist() == [1.0, 2.0]


@BOTH
def test_arithmetic_is_refused_where_nobody_saw_such_a_dtype_before(dtype):
    """Nothing of an earlier call may decide: the storages are known as soon as there is such a tensor."""
    assert BY_NUMPY[lineal.zeros(1, dtype=dtype).value.dtype] is dtype
    with pytest.raises(NotImplementedError, match="Add: not implemented"):
        lineal.add(lineal.zeros(0, dtype=dtype), lineal.zeros(0, dtype=dtype))


@BOTH
def test_no_other_dtype_is_met(dtype):
    x = lineal.ones(2, dtype=dtype)
    for other in (lineal.float32, lineal.float16, lineal.int8, lineal.bool, E5M2 if dtype is E4M3FN else E4M3FN):
        for meet in (lineal.add, lineal.eq, lambda a, b: lineal.cat([a, b])):
            with pytest.raises(RuntimeError, match="Promotion for Float8 Types is not supported"):
                meet(x, lineal.ones(2, dtype=other))
        with pytest.raises(RuntimeError, match="Promotion for Float8 Types is not supported"):
            lineal.promote_types(other, dtype)
    assert lineal.promote_types(dtype, dtype) is lineal.result_type(x, 1.5) is lineal.result_type(x, 2) is dtype
    with pytest.raises(RuntimeError, match="no complex dtype"):
        lineal.result_type(x, 1j)
    with pytest.raises(TypeError, match="expected a floating dtype"):
        lineal.set_default_dtype(dtype)


@BOTH
def test_derivatives_pass_conversions(dtype):
    x = lineal.tensor([0.3, -7.7, 1e9], requires_grad=True)
    y = x.to(dtype)
    assert y.requires_grad
    (y.float() * lineal.tensor([2.0, 3.3, 1.0])).sum().backward()
    # the cotangent of a float8 tensor is one
    assert x.grad.tolist() == lineal.tensor([2.0, 3.3, 1.0]).to(dtype).tolist()


@BOTH
def test_compiled_functions_compute_the_same(dtype):
    def step(x, w):
        a, b = x.to(dtype), w.to(dtype)
        same = a.eq(a.roll(1, 0))
        return a, (a @ b).float() * 2, same, lineal.cat([a, a]), a.view(lineal.uint8), a[1:, ::2].clone(), a.float().sum(0)

    compiled = lineal.compile(step)
    for seed in range(3):
        lineal.manual_seed(seed)
        x, w = lineal.randn(4, 6) * 300, lineal.randn(6, 3)
        for y, z in zip(step(x, w), compiled(x, w)):
            assert y.dtype is z.dtype
            assert y.float().tolist() == z.float().tolist()
    again = lineal.compile(lambda a: (a.float() * 2 + 1).to(dtype))
    for bits in (range(8, 40), range(60, 92), range(130, 162)):
        a = tensor_of(dtype, list(bits))
        assert bytes_of(again(a)) == bytes_of((a.float() * 2 + 1).to(dtype))
    with pytest.raises(NotImplementedError, match="Add: not implemented"):
        lineal.compile(lambda a: a + a)(a)


@BOTH
def test_files_keep_every_bit_under_the_formats_name(dtype, tmp_path):
    x = tensor_of(dtype, BYTES).reshape(16, 16)
    lineal.save({"x": x}, tmp_path / "x.safetensors")
    found = lineal.load(tmp_path / "x.safetensors")["x"]
    assert found.dtype is dtype
    assert bytes_of(found) == bytes_of(x)
    assert b'"dtype":"%s"' % {E4M3FN: b"F8_E4M3", E5M2: b"F8_E5M2"}[dtype] in (tmp_path / "x.safetensors").read_bytes()


class Exporter:
    """A tensor of another library, of which nothing is known but DLPack."""

    def __init__(self, tensor):
        self.__dlpack__, self.__dlpack_device__ = tensor.__dlpack__, tensor.__dlpack_device__


@BOTH
def test_dlpack_shares_memory(dtype):
    x = tensor_of(dtype, BYTES)
    y = lineal.from_dlpack(Exporter(x))
    assert y.dtype is dtype
    # the oldest NumPy takes what is exchanged without a version for read-only
    x[3] = 1.0
    assert y[3].item() == 1.0
    with pytest.raises((BufferError, RuntimeError)):
        np.from_dlpack(x)


@BOTH
def test_arrays_of_ml_dtypes_are_taken(dtype):
    array = BYTES.view(getattr(ml_dtypes, dtype.name))
    x = lineal.from_numpy(array)
    assert x.dtype is dtype
    assert bytes_of(x) == BYTES.tolist()
    assert lineal.tensor(array).dtype is dtype
