"""Elementwise ops: values and derivatives that can be checked by hand, and what parity with another library cannot see."""

import gc
import math
import operator
import subprocess
import sys

import numpy as np
import pytest

import lineal as torch
from lineal.ops.pattern import Elementwise

INF = math.inf


def grad_of(function, *numbers, dtype=torch.float64):
    """Return the derivatives of a function's sum by each of its inputs."""
    xs = [torch.tensor(each, dtype=dtype, requires_grad=True) for each in numbers]
    return [g.tolist() for g in torch.autograd.grad(function(*xs).sum(), xs)]


class Stranger:
    """An operand that lineal does not know and that knows what to do."""

    def __radd__(self, other):
        return "radd"

    __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rand__ = __rlshift__ = __radd__
    __gt__ = __lt__ = __eq__ = __radd__
    __hash__ = None


@pytest.mark.parametrize(
    "function",
    [
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.floordiv,
        operator.mod,
        operator.pow,
        operator.and_,
        operator.lshift,
        operator.lt,
        operator.gt,
        operator.eq,
    ],
)
def test_unknown_operands_get_their_turn(function):
    assert function(torch.tensor([1, 2]), Stranger()) == "radd"


def test_operators_refuse_what_nobody_knows():
    x = torch.tensor([1.0])
    for function in (operator.add, operator.pow, operator.lt):
        with pytest.raises(TypeError):
            function(x, "one")
    assert (x == None) is False  # noqa: E711
    assert (x != "one") is True


def test_reflected_operators():
    x = torch.tensor([2, 3])
    assert (1 - x).tolist() == [-1, -2]
    assert (6 / x).tolist() == [3.0, 2.0]
    assert (7 // x).tolist() == [3, 2]
    assert (7 % x).tolist() == [1, 1]
    assert (2**x).tolist() == [4, 8]
    assert (1 << x).tolist() == [4, 8]
    assert (3 & x, 4 | x, 1 ^ x) == (pytest.approx([2, 3]), pytest.approx([6, 7]), pytest.approx([3, 2]))


def test_in_place_operators_keep_the_tensor():
    x = y = torch.tensor([8, 9])
    x += 1
    x *= 2
    x -= 2
    x //= 3
    x <<= 1
    x |= 1
    assert x is y
    assert x.tolist() == [11, 13]
    with pytest.raises(RuntimeError, match="div_: result type"):
        x /= 2


@pytest.mark.parametrize(
    ("x", "number", "dtype"),
    [
        (torch.tensor([1], dtype=torch.int8), 300, torch.int8),
        (torch.tensor([1], dtype=torch.int8), 0.5, torch.float32),
        (torch.tensor([True]), 2, torch.int64),
        (torch.tensor([1.0], dtype=torch.float16), 0.5, torch.float16),
        (torch.tensor([1.0], dtype=torch.float64), 2j, torch.complex128),
        (torch.tensor(1, dtype=torch.int32), torch.tensor([1], dtype=torch.int8), torch.int8),
    ],
)
def test_promotion(x, number, dtype):
    assert (x * number).dtype is dtype
    assert (number * x).dtype is dtype


def test_numbers_beyond_the_dtype():
    assert (torch.tensor([1.0]) * 1e300).tolist() == [INF]
    assert (torch.tensor([1], dtype=torch.int8) + 300).tolist() == [45]
    assert (torch.tensor([255], dtype=torch.uint8) == -1).tolist() == [True]


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda b: -b, RuntimeError),
        (lambda b: b - b, RuntimeError),
        (lambda b: 1 - b, RuntimeError),
        (lambda b: b.abs(), NotImplementedError),
        (lambda b: torch.relu(b), RuntimeError),
        (lambda b: b.frexp(), RuntimeError),
        (lambda b: torch.maximum(b, 1), TypeError),
        (lambda b: torch.eq(1, b), TypeError),
        (lambda b: torch.logical_and(b, 1), TypeError),
        (lambda b: torch.clamp(b), RuntimeError),
        (lambda b: b.imag, RuntimeError),
        (lambda b: ~torch.tensor([1.0]), TypeError),
        (lambda b: torch.tensor([2]) ** -1, RuntimeError),
        (lambda b: torch.tensor([2]) // 0, RuntimeError),
        (lambda b: torch.tensor([1j]) < 1, NotImplementedError),
        (lambda b: torch.tensor([1j]).clamp(0), NotImplementedError),
        (lambda b: torch.add(torch.tensor([1]), b, alpha=0.5), RuntimeError),
        (lambda b: torch.where(torch.tensor([1]), 1, 2), RuntimeError),
        (lambda b: torch.isclose(torch.ones(1), torch.ones(1), rtol=-1.0), RuntimeError),
        (lambda b: torch.complex(torch.ones(1), torch.ones(1, dtype=torch.float64)), RuntimeError),
        (lambda b: torch.view_as_complex(torch.ones(3)), RuntimeError),
        (lambda b: torch.polygamma(-1, torch.ones(1)), RuntimeError),
        (lambda b: torch.ones(2) + torch.ones(3), RuntimeError),
    ],
)
def test_refusals(function, error):
    with pytest.raises(error):
        function(torch.tensor([True, False]))


def test_errors_name_the_op_and_the_shapes():
    with pytest.raises(RuntimeError, match=r"mul.*2.*3"):
        torch.ones(2) * torch.ones(3)


def test_subgradients():
    assert grad_of(torch.relu, [-1.0, 0.0, 2.0]) == [[0.0, 0.0, 1.0]]
    assert grad_of(torch.abs, [-1.0, 0.0, 2.0]) == [[-1.0, 0.0, 1.0]]
    assert grad_of(torch.maximum, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == [[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]
    assert grad_of(torch.minimum, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]
    assert grad_of(lambda x: x.clamp(0, 1), [-1.0, 0.0, 0.5, 1.0, 2.0]) == [[0.0, 1.0, 1.0, 1.0, 0.0]]
    assert grad_of(lambda x: x**0, [0.0, 2.0]) == [[0.0, 0.0]]
    assert grad_of(torch.pow, [0.0], [2.0]) == [[0.0], [0.0]]
    assert grad_of(torch.xlogy, [0.0], [2.0]) == [[math.log(2)], [0.0]]
    assert grad_of(torch.floor, [1.5]) == [[0.0]]


def test_what_a_mask_hides_stays_hidden():
    assert grad_of(lambda x: torch.where(x > 0, x.log(), 0.0), [1.0, 2.0]) == [[1.0, 0.5]]
    assert torch.xlogy(torch.zeros(1), torch.zeros(1)).tolist() == [0.0]
    x = torch.tensor([-1.0, 1.0], requires_grad=True)
    torch.relu(x).backward(torch.tensor([INF, 1.0]))
    assert x.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (torch.tanh, 0.5, lambda x: -2 * math.tanh(x) * (1 - math.tanh(x) ** 2)),
        (torch.sigmoid, 0.0, lambda x: 0.0),
        (torch.sqrt, 4.0, lambda x: -1 / 32),
        (torch.reciprocal, 2.0, lambda x: 1 / 4),
        (lambda x: 1 / x, 2.0, lambda x: 1 / 4),
        (lambda x: x**2, 3.0, lambda x: 2.0),
        (lambda x: x**3, 3.0, lambda x: 18.0),
        (lambda x: x**2.5, 4.0, lambda x: 7.5),
        (torch.erf, 1.0, lambda x: -4 * x * math.exp(-x * x) / math.sqrt(math.pi)),
        (torch.atan, 1.0, lambda x: -0.5),
        (torch.lgamma, 1.0, lambda x: math.pi**2 / 6),
        (torch.abs, 1.0, lambda x: 0.0),
    ],
)
def test_second_derivatives(function, at, expected):
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    y = function(x)
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    (bend,) = torch.autograd.grad(slope + 0 * x, x)
    assert bend.item() == pytest.approx(expected(at))


def test_complex_derivatives_are_conjugated():
    z = torch.tensor(1 + 2j, requires_grad=True)
    (z * (3 - 1j)).real.backward()
    assert z.grad.item() == 3 + 1j
    w = torch.tensor(3 + 4j, requires_grad=True)
    w.abs().backward()
    assert w.grad.item() == pytest.approx(0.6 + 0.8j)


def test_a_real_factor_gets_a_real_gradient():
    a = torch.tensor(2.0, requires_grad=True)
    (a * torch.tensor(1 + 1j)).real.backward()
    assert a.grad.dtype is torch.float32
    assert a.grad.item() == 1.0


def test_parts_are_views():
    z = torch.zeros(3, dtype=torch.complex64)
    z.real += 1
    z.imag[1] = 5
    assert z.tolist() == [1, 1 + 5j, 1]
    pairs = torch.view_as_real(z)
    pairs[0] = 7
    assert z[0].item() == 7 + 7j
    assert torch.view_as_complex(pairs)[1].item() == 1 + 5j
    assert torch.view_as_real(z[::2]).shape == (2, 2)


def test_real_tensors_are_their_own_parts():
    x = torch.ones(2)
    assert all(each is x for each in (x.real, x.conj(), torch.conj_physical(x), x.resolve_conj()))


def test_where_takes_every_form():
    c = torch.tensor([True, False])
    assert torch.where(c, 1, 2.5).dtype is torch.float32
    assert torch.where(c, torch.tensor([1, 2]), 0).tolist() == [1, 0]
    assert torch.ones(2).where(c, torch.zeros(())).tolist() == [1.0, 0.0]
    assert torch.where(c[:, None], 1, torch.arange(3)).shape == (2, 3)
    assert [each.tolist() for each in torch.where(c)] == [[0]]


def test_out_takes_the_result():
    out = torch.empty(0)
    assert torch.add(torch.ones(2), 1, out=out) is out
    assert out.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.add(torch.ones(2), 1, out=torch.empty(2, dtype=torch.int64))


def test_empty_and_scalar_tensors():
    assert torch.exp(torch.empty(0, 3)).shape == (0, 3)
    assert (torch.empty(0, 3) + torch.ones(3)).shape == (0, 3)
    assert torch.tanh(torch.tensor(0.0)).shape == ()
    assert torch.where(torch.empty(0) > 0, 1, 2).shape == (0,)


def test_in_place_keeps_what_the_derivative_needs():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    y = x * 1
    y.sin_().mul_(y)
    y.sum().backward()
    expected = 2 * np.sin([0.5, 2.0]) * np.cos([0.5, 2.0])
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)


def test_half_precision_rounds_once():
    x = torch.tensor([0.1, 1.7], dtype=torch.float16)
    exact = 1 / (1 + np.exp(-x.numpy().astype(np.float64)))
    assert x.sigmoid().numpy().tolist() == exact.astype(np.float16).tolist()
    assert x.to(torch.bfloat16).sigmoid().dtype is torch.bfloat16


def test_shifts_beyond_the_width():
    x = torch.tensor([-8, 8])
    assert (x << 64).tolist() == [0, 0]
    assert (x >> 64).tolist() == [-1, 0]
    assert (x >> -1).tolist() == [-1, 0]


def test_labels_tell_rows_apart():
    rows = [each for each in gc.get_objects() if type(each) is Elementwise]
    labels = [each.label for each in rows]
    assert sorted(labels) == sorted(set(labels))


def test_scipy_waits_for_its_first_use():
    code = "import sys, lineal; assert not any(each.startswith('scipy.special') for each in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.complex128, torch.int32, torch.bool])
def test_large_selections_are_exact(dtype):
    a, b = torch.randn(40, 50).to(dtype), torch.randn(50).to(dtype)
    c = torch.randn(40, 50) > 0
    assert np.array_equal(torch.where(c, a, b).numpy(), np.where(c.numpy(), a.numpy(), b.numpy()))


def test_a_masked_infinity_is_zero():
    x = torch.zeros(40, 50, requires_grad=True)
    torch.where(torch.zeros(40, 50) > 0, x, 1.0).backward(torch.full((40, 50), INF))
    assert x.grad.numpy().max() == 0.0


MIXED = "add mul xlogy lerp atan2 hypot fmod remainder pow logaddexp copysign nextafter floor_divide where".split()


@pytest.mark.parametrize("name", MIXED)
def test_results_lie_alike_whether_an_input_is_expanded_or_broadcast(name):
    """A trace expands what eager code leaves to NumPy; a view of one and a copy of the other would be a difference."""
    function = getattr(torch, name)
    lies, column, row = torch.rand(3, 16).t() + 0.5, torch.rand(16, 1) + 0.5, torch.rand(3) + 0.5
    for one in (column, row):
        xs = {"where": (lies > 1, lies, one), "lerp": (lies, one, one)}.get(name, (lies, one))
        found, expanded = function(*xs), function(*[x.expand(16, 3) for x in xs])
        assert found.stride() == expanded.stride()
        assert torch.equal(found, expanded)
