"""Powers and roots."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.dtypes import Category
from lineal.base.signatures import Operand, Tensor
from lineal.core import AbstractTensor, renamed
from lineal.core.door import unary_door
from lineal.ops.conversion import as_operand, cast, dtype_of, result_type
from lineal.ops.elementwise.masks import drop
from lineal.ops.front import binary, require_tensor, row, store, unary, zero
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import unsupported

__all__ = ["square", "sqrt", "rsqrt", "pow", "float_power"]


def _doubled(x: Any) -> Any:
    # a sum, since NumPy takes longer over a product with a Python number
    return x + x


_twice = row(
    "square_backward", lambda m, g, x: _doubled(g * x), lambda h, x: _twice(h, x.conj()), lambda h, g: _twice(h, g.conj())
)
_half_quotient = row(
    "sqrt_backward",
    lambda m, g, y: g / (y + y),
    lambda h, y: _half_quotient(h, y.conj()),
    lambda h, g, y: -_half_quotient(h, (y * (y / g)).conj()),
)
sqrt = unary(
    "sqrt",
    lambda m, x: m.sqrt(x),
    lambda g, y: _half_quotient(g, y.conj()),
    doc="Return the square root of input, nan below 0.",
)
_rsqrt_backward = row(
    "rsqrt_backward",
    lambda m, g, y: -0.5 * g * (y * y * y),
    lambda h, y: _rsqrt_backward(h, y.conj()),
    lambda h, g, y: h * (g * y.square() * -1.5).conj(),
)
rsqrt = unary(
    "rsqrt", lambda m, x: 1 / m.sqrt(x), lambda g, y: _rsqrt_backward(g, y.conj()), doc="Return 1 / the square root of input."
)


class Power(Elementwise):
    """y = x ** exponent, a number; x̄ = ȳ · conj(exponent · x ** (exponent - 1)), zero if the exponent is."""

    exponent: float | complex

    def __init__(self, exponent: float | complex):
        super().__init__("pow", *_formula(exponent))
        self.__dict__["exponent"] = exponent


def _formula(exponent: Any) -> tuple[Callable, tuple[Callable]]:
    simple = _SIMPLE.get(exponent)
    if simple is not None:
        return simple
    if exponent == 0:
        return (lambda m, x: m.power(x, exponent)), (zero,)
    return (lambda m, x: m.power(x, exponent)), (lambda g, x: g * (pow(x, exponent - 1) * exponent).conj(),)


_SIMPLE: dict[Any, tuple[Callable, tuple[Callable]]] = {
    1: (lambda m, x: m.positive(x), (lambda g: g,)),
    2: (lambda m, x: m.square(x), (lambda g, x: _twice(g, x.conj()),)),
    3: (lambda m, x: x * x * x, (lambda g, x: g * (x.square() * 3).conj(),)),
    0.5: (lambda m, x: m.sqrt(x), (lambda g, y: _half_quotient(g, y.conj()),)),
    -0.5: (lambda m, x: 1 / m.sqrt(x), (lambda g, y: _rsqrt_backward(g, y.conj()),)),
    -1: (lambda m, x: 1 / x, (lambda g, y: -(g * y.square().conj()),)),
    -2: (lambda m, x: 1 / m.square(x), (lambda g, x, y: g * (y / x * -2).conj(),)),
}


@functools.lru_cache(1024)
def power_door(exponent: float | complex) -> Callable[[Any], Any]:
    """Return the function x → x ** exponent, of floating or complex tensors."""
    op = Power(exponent)
    return unary_door(op, op.kernel)


def _power(m: Any, a: Any, b: Any) -> Any:
    if b.dtype.kind != "i" or not (b < 0).any():
        return m.power(a, b)
    # the integer nearest to zero: only 1 and -1 have integer inverses
    odd = m.where(b % 2 == 0, 1, a)
    return m.where(b >= 0, m.power(a, m.maximum(b, 0)), m.where(m.abs(a) == 1, odd, 0)).astype(a.dtype)


def _by_base(g: Any, a: Any, b: Any) -> Any:
    # 0 times a power that leaves the range; elsewhere b a^(b-1) is also what derivatives by b want
    array = a.value
    least = float(np.finfo(array.dtype).tiny) ** 0.25 if array.dtype.kind in "fc" else 1.0
    nothing = (b == 0) & (a.detach().abs() < least)
    return g * (b * pow(a, (b - 1).masked_fill(nothing, 0))).conj()


def _by_exponent(g: Any, a: Any, b: Any, y: Any) -> Any:
    still = (a == 0) & ((b.real if b.value.dtype.kind == "c" else b) >= 0)
    return g * drop(y * a.log(), still).conj()


_pow = binary("pow", lambda m, a, b: m.power(a, b), _by_base, _by_exponent, numbers="one", numeric=_power)


def pow(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """Return input ** exponent; either may be a number. Integers to negative integer numbers are refused."""
    if exponent.__class__ in _NUMBERS and isinstance(input, AbstractTensor):
        y = _to_number(input, exponent)
    else:
        target = result_type(input, exponent)
        if target.category is Category.BOOL:
            raise unsupported("pow", target)
        y = renamed(_pow(input, exponent), "PowBackward1" if isinstance(input, AbstractTensor) else "PowBackward2")
    return y if out is None else store(y, out, "pow", input, exponent)


_NUMBERS = frozenset((int, float, complex))


def _to_number(input: Any, exponent: Any) -> Any:
    kind = input.value.dtype.kind
    if kind == "c" or (kind in "fV" and exponent.__class__ is not complex):
        return power_door(exponent)(input)
    target = result_type(input, exponent)
    if target.category is Category.INTEGER:
        if exponent < 0:
            raise RuntimeError("pow: Integers to negative integer powers are not allowed.")
        return square(cast(input, target)) if exponent == 2 else _pow(input, exponent)
    return power_door(exponent)(cast(input, target))


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input²."""
    if require_tensor("square", input).dtype.kind == "b":
        input = cast(input, dtypes.int64)
    y = power_door(2)(input)
    return y if out is None else store(y, out, "square", input)


def float_power(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """Return input ** exponent, computed in float64 (or complex128)."""
    if not isinstance(input, AbstractTensor):
        require_tensor("float_power", exponent)
    target = dtypes.complex128 if result_type(input, exponent).is_complex else dtypes.float64
    base = cast(as_operand(input), target)
    if isinstance(exponent, AbstractTensor):
        exponent = cast(exponent, target)
    if isinstance(out, AbstractTensor) and dtype_of(out) is not target:
        raise RuntimeError(f"float_power: expected out to be {target}, got {dtype_of(out)}")
    return pow(base, exponent, out=out)
