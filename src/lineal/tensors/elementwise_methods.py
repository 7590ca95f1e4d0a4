"""The tensor's elementwise methods: each the op it calls."""

from __future__ import annotations

from typing import Any, ClassVar

from lineal import ops
from lineal.base.signatures import Operand, Operator, Tensor
from lineal.core import AbstractTensor
from lineal.ops.elementwise.arithmetic import difference_operators, sum_operators
from lineal.ops.elementwise.logic import invert
from lineal.ops.front import augmented, in_place
from lineal.ops.promotion import OPERANDS

__all__ = ["ElementwiseMethods"]


class ElementwiseMethods(AbstractTensor):
    """Arithmetic, comparison and the other functions applied element by element."""

    # What a type checker would otherwise take from `object` and from the engine's class
    __add__: ClassVar[Operator]
    __eq__: ClassVar[Operator]
    __ne__: ClassVar[Operator]

    # Arithmetic
    add, add_ = ops.add, in_place(ops.add)
    sub, sub_ = ops.sub, in_place(ops.sub)
    subtract, subtract_ = ops.subtract, in_place(ops.subtract)
    mul, mul_ = ops.mul, in_place(ops.mul)
    multiply, multiply_ = ops.multiply, in_place(ops.multiply)
    div, div_ = ops.div, in_place(ops.div)
    divide, divide_ = ops.divide, in_place(ops.divide)
    true_divide, true_divide_ = ops.true_divide, in_place(ops.true_divide)
    floor_divide, floor_divide_ = ops.floor_divide, in_place(ops.floor_divide)
    remainder, remainder_ = ops.remainder, in_place(ops.remainder)
    fmod, fmod_ = ops.fmod, in_place(ops.fmod)
    neg, neg_ = ops.neg, in_place(ops.neg)
    negative, negative_ = ops.negative, in_place(ops.negative)
    reciprocal, reciprocal_ = ops.reciprocal, in_place(ops.reciprocal)
    addcmul, addcmul_ = ops.addcmul, in_place(ops.addcmul)
    addcdiv, addcdiv_ = ops.addcdiv, in_place(ops.addcdiv)
    lerp, lerp_ = ops.lerp, in_place(ops.lerp)
    positive = ops.positive

    # Powers, exponentials, logarithms
    pow, pow_ = ops.pow, in_place(ops.pow)
    float_power, float_power_ = ops.float_power, in_place(ops.float_power)
    square, square_ = ops.square, in_place(ops.square)
    sqrt, sqrt_ = ops.sqrt, in_place(ops.sqrt)
    rsqrt, rsqrt_ = ops.rsqrt, in_place(ops.rsqrt)
    exp, exp_ = ops.exp, in_place(ops.exp)
    exp2, exp2_ = ops.exp2, in_place(ops.exp2)
    expm1, expm1_ = ops.expm1, in_place(ops.expm1)
    log, log_ = ops.log, in_place(ops.log)
    log2, log2_ = ops.log2, in_place(ops.log2)
    log10, log10_ = ops.log10, in_place(ops.log10)
    log1p, log1p_ = ops.log1p, in_place(ops.log1p)
    xlogy, xlogy_ = ops.xlogy, in_place(ops.xlogy)
    sigmoid, sigmoid_ = ops.sigmoid, in_place(ops.sigmoid)
    logit, logit_ = ops.logit, in_place(ops.logit)
    ldexp, ldexp_ = ops.ldexp, in_place(ops.ldexp)
    logaddexp, logaddexp2, frexp = ops.logaddexp, ops.logaddexp2, ops.frexp

    # Angles
    sin, sin_ = ops.sin, in_place(ops.sin)
    cos, cos_ = ops.cos, in_place(ops.cos)
    tan, tan_ = ops.tan, in_place(ops.tan)
    asin, asin_ = ops.asin, in_place(ops.asin)
    arcsin, arcsin_ = ops.arcsin, in_place(ops.arcsin)
    acos, acos_ = ops.acos, in_place(ops.acos)
    arccos, arccos_ = ops.arccos, in_place(ops.arccos)
    atan, atan_ = ops.atan, in_place(ops.atan)
    arctan, arctan_ = ops.arctan, in_place(ops.arctan)
    atan2, atan2_ = ops.atan2, in_place(ops.atan2)
    arctan2, arctan2_ = ops.arctan2, in_place(ops.arctan2)
    sinh, sinh_ = ops.sinh, in_place(ops.sinh)
    cosh, cosh_ = ops.cosh, in_place(ops.cosh)
    tanh, tanh_ = ops.tanh, in_place(ops.tanh)
    asinh, asinh_ = ops.asinh, in_place(ops.asinh)
    arcsinh, arcsinh_ = ops.arcsinh, in_place(ops.arcsinh)
    acosh, acosh_ = ops.acosh, in_place(ops.acosh)
    arccosh, arccosh_ = ops.arccosh, in_place(ops.arccosh)
    atanh, atanh_ = ops.atanh, in_place(ops.atanh)
    arctanh, arctanh_ = ops.arctanh, in_place(ops.arctanh)
    hypot, hypot_ = ops.hypot, in_place(ops.hypot)
    sinc, sinc_ = ops.sinc, in_place(ops.sinc)
    deg2rad, deg2rad_ = ops.deg2rad, in_place(ops.deg2rad)
    rad2deg, rad2deg_ = ops.rad2deg, in_place(ops.rad2deg)

    # Rounding, signs, bounds
    ceil, ceil_ = ops.ceil, in_place(ops.ceil)
    floor, floor_ = ops.floor, in_place(ops.floor)
    round, round_ = ops.round, in_place(ops.round)
    trunc, trunc_ = ops.trunc, in_place(ops.trunc)
    fix, fix_ = ops.fix, in_place(ops.fix)
    frac, frac_ = ops.frac, in_place(ops.frac)
    abs, abs_ = ops.abs, in_place(ops.abs)
    absolute, absolute_ = ops.absolute, in_place(ops.absolute)
    sign, sign_ = ops.sign, in_place(ops.sign)
    sgn, sgn_ = ops.sgn, in_place(ops.sgn)
    copysign, copysign_ = ops.copysign, in_place(ops.copysign)
    nextafter, nextafter_ = ops.nextafter, in_place(ops.nextafter)
    heaviside, heaviside_ = ops.heaviside, in_place(ops.heaviside)
    nan_to_num, nan_to_num_ = ops.nan_to_num, in_place(ops.nan_to_num)
    clamp, clamp_ = ops.clamp, in_place(ops.clamp)
    clip, clip_ = ops.clip, in_place(ops.clip)
    clamp_min, clamp_min_ = ops.clamp_min, in_place(ops.clamp_min)
    clamp_max, clamp_max_ = ops.clamp_max, in_place(ops.clamp_max)
    relu, relu_ = ops.relu, in_place(ops.relu)
    maximum, minimum, fmax, fmin, signbit = ops.maximum, ops.minimum, ops.fmax, ops.fmin, ops.signbit

    # Comparison, logic, bits
    eq, eq_ = ops.eq, in_place(ops.eq)
    ne, ne_ = ops.ne, in_place(ops.ne)
    lt, lt_ = ops.lt, in_place(ops.lt)
    le, le_ = ops.le, in_place(ops.le)
    gt, gt_ = ops.gt, in_place(ops.gt)
    ge, ge_ = ops.ge, in_place(ops.ge)
    greater, greater_ = ops.greater, in_place(ops.greater)
    greater_equal, greater_equal_ = ops.greater_equal, in_place(ops.greater_equal)
    less, less_ = ops.less, in_place(ops.less)
    less_equal, less_equal_ = ops.less_equal, in_place(ops.less_equal)
    not_equal, not_equal_ = ops.not_equal, in_place(ops.not_equal)
    logical_and, logical_and_ = ops.logical_and, in_place(ops.logical_and)
    logical_or, logical_or_ = ops.logical_or, in_place(ops.logical_or)
    logical_xor, logical_xor_ = ops.logical_xor, in_place(ops.logical_xor)
    logical_not, logical_not_ = ops.logical_not, in_place(ops.logical_not)
    bitwise_and, bitwise_and_ = ops.bitwise_and, in_place(ops.bitwise_and)
    bitwise_or, bitwise_or_ = ops.bitwise_or, in_place(ops.bitwise_or)
    bitwise_xor, bitwise_xor_ = ops.bitwise_xor, in_place(ops.bitwise_xor)
    bitwise_not, bitwise_not_ = ops.bitwise_not, in_place(ops.bitwise_not)
    bitwise_left_shift, bitwise_left_shift_ = ops.bitwise_left_shift, in_place(ops.bitwise_left_shift)
    bitwise_right_shift, bitwise_right_shift_ = ops.bitwise_right_shift, in_place(ops.bitwise_right_shift)
    gcd, gcd_ = ops.gcd, in_place(ops.gcd)
    lcm, lcm_ = ops.lcm, in_place(ops.lcm)
    isclose, isreal, isnan, isinf, isfinite = ops.isclose, ops.isreal, ops.isnan, ops.isinf, ops.isfinite
    isposinf, isneginf = ops.isposinf, ops.isneginf

    # Special functions
    erf, erf_ = ops.erf, in_place(ops.erf)
    erfc, erfc_ = ops.erfc, in_place(ops.erfc)
    erfinv, erfinv_ = ops.erfinv, in_place(ops.erfinv)
    lgamma, lgamma_ = ops.lgamma, in_place(ops.lgamma)
    digamma, digamma_ = ops.digamma, in_place(ops.digamma)

    # Complex parts
    conj_physical, conj_physical_ = ops.conj_physical, in_place(ops.conj_physical)
    isclose, isreal, isnan, isinf, isfinite = ops.isclose, ops.isreal, ops.isnan, ops.isinf, ops.isfinite
    isposinf, isneginf = ops.isposinf, ops.isneginf
    conj, angle, resolve_conj, resolve_neg = ops.conj, ops.angle, ops.resolve_conj, ops.resolve_neg
    is_conj, is_neg = ops.is_conj, ops.is_neg

    # Python's operators
    __pos__, __neg__, __invert__ = ops.positive, ops.neg, invert
    __eq__, __ne__ = ops.eq.operator, ops.ne.operator
    __lt__, __le__, __gt__, __ge__ = ops.lt.operator, ops.le.operator, ops.gt.operator, ops.ge.operator
    (__add__, __radd__), __iadd__ = sum_operators, augmented(add_)
    (__sub__, __rsub__), __isub__ = difference_operators, augmented(sub_)
    __mul__, __rmul__, __imul__ = ops.mul.operator, ops.mul.reflected, augmented(mul_)
    __truediv__, __rtruediv__, __itruediv__ = ops.true_divide.operator, ops.true_divide.reflected, augmented(div_)
    __floordiv__, __rfloordiv__, __ifloordiv__ = ops.floor_divide.operator, ops.floor_divide.reflected, augmented(floor_divide_)
    __mod__, __rmod__, __imod__ = ops.remainder.operator, ops.remainder.reflected, augmented(remainder_)
    __and__, __rand__, __iand__ = ops.bitwise_and.operator, ops.bitwise_and.reflected, augmented(bitwise_and_)
    __or__, __ror__, __ior__ = ops.bitwise_or.operator, ops.bitwise_or.reflected, augmented(bitwise_or_)
    __xor__, __rxor__, __ixor__ = ops.bitwise_xor.operator, ops.bitwise_xor.reflected, augmented(bitwise_xor_)
    __lshift__, __rlshift__ = ops.bitwise_left_shift.operator, ops.bitwise_left_shift.reflected
    __rshift__, __rrshift__ = ops.bitwise_right_shift.operator, ops.bitwise_right_shift.reflected
    __ilshift__, __irshift__ = augmented(bitwise_left_shift_), augmented(bitwise_right_shift_)
    __ipow__, __div__, __rdiv__, __idiv__ = augmented(pow_), __truediv__, __rtruediv__, __itruediv__

    def __abs__(self: Any) -> Tensor:
        return ops.abs(self)

    def __pow__(self: Any, exponent: Operand) -> Tensor:
        return ops.pow(self, exponent) if isinstance(exponent, OPERANDS) else NotImplemented

    def __rpow__(self: Any, base: Operand) -> Tensor:
        return ops.pow(base, self) if isinstance(base, OPERANDS) else NotImplemented

    def where(self: Any, condition: Tensor, other: Operand) -> Tensor:
        """Return this tensor where the bool condition holds, other elsewhere."""
        return ops.where(condition, self, other)

    def polygamma(self: Any, n: int) -> Tensor:
        """Return the n-th derivative of digamma at this tensor."""
        return ops.polygamma(n, self)

    polygamma_ = in_place(polygamma)

    @property
    def real(self: Any) -> Tensor:
        """The real parts, a view; of a real tensor, itself."""
        return ops.real(self)

    @real.setter
    def real(self: Any, parts: Operand) -> None:
        ops.real(self).copy_(parts)

    @property
    def imag(self: Any) -> Tensor:
        """The imaginary parts of a complex tensor, a view."""
        return ops.imag(self)

    @imag.setter
    def imag(self: Any, parts: Operand) -> None:
        ops.imag(self).copy_(parts)
