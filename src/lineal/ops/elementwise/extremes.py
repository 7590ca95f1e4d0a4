"""The larger and the smaller of two, and what keeps numbers within bounds."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, apply
from lineal.core.calling import public
from lineal.ops.elementwise.masks import keep, masked
from lineal.ops.front import binary, require_tensor, row, store, unary
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import align, as_scalar, beside, check_numbers

__all__ = ["maximum", "minimum", "fmax", "fmin", "clamp", "clip", "clamp_min", "clamp_max", "relu"]


def _share(m: Any, g: Any, a: Any, b: Any) -> Any:
    y = masked(m, g, m.logical_not(a < b))
    ties = a == b
    return m.where(ties, y * 0.5, y) if ties.any() else y


_where_larger = row(
    "maximum_backward",
    lambda m, g, a, b: m.where(a == b, g * 0.5, m.where(a < b, 0, g)),
    lambda h, a, b: _where_larger(h, a, b),
    None,
    None,
    numeric=_share,
)
"""The cotangent of the first of two inputs to a maximum (of the second one to a minimum): equal inputs share it."""

_maximum = binary(
    "maximum",
    lambda m, a, b: m.maximum(a, b),
    lambda g, a, b: _where_larger(g, a, b),
    lambda g, a, b: _where_larger(g, b, a),
    domain="real",
    numbers="none",
)
_minimum = binary(
    "minimum",
    lambda m, a, b: m.minimum(a, b),
    lambda g, a, b: _where_larger(g, b, a),
    lambda g, a, b: _where_larger(g, a, b),
    domain="real",
    numbers="none",
)


def _larger(m: Any, a: Any, b: Any) -> Any:
    # NumPy's fmax takes either of two zeros, as they lie in memory
    return m.where((a >= b) | (b != b), a, b)


def _smaller(m: Any, a: Any, b: Any) -> Any:
    return m.where((a <= b) | (b != b), a, b)


fmax = binary(
    "fmax",
    lambda m, a, b: m.fmax(a, b),
    lambda g, a, b: keep(g, (a >= b) | b.isnan()),
    lambda g, a, b: keep(g, ~((a >= b) | b.isnan())),
    domain="real",
    numbers="none",
    numeric=_larger,
    doc="Return the larger of input and other; nan only where both are nan.",
)
fmin = binary(
    "fmin",
    lambda m, a, b: m.fmin(a, b),
    lambda g, a, b: keep(g, (a <= b) | b.isnan()),
    lambda g, a, b: keep(g, ~((a <= b) | b.isnan())),
    domain="real",
    numbers="none",
    numeric=_smaller,
    doc="Return the smaller of input and other; nan only where both are nan.",
)


def refuse_complex(name: str, *xs: AbstractTensor) -> None:
    """Raise if one of `xs` is complex or no tensor."""
    for x in xs:
        if require_tensor(name, x).dtype.kind == "c":
            raise RuntimeError(f"{name} not implemented for complex tensors.")


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the larger of input and other, nan where one of them is; equal inputs share the gradient."""
    refuse_complex("maximum", input, other)
    return _maximum(input, other, out=out)


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the smaller of input and other, nan where one of them is; equal inputs share the gradient."""
    refuse_complex("minimum", input, other)
    return _minimum(input, other, out=out)


_within = row(
    "clamp_backward",
    lambda m, g, x, low, high: m.where((x >= low) & (x <= high), g, 0),
    lambda h, x, low, high: _within(h, x, low, high),
    None,
    None,
    None,
    numeric=lambda m, g, x, low, high: masked(m, g, (x >= low) & (x <= high)),
)
_clamp = Elementwise(
    "clamp",
    lambda m, x, low, high: m.minimum(high, m.maximum(low, x)),
    (
        lambda g, x, low, high: _within(g, x, low, high),
        lambda g, x, low, high: keep(g, (x < low) & (low < high)),
        lambda g, x, low, high: keep(g, (x > high) | (high < low)),
    ),
)
_clamp_min = binary(
    "clamp_min",
    lambda m, x, low: m.maximum(low, x),
    lambda g, x, low: keep(g, x >= low),
    lambda g, x, low: keep(g, x < low),
    domain="real",
    numbers="second",
)
_clamp_max = binary(
    "clamp_max",
    lambda m, x, high: m.minimum(high, x),
    lambda g, x, high: keep(g, x <= high),
    lambda g, x, high: keep(g, x > high),
    domain="real",
    numbers="second",
)


def refuse_unordered(name: str, *given: Any) -> None:
    """Raise if one of the tensors or numbers `given` is complex."""
    for each in given:
        if isinstance(each, complex) or (isinstance(each, AbstractTensor) and each.value.dtype.kind == "c"):
            raise NotImplementedError(f"{name} is not supported for complex types")


@public
def clamp_min(input: Tensor, min: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the larger of input and `min`, a number or a tensor; the gradient passes where input ≥ min."""
    refuse_unordered("clamp_min", input, min)
    check_numbers("clamp_min", input, min)
    return _clamp_min(input, min, out=out)


@public
def clamp_max(input: Tensor, max: Any, *, out: Tensor | None = None) -> Tensor:
    """Return the smaller of input and `max`, a number or a tensor; the gradient passes where input ≤ max."""
    refuse_unordered("clamp_max", input, max)
    check_numbers("clamp_max", input, max)
    return _clamp_max(input, max, out=out)


@public
def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Return input moved into [min, max], numbers, tensors or None; max where min > max. The gradient passes at the bounds."""
    if max is None or min is None:
        if min is not max:
            return clamp_min(input, min, out=out) if max is None else clamp_max(input, max, out=out)
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    constants = beside("real", require_tensor("clamp", input).dtype, (min, max))
    if constants is not None:
        y = apply(_clamp, input, *constants)
    elif min.__class__ is max.__class__ is float and input.value.dtype.kind == "f":
        y = apply(_clamp, input, as_scalar(min, input.value.dtype), as_scalar(max, input.value.dtype))
    else:
        refuse_unordered("clamp", input, min, max)
        check_numbers("clamp", input, min, max)
        y = apply(_clamp, *align("clamp", "real", input, min, max))
    return y if out is None else store(y, out, "clamp", input)


_where_positive = row(
    "relu_backward",
    lambda m, g, y: m.where(y == 0, 0, g),
    lambda h, y: _where_positive(h, y),
    None,
    numeric=lambda m, g, y: masked(m, g, y.astype(bool)),
)
_relu = unary("relu", lambda m, x: m.maximum(0, x), lambda g, y: _where_positive(g, y), domain="ordered")


def relu(input: Tensor) -> Tensor:
    """Return the larger of input and 0; the gradient at 0 is 0."""
    if require_tensor("relu", input).dtype.kind == "b":
        raise RuntimeError("relu: Boolean inputs not supported for relu")
    return _relu(input)


clip = clamp
