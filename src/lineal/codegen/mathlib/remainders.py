"""The remainder of a division rounded towards zero, which is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.codegen.mathlib.parts import format_of
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter


def fmod(e: Emitter, a: Value, b: Value) -> Value:
    """Return a - b trunc(a / b).

    Below 2ᵖ⁻¹ the quotient's whole part is the rounded quotient's, or one less where rounding reached a whole number. So
    a - b q lies between -|b| and |b|, and is a multiple of the last place of b, or of a where that is smaller: it is exact.
    Larger quotients, and what is no number, are LLVM's own remainder, which calls the C library number by number.
    """
    x, y = e.intrinsic("fabs", a), e.intrinsic("fabs", b)
    q = e.intrinsic("trunc", x / y)
    rest = e.fma(-q, y, x)
    rest = e.select(rest < 0, rest + y, rest)
    # all that is finite is its own remainder by infinity, of which 0 times it is none
    result = e.variable(e.select(x < y, x, rest))
    beyond = ~(q < 2.0 ** format_of(a).mantissa)
    with e.when(e.any(beyond), carried=[result]):
        result.value = e.select(beyond, e.new(f"frem {x.typed}, {y.text}", x.kind, x.lanes), result.value)
    return e.math.copysign(result.value, a)
