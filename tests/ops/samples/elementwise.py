"""Samples of the elementwise family."""

import numpy as np
import scipy.special as special

from lineal.testing import Sample
from samples.arrays import compound, integers, normal, positive, truths, unit


def u(reference, x=None, **options):
    """Return the samples of an op of one input."""
    return [Sample(normal(2, 3) if x is None else x, reference=reference, **options), Sample(np.array(0.7), **options)]


def uc(reference, x=None):
    """Return the samples of an op of one input that takes complex numbers."""
    return [*u(reference, x), Sample(compound(3), reference=reference, single=False)]


def b(reference, x=None, y=None, **options):
    """Return the samples of an op of two inputs, with broadcasting."""
    x = normal(2, 3) if x is None else x
    return [Sample(x, positive(3) if y is None else y, reference=reference, **options)]


def bc(reference, **options):
    """Return the samples of an op of two inputs that takes complex numbers."""
    return [*b(reference, **options), Sample(compound(3), compound(2, 1), reference=reference, single=False)]


def polynomials(**references):
    """Return the samples of families of polynomials; the references take the degree first."""
    turned = lambda each: each and (lambda x, n: each(n, x))
    return {
        f"special.{name}": [Sample(normal(3), 3, reference=turned(each), derivative=0)] for name, each in references.items()
    }


PREDICATE = {"derivative": 0}
STEP = {"derivative": 1}

SAMPLES = {
    # Arithmetic.
    "add": [*bc(np.add), Sample(normal(2), normal(2), alpha=2.5)],
    "sub": [*bc(np.subtract), Sample(normal(2), normal(2), alpha=2.5)],
    "rsub": b(lambda x, y: y - x),
    "mul": bc(np.multiply),
    "true_divide": bc(np.true_divide),
    "div": [*bc(np.divide), Sample(normal(3), positive(3), rounding_mode="floor", **STEP)],
    "neg": uc(np.negative),
    "positive": [Sample(normal(3), reference=np.positive)],
    "reciprocal": uc(np.reciprocal, positive(2, 3)),
    "floor_divide": b(np.floor_divide, **PREDICATE),
    "remainder": b(np.remainder, **STEP),
    "fmod": b(np.fmod, **STEP),
    "addcmul": [Sample(normal(3), normal(2, 3), normal(2, 1), value=0.5)],
    "addcdiv": [Sample(normal(3), normal(2, 3), positive(2, 1), value=0.5)],
    "lerp": [Sample(normal(3), normal(2, 3), 0.3), Sample(normal(3), normal(3), unit(3))],
    "square": uc(np.square),
    "abs": [*u(np.abs), Sample(compound(3), reference=np.abs, single=False)],
    "sign": u(np.sign, **STEP),
    "sgn": [*u(np.sign), Sample(compound(3), single=False)],
    "signbit": u(np.signbit, **PREDICATE),
    "copysign": b(np.copysign, **STEP),
    "angle": [*u(np.angle, **STEP), Sample(compound(3), reference=np.angle, single=False)],
    "polar": [Sample(positive(3), normal(3), reference=lambda r, t: r * np.exp(1j * t))],
    "complex": [Sample(normal(3), normal(3), reference=lambda a, b: a + 1j * b)],
    "real": [Sample(normal(3), reference=np.real), Sample(compound(3), reference=np.real, single=False)],
    "imag": [Sample(compound(3), reference=np.imag, single=False)],
    "conj": [Sample(compound(3), reference=np.conj, single=False)],
    "conj_physical": [Sample(compound(3), reference=np.conj, single=False)],
    "resolve_conj": [Sample(compound(3), single=False)],
    "resolve_neg": [Sample(normal(3))],
    "view_as_real": [Sample(compound(3), single=False)],
    "view_as_complex": [Sample(normal(3, 2), layouts=False)],
    # Powers, exponentials, logarithms.
    "pow": [*b(np.power, positive(2, 3), normal(3)), Sample(normal(3), 3, reference=np.power), Sample(2.0, normal(3))],
    "float_power": [Sample(positive(3), 2.5, reference=np.power)],
    "sqrt": uc(np.sqrt, positive(2, 3)),
    "rsqrt": u(lambda x: 1 / np.sqrt(x), positive(2, 3)),
    "exp": uc(np.exp),
    "exp2": u(np.exp2),
    "expm1": u(np.expm1),
    "log": uc(np.log, positive(2, 3)),
    "log2": u(np.log2, positive(2, 3)),
    "log10": u(np.log10, positive(2, 3)),
    "log1p": u(np.log1p, positive(2, 3)),
    "logaddexp": b(np.logaddexp),
    "logaddexp2": b(np.logaddexp2),
    "xlogy": b(special.xlogy),
    "ldexp": [Sample(normal(3), integers(3), reference=lambda x, n: x * 2.0**n)],
    "frexp": [Sample(normal(3), reference=np.frexp, derivative=1, single=False)],
    "hypot": b(np.hypot),
    # Trigonometry.
    "sin": uc(np.sin),
    "cos": uc(np.cos),
    "tan": uc(np.tan, unit(2, 3)),
    "sinh": uc(np.sinh),
    "cosh": uc(np.cosh),
    "tanh": uc(np.tanh),
    "asin": uc(np.arcsin, unit(2, 3)),
    "acos": uc(np.arccos, unit(2, 3)),
    "atan": uc(np.arctan),
    "asinh": uc(np.arcsinh),
    "acosh": [Sample(positive(3) + 1, reference=np.arccosh)],
    "atanh": uc(np.arctanh, unit(2, 3)),
    "atan2": b(np.arctan2),
    "sinc": u(np.sinc),
    "deg2rad": u(np.deg2rad),
    "rad2deg": u(np.rad2deg),
    "sigmoid": u(special.expit),
    "logit": u(special.logit, np.abs(unit(2, 3))),
    "relu": u(lambda x: np.maximum(x, 0), derivative=2),
    # Special functions.
    "erf": u(special.erf),
    "erfc": u(special.erfc),
    "erfinv": u(special.erfinv, unit(2, 3)),
    "lgamma": u(special.gammaln, positive(2, 3)),
    "digamma": u(special.digamma, positive(2, 3)),
    "polygamma": [Sample(1, positive(3), reference=special.polygamma)],
    "i0": u(special.i0),
    "special.i0e": u(special.i0e),
    "special.i1": u(special.i1),
    "special.i1e": u(special.i1e),
    "special.airy_ai": u(lambda x: special.airy(x)[0], **PREDICATE),
    "special.bessel_j0": u(special.j0, **PREDICATE),
    "special.bessel_j1": u(special.j1, **PREDICATE),
    "special.bessel_y0": u(special.y0, positive(2, 3), **PREDICATE),
    "special.bessel_y1": u(special.y1, positive(2, 3), **PREDICATE),
    "special.modified_bessel_i0": u(special.i0, **PREDICATE),
    "special.modified_bessel_i1": u(special.i1, **PREDICATE),
    "special.modified_bessel_k0": u(special.k0, positive(2, 3), **PREDICATE),
    "special.modified_bessel_k1": u(special.k1, positive(2, 3), **PREDICATE),
    "special.scaled_modified_bessel_k0": u(special.k0e, positive(2, 3), **PREDICATE),
    "special.scaled_modified_bessel_k1": u(special.k1e, positive(2, 3), **PREDICATE),
    "special.spherical_bessel_j0": u(lambda x: special.spherical_jn(0, x), **PREDICATE),
    "special.erfcx": u(special.erfcx),
    "special.ndtr": u(special.ndtr),
    "special.log_ndtr": u(special.log_ndtr),
    "special.ndtri": u(special.ndtri, np.abs(unit(2, 3))),
    "special.entr": u(special.entr, positive(2, 3)),
    "special.xlog1py": b(special.xlog1py),
    "igamma": b(special.gammainc, positive(2, 3), **PREDICATE),
    "igammac": b(special.gammaincc, positive(2, 3), **PREDICATE),
    "special.zeta": b(special.zeta, positive(2, 3) + 1.5, **PREDICATE),
    "mvlgamma": [Sample(positive(2, 3) + 1, 3)],
    **polynomials(
        chebyshev_polynomial_t=special.eval_chebyt,
        chebyshev_polynomial_u=special.eval_chebyu,
        chebyshev_polynomial_v=lambda n, x: special.eval_chebyu(n, x) - special.eval_chebyu(n - 1, x),
        chebyshev_polynomial_w=lambda n, x: special.eval_chebyu(n, x) + special.eval_chebyu(n - 1, x),
        shifted_chebyshev_polynomial_t=special.eval_sh_chebyt,
        shifted_chebyshev_polynomial_u=special.eval_sh_chebyu,
        shifted_chebyshev_polynomial_v=None,
        shifted_chebyshev_polynomial_w=None,
        hermite_polynomial_h=special.eval_hermite,
        hermite_polynomial_he=special.eval_hermitenorm,
        laguerre_polynomial_l=special.eval_laguerre,
        legendre_polynomial_p=special.eval_legendre,
    ),
    # Rounding.
    "ceil": u(np.ceil, **STEP),
    "floor": u(np.floor, **STEP),
    "round": u(np.round, **STEP),
    "trunc": u(np.trunc, **STEP),
    "frac": u(lambda x: x - np.trunc(x), **STEP),
    # Extremes and choices.
    "maximum": b(np.maximum),
    "minimum": b(np.minimum),
    "fmax": b(np.fmax),
    "fmin": b(np.fmin),
    "clamp": [Sample(normal(2, 3), -0.25, 0.75, reference=np.clip), Sample(normal(3), min=normal(3) - 2)],
    "clamp_max": [Sample(normal(3), 0.25, reference=np.minimum)],
    "clamp_min": [Sample(normal(3), 0.25, reference=np.maximum)],
    "where": [Sample(truths(2, 3), normal(2, 3), normal(3), reference=np.where)],
    "heaviside": [Sample(normal(3), positive(3), reference=np.heaviside, derivative=0)],
    "nextafter": b(np.nextafter, derivative=0, single=False),
    # Comparisons, logic, integers.
    "eq": b(np.equal, **PREDICATE),
    "ne": b(np.not_equal, **PREDICATE),
    "lt": b(np.less, **PREDICATE),
    "le": b(np.less_equal, **PREDICATE),
    "gt": b(np.greater, **PREDICATE),
    "ge": b(np.greater_equal, **PREDICATE),
    "isclose": b(np.isclose, **PREDICATE),
    "isfinite": u(np.isfinite, **PREDICATE),
    "isinf": u(np.isinf, **PREDICATE),
    "isnan": u(np.isnan, **PREDICATE),
    "isneginf": u(np.isneginf, **PREDICATE),
    "isposinf": u(np.isposinf, **PREDICATE),
    "isreal": u(np.isreal, **PREDICATE),
    "logical_and": b(np.logical_and, truths(3), truths(3), **PREDICATE),
    "logical_or": b(np.logical_or, truths(3), truths(3), **PREDICATE),
    "logical_xor": b(np.logical_xor, truths(3), truths(3), **PREDICATE),
    "logical_not": [Sample(truths(3), reference=np.logical_not, **PREDICATE)],
    "bitwise_and": b(np.bitwise_and, integers(3), integers(3), **PREDICATE),
    "bitwise_or": b(np.bitwise_or, integers(3), integers(3), **PREDICATE),
    "bitwise_xor": b(np.bitwise_xor, integers(3), integers(3), **PREDICATE),
    "bitwise_not": [Sample(integers(3), reference=np.bitwise_not, **PREDICATE)],
    "bitwise_left_shift": b(np.left_shift, integers(3), integers(3), **PREDICATE),
    "bitwise_right_shift": b(np.right_shift, integers(3), integers(3), **PREDICATE),
    "gcd": b(np.gcd, integers(3), integers(3), **PREDICATE),
    "lcm": b(np.lcm, integers(3), integers(3), **PREDICATE),
    "nan_to_num": [Sample(normal(3), reference=np.nan_to_num, derivative=1)],
}
