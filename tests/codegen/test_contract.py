"""Contractions: every pair of kinds, layout and size by the same routine, against NumPy in wider numbers; epilogues."""

import itertools

import ml_dtypes
import numpy as np
import pytest

import lineal as torch
from lineal.codegen import target
from lineal.codegen.contract import arrays, tiles
from lineal.codegen.contract.contraction import Contraction
from lineal.codegen.contract.problem import Contract, Epilogue, Image, Made, converted
from lineal.codegen.formulas import Number, formula_of
from lineal.codegen.kinds import bool_, float32, kind_of

from .harness import LEVELS

RNG = np.random.default_rng(0)
EPS = {"float32": 2.0**-24, "float64": 2.0**-53, "bfloat16": 2.0**-8, "float16": 2.0**-11}
# fewer and more than a tile's rows and columns, than a block's depth, and none at all
SIZES = [
    (1, 1, 1),
    (3, 5, 7),
    (12, 32, 256),
    (13, 33, 257),
    (100, 70, 300),
    (5, 300, 800),
    (300, 9, 40),
    (40, 24, 0),
    (0, 8, 8),
]


def storage(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def numbers(name, *shape):
    found = RNG.integers(0, 100, shape) if name[0] in "iu" else RNG.standard_normal(shape)
    return found.astype(storage(name))


def with_gaps(x, columns=False):
    """Return an array of the same numbers with gaps between them; with `columns` only between columns."""
    m, n = x.shape
    memory = np.zeros((2 * n, m), x.dtype).T[:, ::2] if columns else np.zeros((2 * m, 3 * n), x.dtype)[::2, ::3]
    memory[...] = x
    return memory


def check(name, problem, m, n, k, lies):
    """Hold one contraction against NumPy."""
    turned, gaps = lies
    a = numbers(name, k, m).T if problem.by_columns else numbers(name, m, k)
    b = numbers(name, n, k).T if turned else numbers(name, k, n)
    if gaps:
        a, b = with_gaps(a, problem.by_columns), with_gaps(b)
    out = np.full((m, n), 7).astype(storage(name))
    arrays.contract(problem, a, b, [out])
    if name[0] in "iu":
        np.testing.assert_array_equal(out, (a.astype(np.int64) @ b.astype(np.int64)).astype(out.dtype))
        return
    exact, size = (f(a).astype(np.float64) @ f(b).astype(np.float64) for f in (np.array, np.abs))
    bound = EPS[name] * np.abs(exact) + (k + 4) * EPS[kind_of(name).computed.name] * size
    assert (np.abs(out.astype(np.float64) - exact) <= bound).all(), (m, n, k, lies)


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8"])
def test_a_contraction_is_the_product_whatever_the_layout(name, by_columns):
    kind = kind_of(name)
    problem = Contract(name, name, by_columns, epilogue=converted(kind.computed, kind) if kind.is_narrow else None)
    for (m, n, k), *lies in itertools.product(SIZES, (False, True), (False, True)):
        check(name, problem, m, n, k, lies)


@pytest.mark.parametrize("matrices", [False, True])
@pytest.mark.parametrize("by_columns", [False, True])
def test_pairs_of_bfloat16_are_multiplied_by_the_processor(by_columns, matrices, monkeypatch):
    if not target.host().has("amx-bf16" if matrices else "avx512bf16") or (matrices and not target.matrices_allowed()):
        pytest.skip("the processor has no such instruction, or may not use it")
    if not matrices:
        monkeypatch.setattr(tiles, "matrices_allowed", lambda: False)
        monkeypatch.setattr(tiles, "FAST_PAIRS", "")
    arrays.native.cache_clear()
    kind = kind_of("bfloat16")
    problem = Contract("bfloat16", "bfloat16", by_columns, True, converted(float32, kind))
    monkeypatch.setattr(arrays, "contraction", Contraction)
    for (m, n, k), *lies in itertools.product([*SIZES, (40, 40, 31), (33, 17, 1030)], (False, True), (False, True)):
        check("bfloat16", problem, m, n, k, lies)
    arrays.native.cache_clear()


@pytest.mark.parametrize("level", [each for each in LEVELS if each != "avx512"])
def test_older_processors_give_the_same(level, monkeypatch):
    monkeypatch.setattr(arrays, "host", lambda: target.level(level))
    arrays.native.cache_clear()
    for (m, n, k), *lies in itertools.product(SIZES, (False, True), (False, True)):
        check("float32", Contract("float32", "float32"), m, n, k, lies)
    arrays.native.cache_clear()


def test_an_epilogue_makes_several_results_of_each_sum():
    """z = Σ is kept; y = max(z + b, 0) · c and whether y > d, for a row b, a column c and a matrix d."""
    wide = (float32, float32)
    steps = (
        Made(formula_of(lambda m, z, b: z + b, wide), (0, 1), "float32", False),
        Made(formula_of(lambda m, x, zero: m.maximum(x, zero), wide), (4, Number(0.0)), "float32", False),
        Made(formula_of(lambda m, x, c: x * c, wide), (5, 2), "float32", True),
        Made(formula_of(lambda m, y, d: y > d, wide), (6, 3), bool_.name, True),
    )
    for kept, (m, n, k) in itertools.product((False, True), [(13, 33, 20), (25, 70, 900)]):
        problem = Contract(
            "float32", "float32", epilogue=Epilogue(steps, (("float32", True), ("float32", False), ("float32", True)), kept)
        )
        a, b, row, column, d = (numbers("float32", *shape) for shape in ((m, k), (k, n), (1, n), (m, 1), (m, n)))
        z, y, more = np.empty((m, n), "f"), np.empty((m, n), "f"), np.empty((m, n), bool)
        given = [np.lib.stride_tricks.as_strided(row, (m, n), (0, 4)), column, d]
        arrays.contract(problem, a, b, [*([z] if kept else []), y, more], given)
        exact = a.astype(np.float64) @ b
        wanted = np.maximum(exact + row, 0) * column
        np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-4)
        assert not kept or np.abs(z - exact).max() < 1e-4
        clear = np.abs(wanted - d) > 1e-3
        np.testing.assert_array_equal(more[clear], (wanted > d)[clear])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int32, torch.int64, torch.uint8])
def test_eager_products_of_other_kinds(dtype):
    make = lambda *shape: (torch.randn(shape) if dtype.is_floating_point else torch.randint(0, 90, shape)).to(dtype)
    wide = torch.float64 if dtype.is_floating_point else torch.int64
    a, b, stack, others = make(90, 70), make(70, 50), make(3, 90, 70), make(3, 50, 70)
    pairs = [(a @ b, a.to(wide) @ b.to(wide)), (stack @ others.mT, stack.to(wide) @ others.to(wide).mT)]
    if dtype.is_floating_point:
        w, bias = make(50, 70), make(50)
        linear = torch.nn.functional.linear
        pairs.append((linear(stack, w, bias), linear(stack.to(wide), w.to(wide), bias.to(wide))))
    for y, wanted in pairs:
        assert y.dtype is dtype and y.shape == wanted.shape
        if dtype.is_floating_point:
            eps = torch.finfo(dtype).eps
            assert ((y.to(wide) - wanted).abs() <= eps * (wanted.abs() / 2 + 1e-2)).all()
        else:
            assert torch.equal(y, wanted.to(dtype))


@pytest.mark.parametrize("turned", [False, True])
def test_large_products_of_single_precision_are_those_of_any_number_of_threads(turned):
    x, w, bias = (torch.randn(shape, requires_grad=True) for shape in ((2, 100, 130), (170, 130), (170,)))
    given = x.mT.contiguous().mT if turned else x
    found, before = [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        y = torch.nn.functional.linear(given, w, bias)
        found.append((y, given.reshape(200, 130) @ w.T, *torch.autograd.grad(y.sin().sum(), (x, w))))
    torch.set_num_threads(before)
    assert all(map(torch.equal, *found))
    wide = [each.detach().double().requires_grad_() for each in (x, w, bias)]
    y = torch.nn.functional.linear(*wide)
    wanted = (y, (y - wide[2]).reshape(200, 170), *torch.autograd.grad(y.sin().sum(), wide[:2]))
    for each, exact in zip(found[0], wanted):
        assert (each - exact).abs().max() < 1e-4 and each.dtype is torch.float32


def test_exact_products_of_bfloat16_keep_small_numbers():
    """A number below 2⁻¹²⁶ times 1 is itself, where nothing is to be taken for zero."""
    tiny = torch.full((64, 64), 2.0**-130).to(torch.bfloat16)
    one = torch.eye(64).to(torch.bfloat16)
    before = torch.get_bfloat16_products()
    try:
        torch.set_bfloat16_products("exact")
        assert torch.equal(tiny @ one, tiny)
        torch.set_bfloat16_products("native")
        assert ((tiny @ one == tiny) | (tiny @ one == 0)).all()
    finally:
        torch.set_bfloat16_products(before)
    with pytest.raises(ValueError, match="set_bfloat16_products: expected one of native, exact, got 'fast'"):
        torch.set_bfloat16_products("fast")


IMAGES = [
    ((3, 9, 11), (3, 3), (1, 1), (1, 1), (1, 1)),
    ((4, 8, 40), (3, 5), (2, 1), (1, 2), (0, 3)),
    ((2, 20), (3,), (2,), (1,), (2,)),
    ((40, 16, 16), (3, 3), (1, 1), (1, 1), (1, 1)),
    ((3, 5, 6, 7), (2, 3, 2), (1, 2, 1), (1, 1, 2), (1, 0, 1)),
    ((17, 33, 33), (1, 1), (1, 1), (1, 1), (0, 0)),
]
"""Images, and kernels with stride, dilation and padding."""


def laid_out(x, kernel, stride, dilation, padding):
    """Return what a kernel sees of an image, copied out."""
    image = np.pad(x, [(0, 0), *((each, each) for each in padding)])
    fields = list(zip(kernel, stride, dilation, image.shape[1:]))
    places = [(size - far * (side - 1) - 1) // step + 1 for side, step, far, size in fields]
    found = np.zeros((len(x), *kernel, *places), x.dtype)
    for r in np.ndindex(*kernel):
        seen = (
            slice(n * far, n * far + (count - 1) * step + 1, step) for n, (_, step, far, _), count in zip(r, fields, places)
        )
        found[:, *r] = image[:, *seen]
    return found.reshape(len(x) * np.prod(kernel), np.prod(places))


@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16", "int32"])
def test_a_convolution_is_a_contraction_with_an_image(name):
    """Whole numbers, so that every kind has the exact result; turned, as the derivative by the kernel multiplies."""
    kind, dtype = kind_of(name), storage(name)
    for (shape, *way), gaps, turned in itertools.product(IMAGES, (False, True), (False, True)):
        image = RNG.integers(-3, 4, shape)
        exact = laid_out(image, *way)
        memory = np.zeros([2 * each for each in shape], dtype)
        memory = memory[tuple(slice(None, None, 2) if gaps else slice(0, each) for each in shape)]
        memory[...] = image
        found = arrays.seen(memory, *way)
        assert found.shape == exact.shape
        other = RNG.integers(-2, 3, (exact.shape[1], 14) if turned else (14, len(exact)))
        given, wanted = (found, other.astype(dtype)), exact @ other if turned else other @ exact
        epilogue = converted(kind.computed, kind) if kind.is_narrow or turned else None
        wanted = wanted.T if turned else wanted
        out = np.empty(wanted.shape, dtype)
        problem = Contract(name, name, pairs=True, epilogue=epilogue, image=Image(len(way[0]), turned))
        arrays.contract(problem, *(given if turned else given[::-1]), [out])
        np.testing.assert_array_equal(out.astype(np.int64), wanted.astype(dtype).astype(np.int64))


@pytest.mark.parametrize("name, side", [("float32", 4), ("float32", 7), ("float64", 5)])
def test_columns_run_on_through_images(name, side):
    """Of 5 images, each a matrix of its own in the result, plus a number for each row and what lies there."""
    x, w = RNG.integers(-3, 4, (5, 70, side, side)).astype(name), RNG.integers(-2, 3, (14, 630)).astype(name)
    bias, beside = RNG.integers(-2, 3, (14, 1)).astype(name), RNG.integers(-9, 9, (5, 14, side * side)).astype(name)
    wanted = np.stack([w @ laid_out(each, (3, 3), (1, 1), (1, 1), (1, 1)) for each in x]) + bias + beside
    b = arrays.seen(x.swapaxes(0, 1), (1, 3, 3), (1, 1, 1), (1, 1, 1), (0, 1, 1))
    step = Made(formula_of(lambda m, y, b, c: y + b + c, (kind_of(name),) * 3), (0, 1, 2), name, True)
    problem = Contract(name, name, epilogue=Epilogue((step,), ((name, False), (name, True))), image=Image(3, runs=True))
    out, apart = np.empty(wanted.shape, name), 14 * side * side
    stack = arrays.Stack(1, 1, ((0, 0),) * 5, (side * side, apart, 0, apart))
    arrays.contract(problem, w, b, [out[0]], [bias, beside[0]], stack)
    np.testing.assert_array_equal(out, wanted)


def test_the_derivative_by_an_image_sees_the_cotangent_backwards():
    """x̄[c, i] = Σ w[o, c, r] ȳ[o, i + p - r d]: a kernel that walks the other way; its padding is -p."""
    w, g, pad, far = RNG.integers(-2, 3, (5, 4, 3, 3)), RNG.integers(-3, 4, (5, 9, 10)), 1, 1
    wanted = np.zeros((4, 9 + 2, 10 + 2), np.int64)
    for r in np.ndindex(3, 3):
        wanted[:, r[0] : r[0] + 9, r[1] : r[1] + 10] += np.einsum("oc,oij->cij", w[:, :, *r], g)
    b = arrays.seen(g.astype("f"), (3, 3), (1, 1), (-far, -far), (-pad, -pad), (9, 10))
    out = np.empty((4, 90), "f")
    a = np.ascontiguousarray(w.transpose(1, 0, 2, 3).reshape(4, 45).astype("f"))
    arrays.contract(Contract("float32", "float32", image=Image(2)), a, b, [out])
    np.testing.assert_array_equal(out.reshape(4, 9, 10), wanted[:, pad:-pad, pad:-pad])
