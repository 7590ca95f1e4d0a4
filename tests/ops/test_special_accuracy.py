"""Special functions against mpmath: at most so many units in the last place away from zeros of the function."""

import mpmath
import numpy as np
import pytest

import lineal
from lineal import special
from lineal.base import config
from lineal.compiler import checking
from lineal.testing import gradcheck, gradgradcheck

PLACES = np.concatenate([np.linspace(-9.3, 9.7, 14), [1e-3, 0.5, 25.0]])
POSITIVE = np.array([1e-3, 0.1, 0.7, 1.9, 3.3, 6.1, 12.0, 25.0])

# name, the function of mpmath, where
CASES = [
    ("airy_ai", mpmath.airyai, PLACES[PLACES < 10]),
    ("bessel_j0", lambda x: mpmath.besselj(0, x), PLACES),
    ("bessel_j1", lambda x: mpmath.besselj(1, x), PLACES),
    ("bessel_y0", lambda x: mpmath.bessely(0, x), POSITIVE),
    ("bessel_y1", lambda x: mpmath.bessely(1, x), POSITIVE),
    ("i0", lambda x: mpmath.besseli(0, x), PLACES),
    ("i0e", lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), PLACES),
    ("i1", lambda x: mpmath.besseli(1, x), PLACES),
    ("i1e", lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), PLACES),
    ("modified_bessel_k0", lambda x: mpmath.besselk(0, x), POSITIVE),
    ("modified_bessel_k1", lambda x: mpmath.besselk(1, x), POSITIVE),
    ("scaled_modified_bessel_k0", lambda x: mpmath.besselk(0, x) * mpmath.exp(x), POSITIVE),
    ("scaled_modified_bessel_k1", lambda x: mpmath.besselk(1, x) * mpmath.exp(x), POSITIVE),
    ("spherical_bessel_j0", lambda x: mpmath.sin(x) / x, PLACES),
    ("erfcx", lambda x: mpmath.exp(x * x) * mpmath.erfc(x), PLACES[PLACES < 10]),
    ("ndtr", lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2, PLACES),
    ("log_ndtr", lambda x: mpmath.log1p(-mpmath.erfc(x / mpmath.sqrt(2)) / 2), PLACES[PLACES < 12]),
    ("entr", lambda x: -x * mpmath.log(x), POSITIVE),
]


STEEP = np.array([-36.3, -25.1, -11.9, -6.86, -3.01, -0.76, 2.3, 5.1])


@pytest.mark.parametrize("name", ["erfcx", "ndtr", "log_ndtr", "gammaln", "psi", "i0e", "i1e"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_arrays_and_programs_are_as_exact_as_small_arrays(name, dtype):
    x = STEEP[:-1].astype(dtype) if name == "erfcx" and dtype == "float64" else STEEP[2:].astype(dtype)
    function = getattr(special, name)
    small = function(lineal.tensor(x)).numpy()
    large = function(lineal.tensor(np.resize(x, config.LARGE_ARRAY))).numpy()[: x.size]
    compiled = lineal.compile(function)
    program = [compiled(lineal.tensor(x)).numpy() for _ in range(3)][-1]
    np.testing.assert_array_equal(large, program)
    np.testing.assert_allclose(large, small, rtol=16 * np.finfo(dtype).eps)


def test_what_numpy_makes_of_special_functions_is_what_code_makes():
    names = ["erfcx", "ndtr", "log_ndtr", "gammaln", "psi", "i0", "i1", "i0e", "i1e"]
    places = [*STEEP, 0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -2.0, 1e-30, 1e30, -1e30, -0.5, -3.003]
    x = lineal.tensor(np.array(places))
    with checking():
        function = lineal.compile(lambda x: (*[getattr(special, name)(x) for name in names], special.polygamma(1, x)))
        made = [function(x) for _ in range(3)][-1]
    for name, y in zip(names, made):
        np.testing.assert_allclose(y, getattr(special, name)(x), rtol=1e-14, atol=1e-300, err_msg=name)


@pytest.mark.parametrize(("dtype", "most"), [("float32", 3), ("float64", 20)])
@pytest.mark.parametrize(("name", "exact", "places"), CASES, ids=[case[0] for case in CASES])
def test_special_functions_are_exact(name, exact, places, dtype, most):
    # what swings is exact beside the size of its waves, not beside itself where it crosses zero
    least = 0.05 if name in ("airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "spherical_bessel_j0") else 0.0
    x = places.astype(dtype)
    y = getattr(special, name)(lineal.tensor(x)).numpy()
    assert y.dtype == dtype
    with mpmath.workdps(40):
        expected = [exact(mpmath.mpf(float(each))) for each in x]
        relative = [float(abs(mpmath.mpf(float(a)) - b) / max(abs(b), least)) for a, b in zip(y, expected)]
    worst = int(np.argmax(relative))
    assert relative[worst] <= most * np.finfo(dtype).eps, f"{relative[worst] / np.finfo(dtype).eps:.1f} ulp at {x[worst]!r}"


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("i0", [0.0], [1.0]),
        ("i1e", [0.0, np.inf], [0.0, 0.0]),
        ("airy_ai", [1e3, 1e10, np.inf], [0.0, 0.0, 0.0]),
        ("bessel_j0", [0.0, np.inf], [1.0, 0.0]),
        ("bessel_y0", [0.0, -1.0], [-np.inf, np.nan]),
        ("modified_bessel_k1", [0.0, -1.0], [np.inf, np.nan]),
        ("spherical_bessel_j0", [0.0, -np.inf], [1.0, 0.0]),
        ("erfcx", [-np.inf, np.inf], [np.inf, 0.0]),
        ("ndtri", [0.0, 1.0, -0.1, 1.1], [-np.inf, np.inf, np.nan, np.nan]),
        ("log_ndtr", [-np.inf, np.inf], [-np.inf, 0.0]),
        ("entr", [0.0, -1.0, np.inf], [0.0, -np.inf, -np.inf]),
        ("gammaln", [0.0, -1.0, -np.inf], [np.inf, np.inf, np.inf]),
        ("psi", [0.0, -0.0, -1.0], [-np.inf, np.inf, np.nan]),
    ],
)
def test_special_places(name, values, expected):
    np.testing.assert_array_equal(getattr(special, name)(lineal.tensor(values)).numpy(), np.array(expected, "f"))
    assert getattr(special, name)(lineal.tensor(float("nan"))).isnan()


def test_special_places_of_two_numbers():
    assert special.zeta(lineal.tensor([1.0, 2.0, 2.0]), lineal.tensor([1.0, 0.0, -1.0])).tolist() == [np.inf] * 3
    assert special.gammainc(lineal.tensor([0.0, 1.0, np.inf]), lineal.tensor([1.0, np.inf, 1.0])).tolist() == [1.0, 1.0, 0.0]
    assert special.xlog1py(0, lineal.tensor([-1.0, np.inf])).tolist() == [0.0, 0.0]
    y = special.legendre_polynomial_p(lineal.tensor([0.5, 1.0, -1.0]), lineal.tensor([-1, 30, 7]))
    assert y.tolist() == [0.0, 1.0, -1.0]


@pytest.mark.parametrize("name", ["gammainc", "gammaincc", "zeta"])
def test_derivatives_by_the_second_argument_alone(name):
    function = getattr(special, name)
    first = lineal.tensor([1.7, 2.5], dtype=lineal.float64)
    second = lineal.tensor([0.8, 1.9], dtype=lineal.float64, requires_grad=True)
    assert gradcheck(lambda x: function(first, x), (second,))
    assert gradgradcheck(lambda x: function(first, x), (second,))
    with pytest.raises(RuntimeError, match="the derivative is not implemented"):
        function(second, first).sum().backward()


@pytest.mark.parametrize("name", ["i0e", "i1e"])
def test_slopes_of_scaled_bessel_functions_far_out(name):
    x = lineal.tensor([1e10, -1e10, 1e30, -np.inf, np.inf], dtype=lineal.float64, requires_grad=True)
    (slope,) = lineal.autograd.grad(getattr(special, name)(x).sum(), x, create_graph=True)
    (second,) = lineal.autograd.grad(slope.sum(), x)
    np.testing.assert_allclose(slope.detach(), np.zeros(5), atol=1e-15)
    np.testing.assert_allclose(second, np.zeros(5), atol=1e-15)


@pytest.mark.parametrize("name", [each for each in special.__all__ if "polynomial" in each])
def test_polynomials_at_infinity(name):
    x = lineal.tensor([np.inf, -np.inf, np.nan], dtype=lineal.float64)
    ends = [getattr(special, name)(x, degree).tolist() for degree in (0, 1, 2, 3, 9)]
    rising = np.array([1, -1]) * (-1 if name == "laguerre_polynomial_l" else 1) * np.inf
    np.testing.assert_array_equal(ends, [[1, 1, 1]] + [[*np.sign(rising) ** n * np.inf, np.nan] for n in (1, 2, 3, 9)])


def test_arguments_that_must_be_whole_are_refused():
    for wrong in (lambda: special.polygamma(1.5, lineal.ones(2)), lambda: lineal.signal.windows.hann(5.5)):
        with pytest.raises(TypeError, match="int"):
            wrong()


def test_degrees_of_any_size_and_fraction():
    x = lineal.linspace(-1, 1, 5, dtype=lineal.float64)
    np.testing.assert_allclose(special.chebyshev_polynomial_t(x, 40.7), np.cos(40 * np.arccos(x.numpy())), atol=1e-12)
    assert special.hermite_polynomial_h(2.0, lineal.tensor([0, 1, 2])).tolist() == [1.0, 4.0, 14.0]
