"""The operations of formulas as operators of ONNX: one, or several where it has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.writer import GraphWriter

__all__ = ["COMPARING", "OPERATIONS", "write"]

COMPARING = frozenset("equal not_equal less less_equal greater greater_equal isnan isinf isfinite signbit truth".split()) | {
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
}
"""The operations that give truth values, whose operands meet in a kind of their own."""
LOGICAL = {"and": "And", "or": "Or", "xor": "Xor"}


class Expressions:
    """Operators on values of one dtype, by their names, so that what is composed of them reads as a formula."""

    def __init__(self, graph: GraphWriter, storage: np.dtype):
        self.graph, self.storage = graph, storage

    def __getattr__(self, operator: str) -> Callable[..., str]:
        return lambda *xs: self.graph.node(operator, *[each if isinstance(each, str) else self.number(each) for each in xs])

    def number(self, number: Any) -> str:
        """Return the name of a number of the dtype."""
        return self.graph.number(number, self.storage)

    def truth(self, x: str) -> str:
        """Return whether x is not 0."""
        return x if self.storage.kind == "b" else self.graph.cast(x, np.dtype(bool))


def expm1(m: Expressions, x: str) -> str:
    """Return tanh(x / 2) (exp x + 1), which loses no digits about 0."""
    return m.Mul(m.Tanh(m.Mul(x, 0.5)), m.Add(m.Exp(x), 1.0))


def log1p(m: Expressions, x: str) -> str:
    """Return log u · x / (u - 1) with u = 1 + x, which loses no digits about 0.   Goldberg (1991), theorem 4."""
    u = m.Add(x, 1.0)
    plain = m.Or(m.Equal(u, 1.0), m.IsInf(u))
    rest = m.Where(plain, 1.0, m.Sub(u, 1.0))
    return m.Where(m.Equal(u, 1.0), x, m.Where(m.IsInf(u), m.Log(u), m.Div(m.Mul(m.Log(u), x), rest)))


def signbit(m: Expressions, x: str) -> str:
    """Return whether x is below 0, or is -0, whose reciprocal is -∞."""
    return m.Less(x, 0) if m.storage.kind != "f" else m.Or(m.Less(x, 0.0), m.Less(m.Div(1.0, x), 0.0))


def copysign(m: Expressions, a: str, b: str) -> str:
    """Return |a| with the sign of b."""
    return m.Where(signbit(m, b), m.Neg(m.Abs(a)), m.Abs(a))


def fmod(m: Expressions, a: str, b: str) -> str:
    """Return the rest of a by b, with a's sign."""
    return m.graph.node("Mod", a, b, fmod=1)


def other_sign(m: Expressions, rest: str, b: str) -> str:
    """Return whether a rest is not 0 and has another sign than b."""
    return m.And(m.Not(m.Equal(rest, 0)), m.Xor(m.Less(rest, 0), m.Less(b, 0)))


def remainder(m: Expressions, a: str, b: str) -> str:
    """Return the rest of a by b, with b's sign."""
    rest = fmod(m, a, b)
    found = m.Where(other_sign(m, rest, b), m.Add(rest, b), rest)
    return found if m.storage.kind != "f" else m.Where(m.Equal(found, 0.0), copysign(m, found, b), found)


def floor_divide(m: Expressions, a: str, b: str) -> str:
    """Return a / b rounded down."""
    rest = fmod(m, a, b)
    quotient = m.Div(m.Sub(a, rest), b)
    down = m.Where(other_sign(m, rest, b), m.Sub(quotient, 1), quotient)
    return down if m.storage.kind != "f" else m.Where(m.Equal(b, 0.0), m.Div(a, b), m.Round(down))


def larger_log(m: Expressions, a: str, b: str, base: float) -> str:
    """Return the logarithm of the sum of the powers of a base."""
    apart = m.Neg(m.Abs(m.Sub(a, b)))
    rest = m.Div(log1p(m, m.Exp(m.Mul(apart, math.log(base)))), math.log(base))
    return m.Where(m.Equal(a, b), m.Add(a, math.log(2) / math.log(base)), m.Add(m.Max(a, b), rest))


def arctan2(m: Expressions, a: str, b: str) -> str:
    """Return the angle of the point (b, a): that of (|b|, |a|), reflected."""
    high, wide = m.Abs(a), m.Abs(b)
    origin = m.And(m.Equal(high, 0.0), m.Equal(wide, 0.0))
    ratio = m.Where(origin, 0.0, m.Where(m.Equal(high, wide), 1.0, m.Div(high, wide)))
    angle = m.Atan(ratio)
    return copysign(m, m.Where(signbit(m, b), m.Sub(math.pi, angle), angle), a)


def hypot(m: Expressions, a: str, b: str) -> str:
    """Return the length of (a, b), in units of the longer side."""
    high = m.Max(m.Abs(a), m.Abs(b))
    ratio = m.Div(m.Min(m.Abs(a), m.Abs(b)), m.Where(m.Equal(high, 0.0), 1.0, high))
    length = m.Mul(high, m.Sqrt(m.Add(m.Mul(ratio, ratio), 1.0)))
    return m.Where(m.Or(m.IsInf(a), m.IsInf(b)), math.inf, length)


def bitwise(word: str) -> Callable[..., str]:
    """Return what combines truth values, or bits."""
    return lambda m, a, b: getattr(m, LOGICAL[word] if m.storage.kind == "b" else f"Bitwise{LOGICAL[word]}")(a, b)


def logical(operator: str) -> Callable[..., str]:
    """Return what combines whether numbers are not 0."""
    return lambda m, a, b: getattr(m, operator)(m.truth(a), m.truth(b))


def ordered(operator: str) -> Callable[..., str]:
    """Return what compares by order, which ONNX has for no truth values."""

    def compare(m: Expressions, a: str, b: str) -> str:
        if m.storage.kind != "b":
            return getattr(m, operator)(a, b)
        whole = np.dtype(np.int32)
        return m.graph.node(operator, m.graph.cast(a, whole), m.graph.cast(b, whole))

    return compare


def either(number: str, truth: str) -> Callable[..., str]:
    """Return an operator on numbers that is another one on truth values."""
    return lambda m, *xs: getattr(m, truth if m.storage.kind == "b" else number)(*xs)


def named(operator: str) -> Callable[..., str]:
    """Return what is one operator."""
    return lambda m, *xs: getattr(m, operator)(*xs)


DIRECT = {
    **{name: name.capitalize() for name in "sqrt exp log sin cos tan sinh cosh tanh sigmoid erf floor ceil reciprocal".split()},
    **{f"arc{name}": f"A{name}" for name in "sin cos tan sinh cosh tanh".split()},
    "subtract": "Sub",
    "divide": "Div",
    "power": "Pow",
    "negative": "Neg",
    "abs": "Abs",
    "sign": "Sign",
    "rint": "Round",
    "equal": "Equal",
    "where": "Where",
    "rounded_product": "Mul",
}
OPERATIONS: dict[str, Callable[..., str]] = {
    **{name: named(operator) for name, operator in DIRECT.items()},
    **{name: ordered("".join(map(str.capitalize, name.split("_"))).replace("Equal", "OrEqual"))
       for name in ("less", "greater", "less_equal", "greater_equal")},
    "add": either("Add", "Or"),
    "multiply": either("Mul", "And"),
    "maximum": either("Max", "Or"),
    "minimum": either("Min", "And"),
    "not_equal": lambda m, a, b: m.Not(m.Equal(a, b)),
    "isnan": lambda m, x: m.IsNaN(x),
    "isinf": lambda m, x: m.IsInf(x),
    "isfinite": lambda m, x: m.Not(m.Or(m.IsNaN(x), m.IsInf(x))),
    "truth": lambda m, x: m.truth(x),
    "logical_not": lambda m, x: m.Not(m.truth(x)),
    **{f"logical_{word}": logical(operator) for word, operator in LOGICAL.items()},
    **{f"bitwise_{word}": bitwise(word) for word in LOGICAL},
    "invert": either("BitwiseNot", "Not"),
    "square": lambda m, x: m.Mul(x, x),
    "rsqrt": lambda m, x: m.Div(1.0, m.Sqrt(x)),
    "cbrt": lambda m, x: m.Mul(m.Sign(x), m.Pow(m.Abs(x), 1 / 3)),
    "exp2": lambda m, x: m.Pow(2.0, x),
    "expm1": expm1,
    "log1p": log1p,
    "log2": lambda m, x: m.Div(m.Log(x), math.log(2)),
    "log10": lambda m, x: m.Div(m.Log(x), math.log(10)),
    "trunc": lambda m, x: m.Mul(m.Sign(x), m.Floor(m.Abs(x))),
    "fmod": fmod,
    "remainder": remainder,
    "floor_divide": floor_divide,
    "signbit": signbit,
    "copysign": copysign,
    "hypot": hypot,
    "arctan2": arctan2,
    "logaddexp": lambda m, a, b: larger_log(m, a, b, math.e),
    "logaddexp2": lambda m, a, b: larger_log(m, a, b, 2.0),
    "clip": lambda m, x, low, high: m.Min(m.Max(x, low), high),
    "fmax": lambda m, a, b: m.Where(m.Or(m.GreaterOrEqual(a, b), m.IsNaN(b)), a, b),
    "fmin": lambda m, a, b: m.Where(m.Or(m.LessOrEqual(a, b), m.IsNaN(b)), a, b),
    "imag": lambda m, x: m.Mul(m.graph.cast(m.truth(x), m.storage), 0),
}  # fmt: skip


def write(graph: GraphWriter, operation: str, storage: np.dtype, operands: Sequence[str]) -> str:
    """Append what does an operation on operands of one dtype; OnnxExporterError if ONNX cannot."""
    if operation not in OPERATIONS:
        raise OnnxExporterError(f"ONNX has no such function: {operation}")
    return OPERATIONS[operation](Expressions(graph, storage), *operands)
