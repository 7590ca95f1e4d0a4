"""`out=`: which dtypes it takes, when it is resized, what it may overlap; and tensors laid out in memory formats."""

from __future__ import annotations

import warnings

import pytest

import lineal

M = lineal.tensor([[4.0, 1.0, 2.0], [1.0, 5.0, 3.0], [2.0, 3.0, 6.0]])
N = lineal.tensor([[4, 1, 2], [1, 5, 3], [2, 3, 6]])
V = lineal.ones(3)

# name: arguments, and the dtypes of `out` that PyTorch 2.13 takes and refuses
DTYPES = {
    "add": ((N, N), "int64 int32 uint8 float16 complex64", "bool"),
    "bitwise_and": ((N, N), "int64 int8 uint8 float32", "bool"),
    "gcd": ((N, N), "int32 uint8", "bool"),
    "mul": ((M, M), "float32 float16 float64 complex64", "int64 uint8 bool"),
    "exp": ((M,), "float32 float16 float64 complex64", "int64 bool"),
    "eq": ((M, M), "bool uint8 float32", ""),
    "sum": ((M,), "float32 float64 float16", "int64"),
    "abs": ((M,), "float32", "float64 float16 complex64 int64"),
    "ceil": ((M,), "float32", "float64 float16"),
    "matmul": ((M, M), "float32", "float64 float16 complex64 int64"),
    "mm": ((M, M), "float32", "float64 int64"),
    "mv": ((M, V), "float32", "float64"),
    "addmm": ((M, M, M), "float32", "float64"),
    "tril": ((M,), "float32", "float64"),
    "where": ((M > 2, M, M), "float32", "float64"),
    "argmax": ((M,), "int64", "int32 float64"),
    "all": ((M > 0,), "bool uint8", "float32 int64"),
    "linalg.inv": ((M,), "float32", "float64 float16"),
    "linalg.solve": ((M, M), "float32", "float64"),
    "linalg.vector_norm": ((M,), "float32", "float64"),
}


def named(name):
    found = lineal
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", DTYPES)
def test_the_dtypes_out_takes(name):
    args, taken, refused = DTYPES[name]
    y = named(name)(*args)
    for kind in taken.split():
        out = lineal.zeros(y.shape, dtype=getattr(lineal, kind))
        assert named(name)(*args, out=out) is out
        assert lineal.equal(out, y.to(out.dtype))
    for kind in refused.split():
        with pytest.raises(RuntimeError, match="type"):
            named(name)(*args, out=lineal.zeros(y.shape, dtype=getattr(lineal, kind)))


def test_joins_refuse_with_a_type_error():
    for name in ("cat", "stack", "hstack"):
        with pytest.raises(TypeError, match="can't be cast"):
            named(name)([M, M], out=lineal.zeros(1, dtype=lineal.int64))


@pytest.mark.parametrize("name", ["add", "exp", "matmul", "sum", "cat", "linalg.inv", "cumsum"])
def test_out_of_another_shape_is_resized_with_a_warning(name):
    args = {"add": (M, M), "matmul": (M, M), "cat": ([M, M],), "cumsum": (M, 0)}.get(name, (M,))
    wanted = named(name)(*args)
    with pytest.warns(UserWarning, match="resized"):
        assert lineal.equal(named(name)(*args, out=lineal.zeros(7)), wanted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lineal.equal(named(name)(*args, out=lineal.empty(0)), wanted)


def test_factories_resize_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in (lambda out: lineal.zeros(3, 3, out=out), lambda out: lineal.eye(3, out=out)):
            assert make(lineal.zeros(7)).shape == (3, 3)
    with pytest.warns(UserWarning, match="resized"):
        lineal.arange(4, out=lineal.zeros(7))


OVERLAPPING = {
    "exp": lambda x, out: lineal.exp(x, out=out),
    "add": lambda x, out: lineal.add(x, 1.0, out=out),
    "mul, second": lambda x, out: lineal.mul(2.0, x, out=out),
    "clamp": lambda x, out: lineal.clamp(x, 0.0, 1.0, out=out),
    "pow": lambda x, out: lineal.pow(x, 3, out=out),
    "square": lambda x, out: lineal.square(x, out=out),
    "maximum": lambda x, out: lineal.maximum(x, x, out=out),
    "lerp": lambda x, out: lineal.lerp(x, x, 0.5, out=out),
    "addcmul": lambda x, out: lineal.addcmul(x, x, x, out=out),
    "cumsum": lambda x, out: lineal.cumsum(x, 0, out=out),
    "eq": lambda x, out: lineal.eq(x, x, out=out),
}


@pytest.mark.parametrize("name", OVERLAPPING)
def test_out_may_be_the_input_but_not_overlap_it(name):
    call = OVERLAPPING[name]
    memory = lineal.linspace(0.1, 0.9, 12).reshape(4, 3)
    before = memory.clone()
    with pytest.raises(RuntimeError, match="unsupported operation"):
        call(memory[:-1], memory[1:])
    assert lineal.equal(memory, before)
    wanted = call(memory[:-1], lineal.empty(0))
    assert lineal.allclose(call(memory[:-1], memory[:-1]), wanted)


def test_out_must_not_repeat_its_memory_nor_be_differentiated():
    with pytest.raises(RuntimeError, match="unsupported operation"):
        lineal.exp(M, out=lineal.zeros(1, 3).expand(3, 3))
    with pytest.raises(RuntimeError, match="automatic differentiation"):
        lineal.exp(M, out=lineal.zeros(3, 3, requires_grad=True))


@pytest.mark.parametrize("make", [lineal.zeros, lineal.ones, lineal.rand, lineal.empty, lineal.eye, lineal.arange])
def test_out_that_is_no_tensor(make):
    with pytest.raises(TypeError, match="out"):
        make(3, out=3)


def test_can_cast_looks_at_the_category():
    assert lineal.can_cast(lineal.int64, lineal.uint8)
    assert not lineal.can_cast(lineal.int64, lineal.bool)
    assert not lineal.can_cast(lineal.float32, lineal.int64)


X = lineal.arange(120.0).reshape(2, 3, 4, 5)
LAST = (60, 1, 15, 3)
FORMATS = {
    "contiguous": lambda x: x.contiguous(memory_format=lineal.channels_last),
    "clone": lambda x: x.clone(memory_format=lineal.channels_last),
    "to": lambda x: x.to(memory_format=lineal.channels_last),
    "to dtype": lambda x: x.to(lineal.float64, memory_format=lineal.channels_last),
    "double": lambda x: x.double(memory_format=lineal.channels_last),
}


@pytest.mark.parametrize("name", FORMATS)
def test_channels_last_is_an_order_of_axes_in_memory(name):
    x = X.clone().requires_grad_()
    y = FORMATS[name](x)
    assert y.stride() == LAST and lineal.equal(y.to(x.dtype), x)
    assert y.is_contiguous(memory_format=lineal.channels_last) and not y.is_contiguous()
    assert y.contiguous().stride() == (60, 20, 5, 1)
    (y * X).sum().backward()
    assert lineal.equal(x.grad, X)


def test_new_tensors_in_a_format():
    for make in (lineal.empty_like, lineal.zeros_like, lineal.ones_like, lineal.rand_like, lineal.randn_like):
        assert make(X, memory_format=lineal.channels_last).stride() == LAST
        assert make(X, memory_format=lineal.preserve_format).stride() == X.stride()
        for other in (M.T, X.clone(memory_format=lineal.channels_last), X.permute(3, 1, 0, 2)):
            assert make(other).stride() == other.stride()
        assert make(X[:, ::2]).is_contiguous() and make(M[:, :1].expand(-1, 5)).is_contiguous()
    assert lineal.empty(2, 3, 4, 5, memory_format=lineal.channels_last).stride() == LAST
    assert lineal.empty(1, 2, 3, 4, 5, memory_format=lineal.channels_last_3d).stride() == (120, 1, 40, 10, 2)
    assert X.transpose(1, 2).clone(memory_format=lineal.contiguous_format).is_contiguous()


def test_formats_that_do_not_fit():
    with pytest.raises(RuntimeError, match="rank 4"):
        M.contiguous(memory_format=lineal.channels_last)
    with pytest.raises(RuntimeError, match="preserve"):
        M.T.contiguous(memory_format=lineal.preserve_format)
    with pytest.raises(TypeError, match="memory_format"):
        M.clone(memory_format="channels_last")
    assert repr(lineal.channels_last) == "torch.channels_last"
