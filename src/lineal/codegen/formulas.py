"""Formulas as data: what a scalar expression computes, step by step.

    formula_of(lambda m, x, y: m.exp(x - y) * 2, (float32, float32))

calls the expression once, with symbols, and returns its steps. A `Formula` is called with another module `m` as the expression
itself is: an Emitter's `math` writes its code, `NUMPY` computes it. It prints as one reads it, equal formulas are equal, and
what it costs can be counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.codegen import kinds, specialvalues
from lineal.codegen.kinds import Kind
from lineal.codegen.mathmodule import MathModule

__all__ = ["NUMPY", "Formula", "Number", "Step", "Symbol", "formula_of"]

special: Any = later.module("scipy.special")

Expression = Callable[..., Any]


class Number:
    """A number that stands in a formula; numbers are equal if they are written alike, so -0.0 is not 0.0, and 1 is not True."""

    __slots__ = ("text", "value")

    def __init__(self, value: Any):
        self.value = value
        self.text = repr(value)

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


class Step(NamedTuple):
    """One operation: its name in the module, its operands (numbers, or the places of values) and the kind of what it gives.

    Values count from the inputs on. The operation "cast" has the kind as its only other operand.
    """

    operation: str
    operands: tuple[int | Number, ...]
    kind: Kind

    @property
    def source(self) -> int:
        """The place of the only operand."""
        (place,) = self.operands
        assert isinstance(place, int)
        return place


class Formula:
    """What an expression computes of inputs of some kinds: steps, of which `result` is the last, another value, or a number."""

    __slots__ = ("hash", "inputs", "result", "steps")

    def __init__(self, inputs: tuple[Kind, ...], steps: tuple[Step, ...], result: int | Number):
        self.inputs, self.steps, self.result = inputs, steps, result
        self.hash = hash((inputs, steps, result))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Formula)
            and self.hash == other.hash
            and (self.inputs, self.steps, self.result) == (other.inputs, other.steps, other.result)
        )

    def __hash__(self) -> int:
        return self.hash

    def __call__(self, m: Any, *xs: Any) -> Any:
        """Return the value in terms of the functions of `m`."""
        values = list(xs)
        for operation, operands, kind in self.steps:
            given = [each.value if isinstance(each, Number) else values[each] for each in operands]
            values.append(m.cast(given[0], kind) if operation == "cast" else getattr(m, operation)(*given))
        return values[self.result] if isinstance(self.result, int) else self.result.value

    @property
    def is_copy(self) -> bool:
        """Whether it gives its first input."""
        return self.result == 0

    def text(self, *names: str) -> str:
        """Return the formula as one would write it; what several steps read has a name where it first stands."""
        words = list(names)
        reads = Counter(each for step in self.steps for each in step.operands if isinstance(each, int))
        for place, step in enumerate(self.steps, len(names)):
            text = written(step, [words[each] if isinstance(each, int) else each.text for each in step.operands])
            words.append(text if reads[place] < 2 else f"(t{place} := {unwrapped(text)})")
            for each in step.operands:
                if isinstance(each, int) and each >= len(names) and reads[each] > 1:
                    words[each] = f"t{each}"
        return unwrapped(words[self.result]) if isinstance(self.result, int) else self.result.text

    def __repr__(self) -> str:
        return self.text(*[f"x{n}" for n in range(len(self.inputs))])


SIGNS = dict(
    zip(
        "add subtract multiply divide floor_divide remainder power equal not_equal less less_equal greater greater_equal "
        "bitwise_and bitwise_or bitwise_xor left_shift right_shift rounded_product".split(),
        "+ - * / // % ** == != < <= > >= & | ^ << >> *".split(),
    )
)
BEFORE = {"negative": "-", "invert": "~"}


def written(step: Step, operands: Sequence[str]) -> str:
    """Return a step in words."""
    if step.operation in SIGNS:
        return f"({operands[0]} {SIGNS[step.operation]} {operands[1]})"
    if step.operation in BEFORE:
        return f"{BEFORE[step.operation]}{operands[0]}"
    name = step.kind.name if step.operation == "cast" else step.operation
    return f"{name}({', '.join(map(unwrapped, operands))})"


def unwrapped(text: str) -> str:
    """Return a text without the brackets around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for n, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if not depth:
            return text[1:-1] if n == len(text) - 1 else text
    return text


# of which kind is what an operation gives


def meeting(*operands: Any) -> Kind:
    """Return the kind in which the operands meet."""
    return kinds.meeting(*[each.kind if isinstance(each, Symbol) else each for each in operands if each is not None])


def floating(*operands: Any) -> Kind:
    """Return the floating kind in which the operands meet; whole numbers become float64."""
    kind = meeting(*operands)
    return kind if kind.family == "f" else kinds.float64


def truth(*operands: Any) -> Kind:
    """Return bool."""
    return kinds.bool_


def whole(*operands: Any) -> Kind:
    """Return the kind in which the operands meet, which must be whole numbers or bools."""
    kind = meeting(*operands)
    if kind.family == "f":
        raise TypeError(f"bits: expected whole numbers or bools, got {kind.name}")
    return kind


def counting(*operands: Any) -> Kind:
    """Return the kind in which the operands meet, which must be numbers."""
    kind = meeting(*operands)
    if kind.family == "b":
        raise TypeError("arithmetic: expected numbers, got bool")
    return kind


def selected(condition: Any, a: Any, b: Any) -> Kind:
    """Return the kind in which what is selected meets."""
    if isinstance(a, Symbol) or isinstance(b, Symbol):
        return meeting(a, b)
    return kinds.kind_of(np.result_type(type(a), type(b)))


def first(x: Any, *others: Any) -> Kind:
    """Return the kind of the first operand."""
    return x.kind


KINDS: dict[str, Callable[..., Kind]] = {
    **dict.fromkeys("add subtract multiply maximum minimum fmax fmin clip".split(), meeting),
    **dict.fromkeys("fmod remainder floor_divide power".split(), counting),
    **dict.fromkeys("left_shift right_shift".split(), lambda a, b: counting(whole(a, b))),
    **dict.fromkeys("negative abs sign square floor ceil trunc rint imag rounded_product".split(), first),
    **dict.fromkeys("bitwise_and bitwise_or bitwise_xor".split(), whole),
    **dict.fromkeys("equal not_equal less less_equal greater greater_equal".split(), truth),
    **dict.fromkeys("isnan isinf isfinite signbit truth logical_and logical_or logical_xor logical_not".split(), truth),
    **dict.fromkeys("divide reciprocal sqrt rsqrt cbrt exp exp2 expm1 log log2 log10 log1p".split(), floating),
    **dict.fromkeys("sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh".split(), floating),
    **dict.fromkeys("logaddexp logaddexp2 sigmoid copysign hypot nextafter erf erfc erfcx erfinv".split(), floating),
    **dict.fromkeys("ndtr log_ndtr ndtri lgamma digamma trigamma i0 i0e i1 i1e".split(), floating),
    "invert": whole,
    "where": selected,
    "ldexp": lambda x, n: floating(x),
}  # fmt: skip
"""The operations, with the kind of what they give."""

NAMED = {getattr(MathModule, name): name for name in KINDS}
NAMES = {name: NAMED[each] for name, each in vars(MathModule).items() if callable(each) and each in NAMED}
"""What may be written for an operation: some have several names."""
SAME = frozenset("positive conj conjugate real".split())
"""What changes nothing about a real number."""


class Trace:
    """The steps of one expression while it is called."""

    def __init__(self, count: int):
        self.count = count
        self.steps: dict[Step, int] = {}

    def step(self, operation: str, kind: Kind, operands: Sequence[Any]) -> Symbol:
        """Return the symbol for an operation, which is done once."""
        if any(isinstance(each, complex) for each in operands):
            raise TypeError(f"{operation}: expected real numbers, got {operands}")
        step = Step(operation, tuple([each.place if isinstance(each, Symbol) else Number(each) for each in operands]), kind)
        place = self.steps.setdefault(step, self.count + len(self.steps))
        return Symbol(self, place, kind)


def operator(name: str, reflected: bool = False) -> Callable[..., Symbol]:
    """Return the method of an operator."""
    if reflected:
        return lambda self, other: SYMBOLS.call(name, other, self)
    return lambda self, *others: SYMBOLS.call(name, self, *others)


class Symbol:
    """A value of a formula that is not known yet: an input, or what a step gives."""

    __slots__ = ("kind", "place", "trace")
    __array_ufunc__ = None

    def __init__(self, trace: Trace, place: int, kind: Kind):
        self.trace, self.place, self.kind = trace, place, kind

    @property
    def dtype(self) -> np.dtype:
        """NumPy's dtype of the value."""
        return self.kind.dtype

    @property
    def real(self) -> Symbol:
        """The value."""
        return self

    def conj(self) -> Symbol:
        """Return the value."""
        return self

    conjugate = conj

    def astype(self, dtype: Any) -> Symbol:
        """Return the value converted to another dtype."""
        kind = kinds.kind_of(dtype).computed
        return self if kind is self.kind else self.trace.step("cast", kind, [self])

    def __bool__(self) -> bool:
        raise TypeError("Symbol: a formula has no truth value while it is made; use m.where(condition, a, b)")

    __add__, __radd__ = operator("add"), operator("add", True)
    __sub__, __rsub__ = operator("subtract"), operator("subtract", True)
    __mul__, __rmul__ = operator("multiply"), operator("multiply", True)
    __truediv__, __rtruediv__ = operator("divide"), operator("divide", True)
    __floordiv__, __rfloordiv__ = operator("floor_divide"), operator("floor_divide", True)
    __mod__, __rmod__ = operator("remainder"), operator("remainder", True)
    __pow__, __rpow__ = operator("power"), operator("power", True)
    __and__, __or__, __xor__ = operator("bitwise_and"), operator("bitwise_or"), operator("bitwise_xor")
    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__
    __lshift__, __rshift__ = operator("left_shift"), operator("right_shift")
    __neg__, __abs__, __invert__ = operator("negative"), operator("abs"), operator("invert")
    __eq__, __ne__ = operator("equal"), operator("not_equal")  # type: ignore[assignment]
    __lt__, __le__, __gt__, __ge__ = operator("less"), operator("less_equal"), operator("greater"), operator("greater_equal")
    __hash__ = object.__hash__

    def __pos__(self) -> Symbol:
        return self

    imag = property(operator("imag"))


class Symbols:
    """The module `m` whose functions note what is asked for."""

    pi, e, inf, nan = math.pi, math.e, math.inf, math.nan

    def call(self, name: str, *operands: Any) -> Symbol:
        """Return the symbol for an operation."""
        trace = next(each.trace for each in operands if isinstance(each, Symbol))
        return trace.step(name, KINDS[name](*operands), operands)

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name in SAME:
            found: Callable[..., Symbol] = lambda x: x
        elif name in NAMES:
            known = NAMES[name]
            # in whose memory an array would be written is nothing to a formula
            found = lambda *operands, out=None: self.call(known, *operands)
        else:
            raise AttributeError(f"{name}: no operation of formulas")
        setattr(self, name, found)
        return found


SYMBOLS = Symbols()


def formula_of(expression: Any, inputs: Sequence[Kind]) -> Formula:
    """Return the formula of an expression, for inputs of these kinds; an error of its own if it has none."""
    given = tuple([each.computed for each in inputs])
    if getattr(expression, "__closure__", expression) is None and expression.__defaults__ is None:
        return known(expression.__code__, Global(expression), given)
    return traced(expression, given)


class Global:
    """A function that depends on its code alone, since it closes over nothing."""

    __slots__ = ("expression",)

    def __init__(self, expression: Any):
        self.expression = expression

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Global) and self.expression.__globals__ is other.expression.__globals__

    def __hash__(self) -> int:
        return 0


@lru_cache(4096)
def known(code: Any, expression: Global, inputs: tuple[Kind, ...]) -> Formula:
    """Return the formula of a function that closes over nothing."""
    return traced(expression.expression, inputs)


def traced(expression: Expression, inputs: tuple[Kind, ...]) -> Formula:
    """Return the formula that an expression is when it is called."""
    if isinstance(expression, Formula):
        return expression
    trace = Trace(len(inputs))
    result = expression(SYMBOLS, *[Symbol(trace, n, kind) for n, kind in enumerate(inputs)])
    return Formula(inputs, tuple(trace.steps), result.place if isinstance(result, Symbol) else Number(result))


class NumpyModule:
    """The module `m` that computes formulas on NumPy's arrays: what each operation means, in NumPy's and SciPy's words."""

    rounded_product = staticmethod(np.multiply)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in specialvalues.__all__:
            return getattr(specialvalues, name)
        return getattr(special, SCIPY[name]) if name in SCIPY else getattr(np, name)

    def cast(self, x: Any, kind: Kind) -> Any:
        """Return x converted to a kind."""
        return np.asarray(x).astype(kind.dtype)

    def truth(self, x: Any) -> Any:
        """Return whether x is not 0."""
        return np.not_equal(x, 0)

    def rsqrt(self, x: Any) -> Any:
        """Return 1 / √x."""
        return 1 / np.sqrt(x)


SCIPY = {"sigmoid": "expit"} | {name: name for name in "erf erfc erfinv ndtri i0 i0e i1 i1e".split()}
NUMPY = NumpyModule()
