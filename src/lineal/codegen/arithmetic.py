"""The Emitter's arithmetic: constants, casts, operators, comparison and selection, lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.codegen import half, kinds
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value
from lineal.codegen.writer import Writer

FLOAT_TESTS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
INTEGER_OPERATIONS = {"fadd": "add", "fsub": "sub", "fmul": "mul"}


class Arithmetic(Writer):
    """What the Emitter can do with values."""

    # constants

    def const(self, number: Any, kind: Kind, lanes: int = 1) -> Value:
        """Return a constant, in every lane."""
        text = kinds.literal(number, kind)
        return Value(self, text if lanes == 1 else f"splat ({kind.llvm} {text})", kind, lanes)

    def like(self, number: Any, value: Value) -> Value:
        """Return a constant of the kind and lanes of `value`."""
        return self.const(number, value.kind, value.lanes)

    def undefined(self, kind: Kind, lanes: int) -> Value:
        return Value(self, "poison", kind, lanes)

    def iota(self, kind: Kind, lanes: int) -> Value:
        """Return 0, 1, 2 … in the lanes."""
        if lanes == 1:
            return self.const(0, kind)
        listed = ", ".join(f"{kind.llvm} {kinds.literal(n, kind)}" for n in range(lanes))
        return Value(self, f"<{listed}>", kind, lanes)

    # bringing operands together

    def meet(self, *operands: Any) -> tuple[Value, ...]:
        """Return the operands as values of one kind and number of lanes; Python numbers are weak."""
        if len(operands) == 2:
            a, b = operands
            if isinstance(b, Value) and isinstance(a, Value):
                if a.kind is b.kind and a.lanes == b.lanes:
                    return operands
            elif not isinstance(b, Value) and kinds.with_number(a.kind, b.__class__) is a.kind:
                return a, self.const(b, a.kind, a.lanes)
        kind = kinds.meeting(*[x.kind if isinstance(x, Value) else x for x in operands])
        lanes = max(x.lanes for x in operands if isinstance(x, Value))
        return tuple(
            self.splat(self.cast(x, kind), lanes) if isinstance(x, Value) else self.const(x, kind, lanes) for x in operands
        )

    def splat(self, value: Value, lanes: int) -> Value:
        """Return a scalar in every lane of a vector."""
        if value.lanes == lanes:
            return value
        if value.text[0] not in "%@":
            return Value(self, f"splat ({value.typed})", value.kind, lanes)
        inserted = self.insert(self.undefined(value.kind, lanes), value, 0)
        return self.shuffle(inserted, [0] * lanes)

    def shuffle(self, value: Value, order: list[int], other: Value | None = None) -> Value:
        """Return the lanes of `value` (then of `other`) in a new order."""
        mask = ", ".join(f"i32 {n}" for n in order)
        second = f"{value.type} poison" if other is None else other.typed
        return self.new(f"shufflevector {value.typed}, {second}, <{len(order)} x i32> <{mask}>", value.kind, len(order))

    def insert(self, vector: Value, scalar: Value, lane: int) -> Value:
        return self.new(f"insertelement {vector.typed}, {scalar.typed}, i32 {lane}", vector.kind, vector.lanes)

    def extract(self, vector: Value, lane: int) -> Value:
        if vector.lanes == 1:
            return vector
        return self.new(f"extractelement {vector.typed}, i32 {lane}", vector.kind)

    def reduce(self, vector: Value, combine: Callable[[Value, Value], Value]) -> Value:
        """Return the lanes of `vector` combined to one, by halves."""
        while vector.lanes > 1:
            half_ = vector.lanes // 2
            low, high = self.shuffle(vector, list(range(half_))), self.shuffle(vector, list(range(half_, 2 * half_)))
            vector = combine(self.one_lane(low), self.one_lane(high))
        return vector

    def one_lane(self, value: Value) -> Value:
        """Return `value`, as a scalar if it is a vector of one lane."""
        if value.lanes != 1:
            return value
        return self.new(f"extractelement <1 x {value.kind.llvm}> {value.text}, i32 0", value.kind)

    # casts

    def bitcast(self, value: Value, kind: Kind) -> Value:
        """Return the bits of `value` read as another kind of the same size."""
        if value.kind.llvm == kind.llvm:
            return Value(self, value.text, kind, value.lanes)
        return self.convert("bitcast", value, kind)

    def convert(self, instruction: str, value: Value, kind: Kind) -> Value:
        target = kind.llvm if value.lanes == 1 else f"<{value.lanes} x {kind.llvm}>"
        return self.new(f"{instruction} {value.typed} to {target}", kind, value.lanes)

    def cast(self, value: Value, kind: Kind) -> Value:
        """Return `value` as another kind, as NumPy's astype converts it."""
        source = value.kind
        if source is kind:
            return value
        if kind.family == "b":
            return self.compare("ne", value, 0)
        if kind.is_narrow:
            return half.narrowed(self, self.cast(value, kinds.float32), kind)
        if source.is_narrow:
            return self.cast(half.widened(self, value), kind)
        if source.family == "f" or kind.family == "f":
            return self.cast_float(value, kind)
        if source.bits == kind.bits:
            return Value(self, value.text, kind, value.lanes)
        if source.bits > kind.bits:
            return self.convert("trunc", value, kind)
        return self.convert("sext" if source.family == "i" else "zext", value, kind)

    def rounded(self, value: Value, kind: Kind) -> Value:
        """Return `value` rounded to a kind, as the kind that such numbers are computed in."""
        return self.cast(self.cast(value, kind), kind.computed)

    def cast_float(self, value: Value, kind: Kind) -> Value:
        source = value.kind
        if source.family == "f" and kind.family == "f":
            return self.convert("fpext" if kind.bits > source.bits else "fptrunc", value, kind)
        if kind.family == "f":
            return self.convert("sitofp" if source.family == "i" else "uitofp", value, kind)
        return self.cast(self.truncated(value, kinds.int32 if kind.bits <= 32 else kinds.int64), kind)

    def truncated(self, value: Value, kind: Kind) -> Value:
        """Return a float as int32 or int64 as C compilers have it: what does not fit is the least number on x86.

        Elsewhere it is the nearest, and nan 0. LLVM's own conversion is undefined there.
        """
        if not self.target.x86:
            vector = lambda each: f"v{value.lanes}{each}" if value.lanes > 1 else each
            name = f"llvm.fptosi.sat.{vector(f'i{kind.bits}')}.{vector(f'f{value.kind.bits}')}"
            return self.call(name, (kind, value.lanes), value)
        limit = 2.0 ** (kind.bits - 1)
        # what is cut to the least number may as well be taken for too small
        fits = (value < limit) & (value >= -limit)
        whole = self.convert("fptosi", self.select(fits, value, 0.0), kind)
        return self.select(fits, whole, self.like(-(2 ** (kind.bits - 1)), whole))

    # operators

    def operate(self, operation: str, a: Any, b: Any) -> Value:
        """Emit fadd, fsub or fmul, or what they are for whole numbers."""
        a, b = self.meet(a, b)
        if a.kind.family == "f":
            return self.new(f"{operation} contract {a.typed}, {b.text}", a.kind, a.lanes)
        if a.kind.family == "b":
            return self.new(f"{'and' if operation == 'fmul' else 'or'} {a.typed}, {b.text}", a.kind, a.lanes)
        return self.new(f"{INTEGER_OPERATIONS[operation]} {a.typed}, {b.text}", a.kind, a.lanes)

    def add(self, a: Any, b: Any) -> Value:
        return self.operate("fadd", a, b)

    def subtract(self, a: Any, b: Any) -> Value:
        return self.operate("fsub", a, b)

    def multiply(self, a: Any, b: Any) -> Value:
        return self.operate("fmul", a, b)

    def exactly(self, operation: str, a: Value, b: Value) -> Value:
        """Emit fadd, fsub or fmul rounded on its own, never fused with its neighbour."""
        return self.new(f"{operation} {a.typed}, {b.text}", a.kind, a.lanes)

    def divide(self, a: Any, b: Any) -> Value:
        """Return a / b; whole numbers are divided as float64."""
        a, b = self.meet(a, b)
        if a.kind.family != "f":
            a, b = self.cast(a, kinds.float64), self.cast(b, kinds.float64)
        return self.new(f"fdiv {a.typed}, {b.text}", a.kind, a.lanes)

    def negative(self, a: Value) -> Value:
        if a.kind.family == "f":
            return self.new(f"fneg {a.typed}", a.kind, a.lanes)
        return self.new(f"sub {self.like(0, a).typed}, {a.text}", a.kind, a.lanes)

    def invert(self, a: Value) -> Value:
        return self.new(f"xor {a.typed}, {self.like(-1 if a.kind.family != 'b' else 1, a).text}", a.kind, a.lanes)

    def bits(self, operation: str, a: Any, b: Any) -> Value:
        """Emit and, or, xor, shl, lshr or ashr of whole numbers or bools."""
        a, b = self.meet(a, b)
        if a.kind.family == "f":
            raise TypeError(f"{operation}: expected whole numbers or bools, got {a.kind.name}")
        return self.new(f"{operation} {a.typed}, {b.text}", a.kind, a.lanes)

    def compare(self, test: str, a: Any, b: Any) -> Value:
        """Return the bool a `test` b, for test eq, ne, lt, le, gt or ge; with nan all but ne are false."""
        a, b = self.meet(a, b)
        if a.kind.family == "f":
            return self.new(f"fcmp {FLOAT_TESTS[test]} {a.typed}, {b.text}", kinds.bool_, a.lanes)
        sign = "" if test in ("eq", "ne") else "s" if a.kind.family == "i" else "u"
        return self.new(f"icmp {sign}{test} {a.typed}, {b.text}", kinds.bool_, a.lanes)

    def select(self, condition: Value, a: Any, b: Any) -> Value:
        """Return a where condition holds, else b."""
        if not isinstance(a, Value) and not isinstance(b, Value):
            kind = kinds.kind_of(np.result_type(type(a), type(b)))
            a, b = self.const(a, kind), self.const(b, kind)
        a, b = self.meet(a, b)
        lanes = max(condition.lanes, a.lanes)
        condition, a, b = self.splat(condition, lanes), self.splat(a, lanes), self.splat(b, lanes)
        return self.new(f"select {condition.typed}, {a.typed}, {b.typed}", a.kind, lanes)

    def fma(self, a: Any, b: Any, c: Any) -> Value:
        """Return a·b + c rounded once; slow where the processor has no such instruction."""
        return self.intrinsic("fma", *self.meet(a, b, c))

    def muladd(self, a: Any, b: Any, c: Any) -> Value:
        """Return a·b + c, rounded once where that is as fast."""
        return self.intrinsic("fmuladd", *self.meet(a, b, c))

    def count(self, condition: Value) -> Value:
        """Return in how many lanes a condition holds."""
        if condition.lanes == 1:
            return self.cast(condition, kinds.int64)
        packed = self.new(f"bitcast {condition.typed} to i{condition.lanes}", kinds.bool_)
        wide = self.new(f"zext i{condition.lanes} {packed.text} to i64", kinds.int64)
        return self.call("llvm.ctpop.i64", kinds.int64, wide)

    def any(self, condition: Value) -> Value:
        """Return whether condition holds in any lane."""
        if condition.lanes == 1:
            return condition
        packed = self.new(f"bitcast {condition.typed} to i{condition.lanes}", kinds.bool_)
        return self.new(f"icmp ne i{condition.lanes} {packed.text}, 0", kinds.bool_)
