"""The tensor's elementwise methods: each the op it calls."""

from __future__ import annotations

from typing import Any, ClassVar

from lineal import ops
from lineal.base.later import method
from lineal.base.signatures import Operand, Operator, Tensor
from lineal.core import AbstractTensor
from lineal.ops import elementwise
from lineal.ops.elementwise.arithmetic import difference_operators, sum_operators
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
    add, add_ = ops.add, in_place(ops.add, row=sum_operators[0].op)
    sub, sub_ = ops.sub, in_place(ops.sub, row=difference_operators[0].op)
    subtract, subtract_ = ops.subtract, in_place(ops.subtract, row=difference_operators[0].op)
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
    pow, pow_ = method(lambda: ops.pow), method(lambda: in_place(ops.pow))
    float_power, float_power_ = method(lambda: ops.float_power), method(lambda: in_place(ops.float_power))
    square, square_ = method(lambda: ops.square), method(lambda: in_place(ops.square))
    sqrt, sqrt_ = method(lambda: ops.sqrt), method(lambda: in_place(ops.sqrt))
    rsqrt, rsqrt_ = method(lambda: ops.rsqrt), method(lambda: in_place(ops.rsqrt))
    exp, exp_ = method(lambda: ops.exp), method(lambda: in_place(ops.exp))
    exp2, exp2_ = method(lambda: ops.exp2), method(lambda: in_place(ops.exp2))
    expm1, expm1_ = method(lambda: ops.expm1), method(lambda: in_place(ops.expm1))
    log, log_ = method(lambda: ops.log), method(lambda: in_place(ops.log))
    log2, log2_ = method(lambda: ops.log2), method(lambda: in_place(ops.log2))
    log10, log10_ = method(lambda: ops.log10), method(lambda: in_place(ops.log10))
    log1p, log1p_ = method(lambda: ops.log1p), method(lambda: in_place(ops.log1p))
    xlogy, xlogy_ = method(lambda: ops.xlogy), method(lambda: in_place(ops.xlogy))
    sigmoid, sigmoid_ = method(lambda: ops.sigmoid), method(lambda: in_place(ops.sigmoid))
    logit, logit_ = method(lambda: ops.logit), method(lambda: in_place(ops.logit))
    ldexp, ldexp_ = method(lambda: ops.ldexp), method(lambda: in_place(ops.ldexp))
    logaddexp = method(lambda: ops.logaddexp)
    logaddexp2 = method(lambda: ops.logaddexp2)
    frexp = method(lambda: ops.frexp)

    # Angles
    sin, sin_ = method(lambda: ops.sin), method(lambda: in_place(ops.sin))
    cos, cos_ = method(lambda: ops.cos), method(lambda: in_place(ops.cos))
    tan, tan_ = method(lambda: ops.tan), method(lambda: in_place(ops.tan))
    asin, asin_ = method(lambda: ops.asin), method(lambda: in_place(ops.asin))
    arcsin, arcsin_ = method(lambda: ops.arcsin), method(lambda: in_place(ops.arcsin))
    acos, acos_ = method(lambda: ops.acos), method(lambda: in_place(ops.acos))
    arccos, arccos_ = method(lambda: ops.arccos), method(lambda: in_place(ops.arccos))
    atan, atan_ = method(lambda: ops.atan), method(lambda: in_place(ops.atan))
    arctan, arctan_ = method(lambda: ops.arctan), method(lambda: in_place(ops.arctan))
    atan2, atan2_ = method(lambda: ops.atan2), method(lambda: in_place(ops.atan2))
    arctan2, arctan2_ = method(lambda: ops.arctan2), method(lambda: in_place(ops.arctan2))
    sinh, sinh_ = method(lambda: ops.sinh), method(lambda: in_place(ops.sinh))
    cosh, cosh_ = method(lambda: ops.cosh), method(lambda: in_place(ops.cosh))
    tanh, tanh_ = method(lambda: ops.tanh), method(lambda: in_place(ops.tanh))
    asinh, asinh_ = method(lambda: ops.asinh), method(lambda: in_place(ops.asinh))
    arcsinh, arcsinh_ = method(lambda: ops.arcsinh), method(lambda: in_place(ops.arcsinh))
    acosh, acosh_ = method(lambda: ops.acosh), method(lambda: in_place(ops.acosh))
    arccosh, arccosh_ = method(lambda: ops.arccosh), method(lambda: in_place(ops.arccosh))
    atanh, atanh_ = method(lambda: ops.atanh), method(lambda: in_place(ops.atanh))
    arctanh, arctanh_ = method(lambda: ops.arctanh), method(lambda: in_place(ops.arctanh))
    hypot, hypot_ = method(lambda: ops.hypot), method(lambda: in_place(ops.hypot))
    sinc, sinc_ = method(lambda: ops.sinc), method(lambda: in_place(ops.sinc))
    deg2rad, deg2rad_ = method(lambda: ops.deg2rad), method(lambda: in_place(ops.deg2rad))
    rad2deg, rad2deg_ = method(lambda: ops.rad2deg), method(lambda: in_place(ops.rad2deg))

    # Rounding, signs, bounds
    ceil, ceil_ = method(lambda: ops.ceil), method(lambda: in_place(ops.ceil))
    floor, floor_ = method(lambda: ops.floor), method(lambda: in_place(ops.floor))
    round, round_ = method(lambda: ops.round), method(lambda: in_place(ops.round))
    trunc, trunc_ = method(lambda: ops.trunc), method(lambda: in_place(ops.trunc))
    fix, fix_ = method(lambda: ops.fix), method(lambda: in_place(ops.fix))
    frac, frac_ = method(lambda: ops.frac), method(lambda: in_place(ops.frac))
    abs, abs_ = method(lambda: ops.abs), method(lambda: in_place(ops.abs))
    absolute, absolute_ = method(lambda: ops.absolute), method(lambda: in_place(ops.absolute))
    sign, sign_ = method(lambda: ops.sign), method(lambda: in_place(ops.sign))
    sgn, sgn_ = method(lambda: ops.sgn), method(lambda: in_place(ops.sgn))
    copysign, copysign_ = method(lambda: ops.copysign), method(lambda: in_place(ops.copysign))
    nextafter, nextafter_ = method(lambda: ops.nextafter), method(lambda: in_place(ops.nextafter))
    heaviside, heaviside_ = method(lambda: ops.heaviside), method(lambda: in_place(ops.heaviside))
    nan_to_num, nan_to_num_ = method(lambda: ops.nan_to_num), method(lambda: in_place(ops.nan_to_num))
    clamp, clamp_ = method(lambda: ops.clamp), method(lambda: in_place(ops.clamp))
    clip, clip_ = method(lambda: ops.clip), method(lambda: in_place(ops.clip))
    clamp_min, clamp_min_ = method(lambda: ops.clamp_min), method(lambda: in_place(ops.clamp_min))
    clamp_max, clamp_max_ = method(lambda: ops.clamp_max), method(lambda: in_place(ops.clamp_max))
    relu, relu_ = method(lambda: ops.relu), method(lambda: in_place(ops.relu))
    maximum = method(lambda: ops.maximum)
    minimum = method(lambda: ops.minimum)
    fmax = method(lambda: ops.fmax)
    fmin = method(lambda: ops.fmin)
    signbit = method(lambda: ops.signbit)

    # Comparison, logic, bits
    eq, eq_ = method(lambda: ops.eq), method(lambda: in_place(ops.eq))
    ne, ne_ = method(lambda: ops.ne), method(lambda: in_place(ops.ne))
    lt, lt_ = method(lambda: ops.lt), method(lambda: in_place(ops.lt))
    le, le_ = method(lambda: ops.le), method(lambda: in_place(ops.le))
    gt, gt_ = method(lambda: ops.gt), method(lambda: in_place(ops.gt))
    ge, ge_ = method(lambda: ops.ge), method(lambda: in_place(ops.ge))
    greater, greater_ = method(lambda: ops.greater), method(lambda: in_place(ops.greater))
    greater_equal, greater_equal_ = method(lambda: ops.greater_equal), method(lambda: in_place(ops.greater_equal))
    less, less_ = method(lambda: ops.less), method(lambda: in_place(ops.less))
    less_equal, less_equal_ = method(lambda: ops.less_equal), method(lambda: in_place(ops.less_equal))
    not_equal, not_equal_ = method(lambda: ops.not_equal), method(lambda: in_place(ops.not_equal))
    logical_and, logical_and_ = method(lambda: ops.logical_and), method(lambda: in_place(ops.logical_and))
    logical_or, logical_or_ = method(lambda: ops.logical_or), method(lambda: in_place(ops.logical_or))
    logical_xor, logical_xor_ = method(lambda: ops.logical_xor), method(lambda: in_place(ops.logical_xor))
    logical_not, logical_not_ = method(lambda: ops.logical_not), method(lambda: in_place(ops.logical_not))
    bitwise_and, bitwise_and_ = method(lambda: ops.bitwise_and), method(lambda: in_place(ops.bitwise_and))
    bitwise_or, bitwise_or_ = method(lambda: ops.bitwise_or), method(lambda: in_place(ops.bitwise_or))
    bitwise_xor, bitwise_xor_ = method(lambda: ops.bitwise_xor), method(lambda: in_place(ops.bitwise_xor))
    bitwise_not, bitwise_not_ = method(lambda: ops.bitwise_not), method(lambda: in_place(ops.bitwise_not))
    bitwise_left_shift, bitwise_left_shift_ = (
        method(lambda: ops.bitwise_left_shift),
        method(lambda: in_place(ops.bitwise_left_shift)),
    )
    bitwise_right_shift, bitwise_right_shift_ = (
        method(lambda: ops.bitwise_right_shift),
        method(lambda: in_place(ops.bitwise_right_shift)),
    )
    gcd, gcd_ = method(lambda: ops.gcd), method(lambda: in_place(ops.gcd))
    lcm, lcm_ = method(lambda: ops.lcm), method(lambda: in_place(ops.lcm))
    isclose = method(lambda: ops.isclose)
    isreal = method(lambda: ops.isreal)
    isnan = method(lambda: ops.isnan)
    isinf = method(lambda: ops.isinf)
    isfinite = method(lambda: ops.isfinite)
    isposinf = method(lambda: ops.isposinf)
    isneginf = method(lambda: ops.isneginf)

    # Special functions
    erf, erf_ = method(lambda: ops.erf), method(lambda: in_place(ops.erf))
    erfc, erfc_ = method(lambda: ops.erfc), method(lambda: in_place(ops.erfc))
    erfinv, erfinv_ = method(lambda: ops.erfinv), method(lambda: in_place(ops.erfinv))
    lgamma, lgamma_ = method(lambda: ops.lgamma), method(lambda: in_place(ops.lgamma))
    digamma, digamma_ = method(lambda: ops.digamma), method(lambda: in_place(ops.digamma))
    i0, i0_ = method(lambda: ops.i0), method(lambda: in_place(ops.i0))
    igamma, igamma_ = method(lambda: ops.igamma), method(lambda: in_place(ops.igamma))
    igammac, igammac_ = method(lambda: ops.igammac), method(lambda: in_place(ops.igammac))
    mvlgamma, mvlgamma_ = method(lambda: ops.mvlgamma), method(lambda: in_place(ops.mvlgamma))

    # Complex parts
    conj_physical, conj_physical_ = method(lambda: ops.conj_physical), method(lambda: in_place(ops.conj_physical))
    conj = method(lambda: ops.conj)
    angle = method(lambda: ops.angle)
    resolve_conj = method(lambda: ops.resolve_conj)
    resolve_neg = method(lambda: ops.resolve_neg)
    is_conj = method(lambda: ops.is_conj)
    is_neg = method(lambda: ops.is_neg)

    # Python's operators
    __pos__, __neg__, __invert__ = ops.positive, ops.neg, method(lambda: elementwise.logic.invert)
    __eq__, __ne__ = method(lambda: ops.eq.operator), method(lambda: ops.ne.operator)
    __lt__, __le__ = method(lambda: ops.lt.operator), method(lambda: ops.le.operator)
    __gt__, __ge__ = method(lambda: ops.gt.operator), method(lambda: ops.ge.operator)
    (__add__, __radd__), __iadd__ = sum_operators, augmented(add_)
    (__sub__, __rsub__), __isub__ = difference_operators, augmented(sub_)
    __mul__, __rmul__, __imul__ = ops.mul.operator, ops.mul.reflected, augmented(mul_)
    __truediv__, __rtruediv__, __itruediv__ = ops.true_divide.operator, ops.true_divide.reflected, augmented(div_)
    __floordiv__, __rfloordiv__, __ifloordiv__ = ops.floor_divide.operator, ops.floor_divide.reflected, augmented(floor_divide_)
    __mod__, __rmod__, __imod__ = ops.remainder.operator, ops.remainder.reflected, augmented(remainder_)
    __and__, __rand__ = method(lambda: ops.bitwise_and.operator), method(lambda: ops.bitwise_and.reflected)
    __iand__ = method(lambda: augmented(in_place(ops.bitwise_and)))
    __or__, __ror__ = method(lambda: ops.bitwise_or.operator), method(lambda: ops.bitwise_or.reflected)
    __ior__ = method(lambda: augmented(in_place(ops.bitwise_or)))
    __xor__, __rxor__ = method(lambda: ops.bitwise_xor.operator), method(lambda: ops.bitwise_xor.reflected)
    __ixor__ = method(lambda: augmented(in_place(ops.bitwise_xor)))
    __lshift__, __rlshift__ = method(lambda: ops.bitwise_left_shift.operator), method(lambda: ops.bitwise_left_shift.reflected)
    __rshift__ = method(lambda: ops.bitwise_right_shift.operator)
    __rrshift__ = method(lambda: ops.bitwise_right_shift.reflected)
    __ilshift__ = method(lambda: augmented(in_place(ops.bitwise_left_shift)))
    __irshift__ = method(lambda: augmented(in_place(ops.bitwise_right_shift)))
    __ipow__ = method(lambda: augmented(in_place(ops.pow)))
    __div__, __rdiv__, __idiv__ = __truediv__, __rtruediv__, __itruediv__

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
