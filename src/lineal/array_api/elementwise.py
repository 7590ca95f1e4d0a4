"""Elementwise functions of the array API standard: those of PyTorch by the standard's names, with its promotion."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal import ops
from lineal.array_api.datatypes import result_type, together
from lineal.base.signatures import Number, Tensor
from lineal.core import AbstractTensor
from lineal.ops.conversion import dtype_of

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clip",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "pow",
    "real",
    "reciprocal",
    "remainder",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
]


def unary(function: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    """Return a function of one tensor, which it takes by its place alone."""

    @functools.wraps(function)
    def front(x: Tensor, /) -> Tensor:
        return function(x)

    del front.__wrapped__  # type: ignore[attr-defined]
    return front


def binary(function: Callable[..., Any]) -> Callable[[Tensor | Number, Tensor | Number], Tensor]:
    """Return a function of two tensors, or one and a number, of the dtype they promote to."""

    @functools.wraps(function)
    def front(x1: Tensor | Number, x2: Tensor | Number, /) -> Tensor:
        return function(*together(x1, x2))

    del front.__wrapped__  # type: ignore[attr-defined]
    return front


abs, acos, acosh, asin, asinh, atan, atanh = map(
    unary, (ops.abs, ops.acos, ops.acosh, ops.asin, ops.asinh, ops.atan, ops.atanh)
)
bitwise_invert, ceil, conj = map(unary, (ops.bitwise_not, ops.ceil, ops.conj))
cos, cosh, exp, floor = map(unary, (ops.cos, ops.cosh, ops.exp, ops.floor))
isfinite, isinf, isnan = map(unary, (ops.isfinite, ops.isinf, ops.isnan))
log, log1p, log2, log10, logical_not = map(unary, (ops.log, ops.log1p, ops.log2, ops.log10, ops.logical_not))
negative, positive, real, reciprocal = map(unary, (ops.neg, ops.positive, ops.real, ops.reciprocal))
signbit, sin, sinh, sqrt, square = map(unary, (ops.signbit, ops.sin, ops.sinh, ops.sqrt, ops.square))
tan, trunc, imag = map(unary, (ops.tan, ops.trunc, ops.imag))

add, subtract, multiply, divide, pow = map(binary, (ops.add, ops.sub, ops.mul, ops.div, ops.pow))
floor_divide, remainder = map(binary, (ops.floor_divide, ops.remainder))
equal, not_equal, less, less_equal = map(binary, (ops.eq, ops.ne, ops.lt, ops.le))
greater, greater_equal = map(binary, (ops.gt, ops.ge))
bitwise_and, bitwise_or, bitwise_xor = map(binary, (ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor))
bitwise_left_shift, bitwise_right_shift = map(binary, (ops.bitwise_left_shift, ops.bitwise_right_shift))
logical_and, logical_or, logical_xor = map(binary, (ops.logical_and, ops.logical_or, ops.logical_xor))
atan2, copysign, hypot, logaddexp = map(binary, (ops.atan2, ops.copysign, ops.hypot, ops.logaddexp))
maximum, minimum, nextafter = map(binary, (ops.maximum, ops.minimum, ops.nextafter))


def expm1(x: Tensor, /) -> Tensor:
    """Return exp(x) - 1; of complex numbers with infinite or NaN parts what the standard says, where PyTorch gives NaN."""
    y = ops.expm1(x)
    if not dtype_of(x).is_complex:
        return y
    # of a real part -0 the standard wants +0, the imaginary part keeps its sign
    return ops.where(ops.isfinite(x), ops.complex(y.real + 0.0, y.imag), ops.exp(x) - 1)


def tanh(x: Tensor, /) -> Tensor:
    """Return the hyperbolic tangent; where the real part is infinite, an imaginary part of 0 has the sign of that of `x`."""
    y = ops.tanh(x)
    if not dtype_of(x).is_complex:
        return y
    far = ops.isinf(x.real) & ops.isfinite(x.imag)
    return ops.complex(y.real, ops.where(far, ops.copysign(ops.zeros_like(y.imag), x.imag), y.imag))


def round(x: Tensor, /) -> Tensor:
    """Return the nearest whole numbers, halves to even; of complex numbers part by part."""
    return ops.complex(ops.round(x.real), ops.round(x.imag)) if dtype_of(x).is_complex else ops.round(x)


def clip(x: Tensor, /, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """Return `x` where it lies between two bounds, and the nearer bound elsewhere; the dtype is that of `x`."""
    target = dtype_of(x)
    for bound, closer in ((min, ops.maximum), (max, ops.minimum)):
        if bound is not None:
            common = target if not isinstance(bound, AbstractTensor) else result_type(x, bound)
            x = closer(*together(x, bound)).to(common)
    return x.clone() if min is None and max is None else x.to(target)


def sign(x: Tensor, /) -> Tensor:
    """Return -1, 0 or 1, of complex numbers z / |z|; NaN for NaN, of which PyTorch makes 0."""
    y = ops.sgn(x)
    return ops.where(ops.isnan(x), x, y) if dtype_of(x).is_floating_point else y
