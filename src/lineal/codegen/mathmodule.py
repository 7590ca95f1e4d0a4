"""NumPy's functions on values of emitted code: the module `m` that elementwise formulas are written against."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lineal.codegen import kinds, mathlib
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# how often one function is written out in the place where it is used, before it becomes a function that is called
INLINED = 2

Recipe = Callable[..., Value]


def unary(name: str) -> Callable[..., Value]:
    """Return the method that writes the function `name` of mathlib."""
    recipe = getattr(mathlib, name)

    def method(self: MathModule, x: Any) -> Value:
        return self.expand(name, recipe, x)

    return method


class MathModule:
    """NumPy's elementwise functions, writing code instead of computing."""

    pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

    def __init__(self, emitter: Emitter):
        self.emitter = emitter

    def floats(self, *operands: Any) -> tuple[Value, ...]:
        """Return the operands as values of one floating kind; whole numbers become float64."""
        values = self.emitter.meet(*operands)
        if values[0].kind.family == "f":
            return values
        return tuple(self.emitter.cast(v, kinds.float64) for v in values)

    def expand(self, name: str, recipe: Recipe, *operands: Any) -> Value:
        """Write `recipe` here, or call the function it has been written to when it is used often."""
        values = self.floats(*operands)
        e, first = self.emitter, values[0]
        key = f"lineal.{name}.{first.kind.name}.{first.lanes}"
        used = e.frame.inlined[key] = e.frame.inlined.get(key, 0) + 1
        if used <= INLINED:
            return recipe(e, *values)
        if key not in e.defined:
            parameters = [(f"x{n}", v.kind, v.lanes) for n, v in enumerate(values)]
            with e.function(key, parameters, (first.kind, first.lanes), internal=True) as arguments:
                e.ret(recipe(e, *arguments))
        return e.call(key, (first.kind, first.lanes), *values)

    # arithmetic

    def add(self, a: Any, b: Any) -> Value:
        return self.emitter.add(a, b)

    def subtract(self, a: Any, b: Any) -> Value:
        return self.emitter.subtract(a, b)

    def multiply(self, a: Any, b: Any) -> Value:
        return self.emitter.multiply(a, b)

    def true_divide(self, a: Any, b: Any) -> Value:
        return self.emitter.divide(a, b)

    divide = true_divide

    def rounded_product(self, x: Value, y: Any) -> Value:
        """Return x y rounded before anything is added to it."""
        return self.emitter.exactly("fmul", x, y if isinstance(y, Value) else self.emitter.like(y, x))

    def negative(self, x: Value) -> Value:
        return self.emitter.negative(x)

    def positive(self, x: Value) -> Value:
        return x

    # a complex number is not a value, so every value is real

    def conjugate(self, x: Value) -> Value:
        return x

    conj = real = conjugate

    def imag(self, x: Value) -> Value:
        return self.emitter.like(0, x)

    def reciprocal(self, x: Value) -> Value:
        return 1.0 / x

    def square(self, x: Value) -> Value:
        return x * x

    def abs(self, x: Value) -> Value:
        if x.kind.family == "f":
            return self.emitter.intrinsic("fabs", x)
        return self.where(x < 0, -x, x) if x.kind.family == "i" else x

    absolute = fabs = abs

    def sign(self, x: Value) -> Value:
        e = self.emitter
        if x.kind.family in "ub":
            return e.cast(x != 0, x.kind)
        signed = self.where(x > 0, e.like(1, x), self.where(x < 0, e.like(-1, x), e.like(0, x)))
        return signed if x.kind.family == "i" else self.where(x == x, signed, x)

    def fmod(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        if a.kind.family != "f":
            return self.whole_division("rem", a, b)
        return self.expand("fmod", mathlib.fmod, a, b)

    def remainder(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        r = self.fmod(a, b)
        if a.kind.family == "u":
            return r
        shifted = self.where((r != 0) & ((r < 0) != (b < 0)), r + b, r)
        return shifted if a.kind.family == "i" else self.where(shifted == 0, self.copysign(shifted, b), shifted)

    mod = remainder

    def floor_divide(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        if a.kind.family == "f":
            r = self.fmod(a, b)
            quotient = (a - r) / b
            quotient = self.where((r != 0) & ((r < 0) != (b < 0)), quotient - 1, quotient)
            zero = self.copysign(self.emitter.like(0, a), a / b)
            # rounded to the nearest, a half, which large quotients have, down
            whole = self.floor(quotient)
            whole = self.where(quotient - whole > 0.5, whole + 1, whole)
            return self.where(b == 0, a / b, self.where(quotient == 0, zero, whole))
        quotient = self.whole_division("div", a, b)
        if a.kind.family == "u":
            return quotient
        rest = a - quotient * b
        return self.where((rest != 0) & ((rest < 0) != (b < 0)) & (b != 0), quotient - 1, quotient)

    def whole_division(self, operation: str, a: Value, b: Value) -> Value:
        """Return the quotient or rest of whole numbers, rounded towards 0; 0 if b is."""
        e = self.emitter
        signed = a.kind.family == "i"
        unsafe = (b == 0) | (b == -1) if signed else b == 0
        result = e.new(f"{'s' if signed else 'u'}{operation} {a.typed}, {self.where(unsafe, 1, b).text}", a.kind, a.lanes)
        # the quotient by -1 of the smallest number traps, so it is a negation
        at_one = -a if operation == "div" else e.like(0, a)
        result = self.where(b == -1, at_one, result) if signed else result
        return self.where(b == 0, 0, result)

    # conversion, comparison and selection

    def cast(self, x: Any, kind: kinds.Kind) -> Value:
        return self.emitter.cast(x, kind)

    def where(self, condition: Value, a: Any, b: Any) -> Value:
        e = self.emitter
        return e.select(condition if condition.kind.family == "b" else condition != 0, a, b)

    def maximum(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        chosen = self.where(a > b, a, b)
        return chosen if a.kind.family != "f" else self.where(a != a, a, chosen)

    def minimum(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        chosen = self.where(a < b, a, b)
        return chosen if a.kind.family != "f" else self.where(a != a, a, chosen)

    def fmax(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        chosen = self.where(a >= b, a, b)
        return chosen if a.kind.family != "f" else self.where(b != b, a, chosen)

    def fmin(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        chosen = self.where(a <= b, a, b)
        return chosen if a.kind.family != "f" else self.where(b != b, a, chosen)

    def clip(self, x: Value, low: Any, high: Any) -> Value:
        x = x if low is None else self.maximum(x, low)
        return x if high is None else self.minimum(x, high)

    def isnan(self, x: Value) -> Value:
        return x != x

    def isinf(self, x: Value) -> Value:
        return self.abs(x) == math.inf if x.kind.family == "f" else x != x

    def isfinite(self, x: Value) -> Value:
        return self.abs(x) < math.inf if x.kind.family == "f" else x == x

    def signbit(self, x: Value) -> Value:
        if x.kind.family == "f":
            return self.emitter.bitcast(x, kinds.integer_like(x.kind)) < 0
        return x < 0 if x.kind.family == "i" else x != x

    def copysign(self, a: Any, b: Any) -> Value:
        return self.emitter.intrinsic("copysign", *self.floats(a, b))

    def equal(self, a: Any, b: Any) -> Value:
        return self.emitter.compare("eq", a, b)

    def not_equal(self, a: Any, b: Any) -> Value:
        return self.emitter.compare("ne", a, b)

    def less(self, a: Any, b: Any) -> Value:
        return self.emitter.compare("lt", a, b)

    def less_equal(self, a: Any, b: Any) -> Value:
        return self.emitter.compare("le", a, b)

    def greater(self, a: Any, b: Any) -> Value:
        return self.emitter.compare("gt", a, b)

    def greater_equal(self, a: Any, b: Any) -> Value:
        return self.emitter.compare("ge", a, b)

    def truth(self, x: Any) -> Value:
        return self.emitter.cast(x, kinds.bool_)

    def logical_and(self, a: Any, b: Any) -> Value:
        return self.truth(a) & self.truth(b)

    def logical_or(self, a: Any, b: Any) -> Value:
        return self.truth(a) | self.truth(b)

    def logical_xor(self, a: Any, b: Any) -> Value:
        return self.truth(a) ^ self.truth(b)

    def logical_not(self, x: Value) -> Value:
        return x == 0

    def bitwise_and(self, a: Any, b: Any) -> Value:
        return self.emitter.bits("and", a, b)

    def bitwise_or(self, a: Any, b: Any) -> Value:
        return self.emitter.bits("or", a, b)

    def bitwise_xor(self, a: Any, b: Any) -> Value:
        return self.emitter.bits("xor", a, b)

    def bitwise_not(self, x: Value) -> Value:
        return ~x

    invert = bitwise_not

    def left_shift(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        return self.where((b >= a.kind.bits) | (b < 0), 0, a << self.where((b >= a.kind.bits) | (b < 0), 0, b))

    def right_shift(self, a: Any, b: Any) -> Value:
        a, b = self.emitter.meet(a, b)
        most = a.kind.bits - 1
        if a.kind.family == "i":
            return a >> self.where((b > most) | (b < 0), most, b)
        return self.where(b > most, 0, a >> self.where(b > most, 0, b))

    # rounding

    def rounded(self, how: str, x: Value) -> Value:
        return self.emitter.intrinsic(how, x) if x.kind.family == "f" else x

    def floor(self, x: Value) -> Value:
        return self.rounded("floor", x)

    def ceil(self, x: Value) -> Value:
        return self.rounded("ceil", x)

    def trunc(self, x: Value) -> Value:
        return self.rounded("trunc", x)

    def rint(self, x: Value) -> Value:
        return self.rounded("nearbyint", x)

    round = rint

    # roots and powers

    def sqrt(self, x: Any) -> Value:
        return self.emitter.intrinsic("sqrt", *self.floats(x))

    def power(self, a: Any, b: Any) -> Value:
        if isinstance(b, (int, float)) and isinstance(a, Value):
            simple = mathlib.simple_power(self, a, b)
            if simple is not None:
                return simple
        a, b = self.emitter.meet(a, b)
        return self.expand("pow", mathlib.power, a, b) if a.kind.family == "f" else mathlib.whole_power(self.emitter, a, b)

    float_power = power

    def arctan2(self, a: Any, b: Any) -> Value:
        return self.expand("atan2", mathlib.atan2, a, b)

    def hypot(self, a: Any, b: Any) -> Value:
        return self.expand("hypot", mathlib.hypot, a, b)

    def nextafter(self, a: Any, b: Any) -> Value:
        return self.expand("nextafter", mathlib.nextafter, a, b)

    def logaddexp(self, a: Any, b: Any) -> Value:
        return self.expand("logaddexp", mathlib.logaddexp, a, b)

    def logaddexp2(self, a: Any, b: Any) -> Value:
        return self.expand("logaddexp2", mathlib.logaddexp2, a, b)

    def ldexp(self, x: Value, n: Any) -> Value:
        return x * self.exp2(self.emitter.cast(n, x.kind) if isinstance(n, Value) else self.emitter.like(n, x))

    # functions of mathlib

    exp, exp2, expm1 = unary("exp"), unary("exp2"), unary("expm1")
    log, log2, log10, log1p = unary("log"), unary("log2"), unary("log10"), unary("log1p")
    sin, cos, tan = unary("sin"), unary("cos"), unary("tan")
    arcsin, arccos, arctan = unary("asin"), unary("acos"), unary("atan")
    sinh, cosh, tanh, sigmoid = unary("sinh"), unary("cosh"), unary("tanh"), unary("sigmoid")
    arcsinh, arccosh, arctanh = unary("asinh"), unary("acosh"), unary("atanh")
    asin, acos, atan, asinh, acosh, atanh, atan2 = arcsin, arccos, arctan, arcsinh, arccosh, arctanh, arctan2
    rsqrt, cbrt = unary("rsqrt"), unary("cbrt")
    erf, erfc, erfcx, erfinv = unary("erf"), unary("erfc"), unary("erfcx"), unary("erfinv")
    ndtr, log_ndtr, ndtri = unary("ndtr"), unary("log_ndtr"), unary("ndtri")
    lgamma, digamma, trigamma = unary("lgamma"), unary("digamma"), unary("trigamma")
    i0, i0e, i1, i1e = unary("i0"), unary("i0e"), unary("i1"), unary("i1e")
    gammaln, expit = lgamma, sigmoid
