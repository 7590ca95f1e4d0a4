"""exp, log, tanh, erf … as vector code: each is written once, for float32 and float64 and every vector length."""

from lineal.codegen.mathlib.bessel import i0, i0e, i1, i1e
from lineal.codegen.mathlib.exponential import cosh, exp, exp2, expm1, sigmoid, sinh, tanh
from lineal.codegen.mathlib.gamma import digamma, lgamma, trigamma
from lineal.codegen.mathlib.logarithm import acosh, asinh, atanh, log, log1p, log2, log10, logaddexp, logaddexp2
from lineal.codegen.mathlib.normal import log_ndtr, ndtr, ndtri
from lineal.codegen.mathlib.powers import cbrt, hypot, nextafter, power, rsqrt, simple_power, whole_power
from lineal.codegen.mathlib.remainders import fmod
from lineal.codegen.mathlib.special import erf, erfc, erfcx, erfinv
from lineal.codegen.mathlib.trigonometry import acos, asin, atan, atan2, cos, sin, tan

__all__ = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "logaddexp2", "sigmoid",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "erf", "erfc", "erfcx", "erfinv", "ndtr", "log_ndtr", "ndtri", "lgamma", "digamma", "trigamma", "i0", "i0e", "i1", "i1e",
    "nextafter", "power", "simple_power", "whole_power", "rsqrt", "cbrt", "hypot", "fmod",
]  # fmt: skip
