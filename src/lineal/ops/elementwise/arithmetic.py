"""The four operations, division with remainder, and their kin."""

from __future__ import annotations

from typing import Any

from lineal.base import config, dtypes
from lineal.base.dtypes import STORED_ONLY, Category
from lineal.base.signatures import Number, Operand, Tensor
from lineal.core import AbstractTensor, renamed
from lineal.core.calling import older_form, public
from lineal.core.door import binary_door
from lineal.ops.conversion import as_number, cast, dtype_of, result_type
from lineal.ops.front import binary, narrowed, nary, require_tensor, row, store, unary, underivable, zero
from lineal.ops.promotion import as_scalar, in_wide, unsupported

__all__ = [
    "neg",
    "negative",
    "positive",
    "add",
    "sub",
    "subtract",
    "rsub",
    "mul",
    "multiply",
    "div",
    "divide",
    "true_divide",
    "floor_divide",
    "remainder",
    "fmod",
    "reciprocal",
    "addcmul",
    "addcdiv",
    "lerp",
]

_neg = unary("neg", lambda m, x: m.negative(x), lambda g: _neg(g), domain="number")
_add = binary("add", lambda m, a, b: m.add(a, b), lambda g: g, lambda g: g)
_sub = binary("sub", lambda m, a, b: m.subtract(a, b), lambda g: g, lambda g: _neg(g), domain="no bool")
mul = binary(
    "mul",
    lambda m, a, b: m.multiply(a, b),
    lambda g, b: _times(g, b.conj()),
    lambda g, a: _times(g, a.conj()),
    widens=True,
    doc="Return input × other; of bool tensors, input and other.",
)
_times = binary_door(mul.op, mul.op.kernel)
"""The product where nothing is to be promoted or broadcast."""

_SCALES = frozenset((int, float))
_MASKS = "use the `~` or `logical_not()` operator to invert a mask, `^` or `logical_xor()` for the difference of two"


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return -input."""
    try:
        return _neg(input, out=out)
    except NotImplementedError as error:
        raise of_masks(error, "neg: Negation, the `-` operator, on a bool tensor", input) from None


def of_masks(error: Exception, what: str, *operands: Any) -> Exception:
    """Return the error for what was refused: in PyTorch's words of bool tensors, unless a dtype is only stored."""
    if any(isinstance(each, AbstractTensor) and each.value.dtype in STORED_ONLY for each in operands):
        return error
    return RuntimeError(f"{what} is not supported; {_MASKS}")


def positive(input: Tensor) -> Tensor:
    """Return input itself, which must not be bool."""
    if require_tensor("positive", input).dtype.kind == "b":
        raise RuntimeError("positive: The `+` operator, on a bool tensor is not supported")
    return input


def scaled(name: str, input: Any, other: Any, alpha: Any) -> Any:
    """Return other × alpha, of which the result's dtype must hold alpha."""
    if alpha.__class__ is int and alpha == 1:
        return other
    if alpha.__class__ in _SCALES and isinstance(other, AbstractTensor) and other.value.dtype.kind == "f":
        if isinstance(input, AbstractTensor) and input.value.dtype is other.value.dtype:
            return other * alpha
    target = result_type(input, other)
    if isinstance(alpha, AbstractTensor):
        if not alpha.value.ndim and dtype_of(alpha).category is target.category >= Category.FLOATING:
            # a number, without a derivative, that a recorder need not see read
            return other * alpha.detach()  # type: ignore[attr-defined]
        alpha = as_number(name, "alpha", alpha)
    if isinstance(alpha, bool) and target.name != "bool":
        raise RuntimeError(f"{name}: Boolean alpha only supported for Boolean results")
    if config.of_scalar(alpha).category > target.category:
        raise RuntimeError(f"{name}: expected alpha to be of the result's dtype {target}, got {alpha!r}")
    return other if alpha == 1 else other * alpha  # type: ignore[operator]


def combined(name: str, op: Any, input: Any, other: Any, alpha: Any) -> Any:
    """Return the sum or difference of input and alpha × other, of half precision rounded once."""
    if alpha.__class__ is int and alpha == 1:
        return op(input, other)
    wide = in_wide(input, other)
    if not wide:
        return op(input, scaled(name, input, other, alpha))
    # PyTorch rounds alpha here
    alpha = cast(as_scalar(as_number(name, "alpha", alpha), result_type(input, other).numpy), dtypes.float32)
    return narrowed(op(wide[0], scaled(name, wide[0], wide[1], alpha)), op.op, input, other)


def add(input: Operand, other: Operand, *older: Any, alpha: Number | Tensor = 1, out: Tensor | None = None) -> Tensor:
    """Return input + alpha × other; of bool tensors, input or other."""
    if older:
        return older_form(add, ("alpha",), (input, other, *older), {"out": out})
    y = combined("add", _add, input, other, alpha)
    return y if out is None else store(y, out, "add", input, other)


def sub(input: Operand, other: Operand, *older: Any, alpha: Number | Tensor = 1, out: Tensor | None = None) -> Tensor:
    """Return input - alpha × other."""
    if older:
        return older_form(sub, ("alpha",), (input, other, *older), {"out": out})
    try:
        y = combined("sub", _sub, input, other, alpha)
    except NotImplementedError as error:
        raise of_masks(error, "sub: Subtraction, the `-` operator, with a bool tensor", input, other) from None
    return y if out is None else store(y, out, "sub", input, other)


def rsub(input: Operand, other: Operand, *, alpha: Number | Tensor = 1) -> Tensor:
    """Return other - alpha × input."""
    require_tensor("rsub", input)
    return renamed(sub(other, input, alpha=alpha), "RsubBackward1")


_quotient_by_divisor = row(
    "div_backward",
    lambda m, g, y, b: -g * (y / b),
    lambda h, y, b: _quotient_by_divisor(h, y.conj(), b.conj()),
    lambda h, g, b: -(h * (g / b).conj()),
    lambda h, g, y, b: h * (g / b * (y / b)).conj(),
)
true_divide = binary(
    "div",
    lambda m, a, b: m.true_divide(a, b),
    lambda g, b: g / b.conj(),
    lambda g, y, b: _quotient_by_divisor(g, y.conj(), b.conj()),
    domain="float",
    widens=True,
    doc="Return input / other; integers are divided as the default dtype.",
)


def refuse_zero(b: Any) -> None:
    """Raise where integers are divided by zero."""
    if b.dtype.kind in "iu" and not b.all():
        raise RuntimeError("ZeroDivisionError")


def _floor(m: Any, a: Any, b: Any) -> Any:
    refuse_zero(b)
    return m.floor_divide(a, b)


def _truncated(m: Any, a: Any, b: Any) -> Any:
    refuse_zero(b)
    if a.dtype.kind not in "iu":
        return m.trunc(m.true_divide(a, b))
    return m.floor_divide(a - m.fmod(a, b), b)


def _remainder(m: Any, a: Any, b: Any) -> Any:
    refuse_zero(b)
    return m.remainder(a, b)


def _fmod(m: Any, a: Any, b: Any) -> Any:
    refuse_zero(b)
    return m.fmod(a, b)


_div_floor = binary(
    "div_floor", lambda m, a, b: m.floor_divide(a, b), zero, zero, domain="ordered", numeric=_floor, widens=True
)
_div_trunc = binary("div_trunc", lambda m, a, b: m.trunc(a / b), zero, zero, domain="ordered", numeric=_truncated, widens=True)
_ROUNDED = {None: true_divide, "floor": _div_floor, "trunc": _div_trunc}


def div(input: Operand, other: Operand, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """Return input / other, rounded down ("floor"), towards zero ("trunc"; both keep integers), or not at all (None)."""
    divide = _ROUNDED.get(rounding_mode)
    if divide is None:
        raise RuntimeError(f"div: expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}")
    return divide(input, other, out=out)


floor_divide = binary(
    "floor_divide",
    lambda m, a, b: m.floor_divide(a, b),
    underivable("floor_divide"),
    underivable("floor_divide"),
    domain="ordered",
    numeric=_floor,
    widens=True,
    doc="Return input / other, rounded down.",
)
remainder = binary(
    "remainder",
    lambda m, a, b: m.remainder(a, b),
    lambda g: g,
    lambda g, a, b: -(g * _div_floor(a, b)),
    domain="ordered",
    numbers="one",
    numeric=_remainder,
    doc="Return the remainder of input / other rounded down; it has the sign of other.",
)
fmod = binary(
    "fmod",
    lambda m, a, b: m.fmod(a, b),
    lambda g: g,
    lambda g, a, b: -(g * _div_trunc(a, b)),
    domain="ordered",
    numbers="second",
    numeric=_fmod,
    doc="Return the remainder of input / other rounded towards zero; it has the sign of input.",
)

_reciprocal_backward = row(
    "reciprocal_backward",
    lambda m, g, y: -g * (y * y),
    lambda h, y: _reciprocal_backward(h, y.conj()),
    lambda h, g, y: h * (g * y * -2).conj(),
)
reciprocal = unary(
    "reciprocal", lambda m, x: m.reciprocal(x), lambda g, y: _reciprocal_backward(g, y.conj()), doc="Return 1 / input."
)


_addcmul = nary(
    "addcmul",
    lambda m, x, a, b, v: x + m.multiply(a, b) * v,
    lambda g: g,
    lambda g, b, v: g * (b * v).conj(),
    lambda g, a, v: g * (a * v).conj(),
    None,
    domain="any",
)


@public
def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *older: Any, value: Number | Tensor = 1, out: Tensor | None = None
) -> Tensor:
    """Return input + value × tensor1 × tensor2."""
    if older:
        return older_form(addcmul, ("value",), (input, tensor1, tensor2, *older), {"out": out})
    xs = (input, tensor1, tensor2)
    if value.__class__ not in _SCALES and in_wide(*xs):
        value = as_number("addcmul", "value", value)
    if value.__class__ in _SCALES and all(isinstance(x, AbstractTensor) and x.value.dtype.kind in "fcV" for x in xs):
        return _addcmul(*xs, value, out=out)
    return renamed(add(input, mul(tensor1, tensor2), alpha=value, out=out), "AddcmulBackward0")


@public
def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *older: Any, value: Number | Tensor = 1, out: Tensor | None = None
) -> Tensor:
    """Return input + value × tensor1 / tensor2; floating or complex only."""
    if older:
        return older_form(addcdiv, ("value",), (input, tensor1, tensor2, *older), {"out": out})
    if require_tensor("addcdiv", tensor1).dtype.kind in "iub" and require_tensor("addcdiv", tensor2).dtype.kind in "iub":
        raise RuntimeError(
            "addcdiv: Integer division with addcdiv is not supported; use input + value * div(…, rounding_mode=…)"
        )
    wide = in_wide(input, tensor1, tensor2)
    if wide:
        value = as_number("addcdiv", "value", value)
        y = cast(add(wide[0], true_divide(*wide[1:]), alpha=value), result_type(input, tensor1, tensor2))
        y = y if out is None else store(y, out, "addcdiv", input, tensor1, tensor2)
    else:
        y = add(input, true_divide(tensor1, tensor2), alpha=value, out=out)
    return renamed(y, "AddcdivBackward0")


def _between(m: Any, a: Any, b: Any, w: Any) -> Any:
    if w.ndim:
        return m.where(m.abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))
    return a + w * (b - a) if abs(w) < 0.5 else b - (b - a) * (1 - w)


_lerp = nary(
    "lerp",
    lambda m, a, b, w: m.where(m.abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w)),
    lambda g, w: g * (1 - w).conj(),
    lambda g, w: g * w.conj(),
    lambda g, a, b: g * (b - a).conj(),
    domain="field",
    numeric=_between,
)


@public
def lerp(input: Tensor, end: Tensor, weight: Any, *, out: Tensor | None = None) -> Tensor:
    """Return input + weight × (end - input), exact at the weights 0 and 1."""
    if dtype_of(input) is not dtype_of(end):
        raise RuntimeError(f"lerp: expected dtype {dtype_of(input)} for `end` but got dtype {dtype_of(end)}")
    if isinstance(weight, AbstractTensor) and dtype_of(weight) is not dtype_of(input) and weight.value.ndim:
        raise RuntimeError(f"lerp: expected dtype {dtype_of(input)} for `weight` but got dtype {dtype_of(weight)}")
    if input.value.dtype.kind in "iub":
        raise unsupported("lerp", dtype_of(input))
    return _lerp(input, end, weight, out=out)


sum_operators = _add.operator, _add.operator
difference_operators = _sub.operator, _sub.reflected
negative, subtract, multiply, divide = neg, sub, mul, div
