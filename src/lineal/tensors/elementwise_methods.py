"""The tensor's elementwise methods: each the op it calls."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.ops.front import OPERANDS, in_place

__all__ = ["ElementwiseMethods"]


class ElementwiseMethods:
    """Arithmetic, comparison and the other functions applied element by element."""

    # Arithmetic
    add, add_ = ops.add, in_place(ops.add, "add_")
    sub, sub_ = ops.sub, in_place(ops.sub, "sub_")
    subtract, subtract_ = ops.subtract, in_place(ops.subtract, "subtract_")
    mul, mul_ = ops.mul, in_place(ops.mul, "mul_")
    multiply, multiply_ = ops.multiply, in_place(ops.multiply, "multiply_")
    div, div_ = ops.div, in_place(ops.div, "div_")
    divide, divide_ = ops.divide, in_place(ops.divide, "divide_")
    true_divide, true_divide_ = ops.true_divide, in_place(ops.true_divide, "true_divide_")
    floor_divide, floor_divide_ = ops.floor_divide, in_place(ops.floor_divide, "floor_divide_")
    remainder, remainder_ = ops.remainder, in_place(ops.remainder, "remainder_")
    fmod, fmod_ = ops.fmod, in_place(ops.fmod, "fmod_")
    neg, neg_ = ops.neg, in_place(ops.neg, "neg_")
    negative, negative_ = ops.negative, in_place(ops.negative, "negative_")
    reciprocal, reciprocal_ = ops.reciprocal, in_place(ops.reciprocal, "reciprocal_")
    addcmul, addcmul_ = ops.addcmul, in_place(ops.addcmul, "addcmul_")
    addcdiv, addcdiv_ = ops.addcdiv, in_place(ops.addcdiv, "addcdiv_")
    lerp, lerp_ = ops.lerp, in_place(ops.lerp, "lerp_")
    positive = ops.positive

    # Powers, exponentials, logarithms
    pow, pow_ = ops.pow, in_place(ops.pow, "pow_")
    float_power, float_power_ = ops.float_power, in_place(ops.float_power, "float_power_")
    square, square_ = ops.square, in_place(ops.square, "square_")
    sqrt, sqrt_ = ops.sqrt, in_place(ops.sqrt, "sqrt_")
    rsqrt, rsqrt_ = ops.rsqrt, in_place(ops.rsqrt, "rsqrt_")
    exp, exp_ = ops.exp, in_place(ops.exp, "exp_")
    exp2, exp2_ = ops.exp2, in_place(ops.exp2, "exp2_")
    expm1, expm1_ = ops.expm1, in_place(ops.expm1, "expm1_")
    log, log_ = ops.log, in_place(ops.log, "log_")
    log2, log2_ = ops.log2, in_place(ops.log2, "log2_")
    log10, log10_ = ops.log10, in_place(ops.log10, "log10_")
    log1p, log1p_ = ops.log1p, in_place(ops.log1p, "log1p_")
    xlogy, xlogy_ = ops.xlogy, in_place(ops.xlogy, "xlogy_")
    sigmoid, sigmoid_ = ops.sigmoid, in_place(ops.sigmoid, "sigmoid_")
    logit, logit_ = ops.logit, in_place(ops.logit, "logit_")
    ldexp, ldexp_ = ops.ldexp, in_place(ops.ldexp, "ldexp_")
    logaddexp, logaddexp2, frexp = ops.logaddexp, ops.logaddexp2, ops.frexp

    # Angles
    sin, sin_ = ops.sin, in_place(ops.sin, "sin_")
    cos, cos_ = ops.cos, in_place(ops.cos, "cos_")
    tan, tan_ = ops.tan, in_place(ops.tan, "tan_")
    asin, asin_ = ops.asin, in_place(ops.asin, "asin_")
    arcsin, arcsin_ = ops.arcsin, in_place(ops.arcsin, "arcsin_")
    acos, acos_ = ops.acos, in_place(ops.acos, "acos_")
    arccos, arccos_ = ops.arccos, in_place(ops.arccos, "arccos_")
    atan, atan_ = ops.atan, in_place(ops.atan, "atan_")
    arctan, arctan_ = ops.arctan, in_place(ops.arctan, "arctan_")
    atan2, atan2_ = ops.atan2, in_place(ops.atan2, "atan2_")
    arctan2, arctan2_ = ops.arctan2, in_place(ops.arctan2, "arctan2_")
    sinh, sinh_ = ops.sinh, in_place(ops.sinh, "sinh_")
    cosh, cosh_ = ops.cosh, in_place(ops.cosh, "cosh_")
    tanh, tanh_ = ops.tanh, in_place(ops.tanh, "tanh_")
    asinh, asinh_ = ops.asinh, in_place(ops.asinh, "asinh_")
    arcsinh, arcsinh_ = ops.arcsinh, in_place(ops.arcsinh, "arcsinh_")
    acosh, acosh_ = ops.acosh, in_place(ops.acosh, "acosh_")
    arccosh, arccosh_ = ops.arccosh, in_place(ops.arccosh, "arccosh_")
    atanh, atanh_ = ops.atanh, in_place(ops.atanh, "atanh_")
    arctanh, arctanh_ = ops.arctanh, in_place(ops.arctanh, "arctanh_")
    hypot, hypot_ = ops.hypot, in_place(ops.hypot, "hypot_")
    sinc, sinc_ = ops.sinc, in_place(ops.sinc, "sinc_")
    deg2rad, deg2rad_ = ops.deg2rad, in_place(ops.deg2rad, "deg2rad_")
    rad2deg, rad2deg_ = ops.rad2deg, in_place(ops.rad2deg, "rad2deg_")

    # Rounding, signs, bounds
    ceil, ceil_ = ops.ceil, in_place(ops.ceil, "ceil_")
    floor, floor_ = ops.floor, in_place(ops.floor, "floor_")
    round, round_ = ops.round, in_place(ops.round, "round_")
    trunc, trunc_ = ops.trunc, in_place(ops.trunc, "trunc_")
    fix, fix_ = ops.fix, in_place(ops.fix, "fix_")
    frac, frac_ = ops.frac, in_place(ops.frac, "frac_")
    abs, abs_ = ops.abs, in_place(ops.abs, "abs_")
    absolute, absolute_ = ops.absolute, in_place(ops.absolute, "absolute_")
    sign, sign_ = ops.sign, in_place(ops.sign, "sign_")
    sgn, sgn_ = ops.sgn, in_place(ops.sgn, "sgn_")
    copysign, copysign_ = ops.copysign, in_place(ops.copysign, "copysign_")
    nextafter, nextafter_ = ops.nextafter, in_place(ops.nextafter, "nextafter_")
    heaviside, heaviside_ = ops.heaviside, in_place(ops.heaviside, "heaviside_")
    nan_to_num, nan_to_num_ = ops.nan_to_num, in_place(ops.nan_to_num, "nan_to_num_")
    clamp, clamp_ = ops.clamp, in_place(ops.clamp, "clamp_")
    clip, clip_ = ops.clip, in_place(ops.clip, "clip_")
    clamp_min, clamp_min_ = ops.clamp_min, in_place(ops.clamp_min, "clamp_min_")
    clamp_max, clamp_max_ = ops.clamp_max, in_place(ops.clamp_max, "clamp_max_")
    relu, relu_ = ops.relu, in_place(ops.relu, "relu_")
    maximum, minimum, fmax, fmin, signbit = ops.maximum, ops.minimum, ops.fmax, ops.fmin, ops.signbit

    # Comparison, logic, bits
    eq, eq_ = ops.eq, in_place(ops.eq, "eq_")
    ne, ne_ = ops.ne, in_place(ops.ne, "ne_")
    lt, lt_ = ops.lt, in_place(ops.lt, "lt_")
    le, le_ = ops.le, in_place(ops.le, "le_")
    gt, gt_ = ops.gt, in_place(ops.gt, "gt_")
    ge, ge_ = ops.ge, in_place(ops.ge, "ge_")
    greater, greater_ = ops.greater, in_place(ops.greater, "greater_")
    greater_equal, greater_equal_ = ops.greater_equal, in_place(ops.greater_equal, "greater_equal_")
    less, less_ = ops.less, in_place(ops.less, "less_")
    less_equal, less_equal_ = ops.less_equal, in_place(ops.less_equal, "less_equal_")
    not_equal, not_equal_ = ops.not_equal, in_place(ops.not_equal, "not_equal_")
    logical_and, logical_and_ = ops.logical_and, in_place(ops.logical_and, "logical_and_")
    logical_or, logical_or_ = ops.logical_or, in_place(ops.logical_or, "logical_or_")
    logical_xor, logical_xor_ = ops.logical_xor, in_place(ops.logical_xor, "logical_xor_")
    logical_not, logical_not_ = ops.logical_not, in_place(ops.logical_not, "logical_not_")
    bitwise_and, bitwise_and_ = ops.bitwise_and, in_place(ops.bitwise_and, "bitwise_and_")
    bitwise_or, bitwise_or_ = ops.bitwise_or, in_place(ops.bitwise_or, "bitwise_or_")
    bitwise_xor, bitwise_xor_ = ops.bitwise_xor, in_place(ops.bitwise_xor, "bitwise_xor_")
    bitwise_not, bitwise_not_ = ops.bitwise_not, in_place(ops.bitwise_not, "bitwise_not_")
    bitwise_left_shift, bitwise_left_shift_ = ops.bitwise_left_shift, in_place(ops.bitwise_left_shift, "bitwise_left_shift_")
    bitwise_right_shift, bitwise_right_shift_ = ops.bitwise_right_shift, in_place(ops.bitwise_right_shift, "bitwise_right_shift_")
    gcd, gcd_ = ops.gcd, in_place(ops.gcd, "gcd_")
    lcm, lcm_ = ops.lcm, in_place(ops.lcm, "lcm_")
    isclose, isreal, isnan, isinf, isfinite = ops.isclose, ops.isreal, ops.isnan, ops.isinf, ops.isfinite
    isposinf, isneginf = ops.isposinf, ops.isneginf

    # Special functions
    erf, erf_ = ops.erf, in_place(ops.erf, "erf_")
    erfc, erfc_ = ops.erfc, in_place(ops.erfc, "erfc_")
    erfinv, erfinv_ = ops.erfinv, in_place(ops.erfinv, "erfinv_")
    lgamma, lgamma_ = ops.lgamma, in_place(ops.lgamma, "lgamma_")
    digamma, digamma_ = ops.digamma, in_place(ops.digamma, "digamma_")

    # Complex parts
    conj_physical, conj_physical_ = ops.conj_physical, in_place(ops.conj_physical, "conj_physical_")
    isclose, isreal, isnan, isinf, isfinite = ops.isclose, ops.isreal, ops.isnan, ops.isinf, ops.isfinite
    isposinf, isneginf = ops.isposinf, ops.isneginf
    conj, angle, resolve_conj, resolve_neg = ops.conj, ops.angle, ops.resolve_conj, ops.resolve_neg
    is_conj, is_neg = ops.is_conj, ops.is_neg

    # Python's operators
    __pos__, __neg__, __abs__, __invert__ = ops.positive, ops.neg, ops.abs, ops.bitwise_not
    __eq__, __ne__ = ops.eq.operator, ops.ne.operator
    __lt__, __le__, __gt__, __ge__ = ops.lt.operator, ops.le.operator, ops.gt.operator, ops.ge.operator
    __add__, __radd__, __iadd__ = ops.add.operator, ops.add.reflected, add_
    __sub__, __rsub__, __isub__ = ops.sub.operator, ops.sub.reflected, sub_
    __mul__, __rmul__, __imul__ = ops.mul.operator, ops.mul.reflected, mul_
    __truediv__, __rtruediv__, __itruediv__ = ops.true_divide.operator, ops.true_divide.reflected, div_
    __floordiv__, __rfloordiv__, __ifloordiv__ = ops.floor_divide.operator, ops.floor_divide.reflected, floor_divide_
    __mod__, __rmod__, __imod__ = ops.remainder.operator, ops.remainder.reflected, remainder_
    __and__, __rand__, __iand__ = ops.bitwise_and.operator, ops.bitwise_and.reflected, bitwise_and_
    __or__, __ror__, __ior__ = ops.bitwise_or.operator, ops.bitwise_or.reflected, bitwise_or_
    __xor__, __rxor__, __ixor__ = ops.bitwise_xor.operator, ops.bitwise_xor.reflected, bitwise_xor_
    __lshift__, __rlshift__, __ilshift__ = ops.bitwise_left_shift.operator, ops.bitwise_left_shift.reflected, bitwise_left_shift_
    __rshift__, __rrshift__, __irshift__ = ops.bitwise_right_shift.operator, ops.bitwise_right_shift.reflected, bitwise_right_shift_
    __ipow__ = pow_

    def __pow__(self, exponent: Any) -> Any:
        return ops.pow(self, exponent) if isinstance(exponent, OPERANDS) else NotImplemented

    def __rpow__(self, base: Any) -> Any:
        return ops.pow(base, self) if isinstance(base, OPERANDS) else NotImplemented

    def where(self, condition: Any, other: Any) -> Any:
        """Return this tensor where the bool condition holds, other elsewhere."""
        return ops.where(condition, self, other)

    def polygamma(self, n: int) -> Any:
        """Return the n-th derivative of digamma at this tensor."""
        return ops.polygamma(n, self)

    polygamma_ = in_place(polygamma)

    @property
    def real(self) -> Any:
        """The real parts, a view; of a real tensor, itself."""
        return ops.real(self)

    @real.setter
    def real(self, parts: Any) -> None:
        ops.real(self).copy_(parts)

    @property
    def imag(self) -> Any:
        """The imaginary parts of a complex tensor, a view."""
        return ops.imag(self)

    @imag.setter
    def imag(self, parts: Any) -> None:
        ops.imag(self).copy_(parts)
