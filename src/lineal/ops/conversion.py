"""From one dtype to another, and from Python numbers to tensors."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.base import config, dtypes
from lineal.base.devices import device, device_of
from lineal.base.dtypes import STORED_ONLY, Category, dtype
from lineal.base.layouts import alike, back, order_of_steps, preserved, steps
from lineal.base.limits import finfo, iinfo
from lineal.base.platforms import FOREIGN, HOST, PLATFORMS, moved
from lineal.core import AbstractTensor, Op, apply, lift
from lineal.core.precision import retyped, widened

HALF_MAX = 65504.0
"""The largest number of the narrowest dtype: what is less overflows in none."""


class Cast(Op):
    """y = x in another dtype; the cotangent goes back to x's dtype (its real part if x was real)."""

    target: dtype
    layout = alike
    grad_name = "ToCopyBackward0"
    any_dtype = True

    @property
    def differentiable(self) -> bool:
        return self.target.category >= Category.FLOATING

    def eager(self, xp, x):
        if x.dtype.kind == "c" and not self.target.is_complex:
            x = x.real
        storage = self.target.numpy
        if STORED_ONLY:
            # to and from what is only stored the way is by the dtype it is computed in, as in PyTorch
            return self.target.stored(widened(x) if x.dtype in STORED_ONLY else x)
        return retyped(x, storage)

    def vjp(self, needs, g, y, x):
        return (cast(g, dtypes.of(x.storage)),)


_CASTS = {each: Cast(each) for each in dtypes.ALL}


def cast(x: AbstractTensor, target: dtype) -> Any:
    """Return `x` in the dtype `target`; `x` itself if it has it already."""
    if x.value.dtype is target.numpy or x.value.dtype == target.numpy:
        return x
    return apply(_CASTS[target], x)


class Transfer(Op):
    """y = x in the memory of a device of another kind, its axes in the same order there; x̄ = ȳ brought back."""

    source: str
    target: str
    any_dtype = True
    no_lowering = "runs eagerly: a program computes on one device"

    def eager(self, xp, x):
        there, order = PLATFORMS[self.target], order_of_steps(preserved(x.shape, steps(x)))
        if order == tuple(range(x.ndim)):
            return moved(x, there)
        return moved(x.transpose(order), there).transpose(back(order))

    def vjp(self, needs, g, y, x):
        return (apply(Transfer(self.target, self.source), g),)


def transferred(x: AbstractTensor, target: device) -> Any:
    """Return `x` on a device; `x` itself if it is there."""
    source, there = device_of(x.value), PLATFORMS.get(target.type, HOST)
    if source.type == target.type:
        return x
    # builtins look out for arrays of the device "meta" only while there are any: one, as long as the op runs
    first = None if there is HOST or there.array in FOREIGN else there.empty((), np.bool_)
    y = apply(Transfer(source.type, target.type), x)
    del first
    return y


def gathered(xs: tuple) -> tuple:
    """Return tensors, those of the host that are numbers (constants of no dimensions) on the device of the others."""
    platform = next((FOREIGN[x.value.__class__] for x in xs if x.value.__class__ in FOREIGN), None)
    if platform is None:
        return xs
    return tuple([x if x.value.ndim or x.node is not None else lift(moved(x.value, platform)) for x in xs])


def number_beside(x: AbstractTensor, number: Any, target: dtype | None = None) -> Any:
    """Return a number on the device of `x`, in its dtype unless one is given, as a tensor of no dimensions."""
    made = constant(number, target or dtype_of(x))
    return gathered((x, made))[1] if FOREIGN else made


_literals: dict[tuple, Any] = {}
_MOST_LITERALS = 4096
"""Python numbers whose tensors are kept."""
_LITERAL = "literal"
"""What tensors of Python numbers are marked by, which are read-only; a recorder knows by this that they never change."""


def is_literal(x: AbstractTensor) -> bool:
    """Return whether `x` is the tensor of a Python number that some calls may share."""
    return _LITERAL in x.__dict__


def constant(number: Any, target: dtype | None = None) -> Any:
    """Return a Python or NumPy number as a tensor of no dimensions; infinity where the dtype is too narrow for it."""
    kind = number.__class__
    if kind is not float and kind is not int and kind is not bool:
        return new_constant(number, target)
    key = (number, kind, target)
    found = _literals.get(key)
    # 0.0 and -0.0 are one key; the dtype of a number without a target may be set anew
    if found is not None and (number or kind is not float or math.copysign(1.0, number) > 0):
        return found
    made = new_constant(number, target)
    if target is not None and (number or kind is not float or math.copysign(1.0, number) > 0):
        made.value.flags.writeable = False
        made.__dict__[_LITERAL] = True
        if len(_literals) < _MOST_LITERALS:
            _literals[key] = made
    return made


def new_constant(number: Any, target: dtype | None) -> Any:
    """Return a new tensor of no dimensions that holds a number."""
    if target is None:
        target = scalar_dtype(number)
    try:
        if isinstance(number, (int, float, complex)) and not abs(number) < HALF_MAX:
            with np.errstate(over="ignore"):
                return lift(target.array(plain(number, target)))
        return lift(target.array(number))
    except OverflowError:
        raise RuntimeError(f"value {number} cannot be converted to type {target.name} without overflow") from None
    except ValueError:
        raise TypeError(f"expected a tensor or a number, got {type(number).__name__}") from None


def plain(number: Any, target: dtype) -> Any:
    """Return a number as one that NumPy converts: ml_dtypes' own conversions know no integers beyond int64."""
    return float(number) if target.extension and isinstance(number, int) else number


def converted(name: str, number: Any, target: dtype, strict: bool = True) -> Any:
    """Return a number as one that `target` holds: fractions cut off, and integers from -255 to -1 wrapped around by uint8.

    RuntimeError if it is out of range; unless `strict`, half precisions take what is too large for infinite.
    """
    if number.__class__ is float and -HALF_MAX < number < HALF_MAX and target.category is Category.FLOATING and target.rank:
        return number
    if isinstance(number, np.generic):
        number = number.item()
    if isinstance(number, int) and not -(1 << 63) <= number < 1 << 64:
        raise OverflowError(f"{name}: int too big to convert, got {number}")
    if target.is_complex:
        return number
    if target.category is Category.BOOL:
        return bool(number)
    if isinstance(number, complex):
        if number.imag:
            raise out_of_range(name, number, target)
        number = number.real
    if target.category is Category.INTEGER:
        return whole(name, number, target)
    checked = target is not dtypes.float64 and (strict or target is dtypes.float32)
    if checked and abs(number) > limits(target)[1] and not math.isinf(number):
        raise out_of_range(name, number, target)
    return float(number) if target.extension else number


def whole(name: str, number: Any, target: dtype) -> int:
    """Return a number as an integer that `target` holds."""
    least, largest = limits(target)
    if not math.isfinite(number) or not least <= int(number) <= largest:
        if least or not isinstance(number, int) or not -largest <= number < 0:
            raise out_of_range(name, number, target)
        return number % (largest + 1)
    if not least and number < 0:
        raise out_of_range(name, number, target)
    return int(number)


@functools.lru_cache(16)
def limits(target: dtype) -> tuple[Any, Any]:
    """Return the least and the greatest number of a dtype."""
    found = iinfo(target) if target.category is Category.INTEGER else finfo(target)
    return found.min, found.max


def out_of_range(name: str, number: Any, target: dtype) -> RuntimeError:
    """Return the error for a number that a dtype does not hold."""
    return RuntimeError(f"{name}: value cannot be converted to type {target.name} without overflow, got {number}")


def scalar_dtype(number: Any) -> dtype:
    """Return the dtype of a Python number as a tensor, or of a NumPy scalar or array."""
    if isinstance(number, (bool, int, float, complex)) and not isinstance(number, np.generic):
        return config.of_scalar(number)
    if isinstance(number, (np.generic, np.ndarray)):
        return dtypes.of(number.dtype)
    raise TypeError(f"expected a tensor or a number, got {type(number).__name__}")


def as_operand(given: Any) -> Any:
    """Return a tensor for anything that arithmetic takes beside tensors: numbers, NumPy scalars and arrays."""
    if isinstance(given, AbstractTensor):
        return given
    if isinstance(given, np.ndarray):
        return lift(given)
    return constant(given)


def as_number(name: str, argument: str, given: Any) -> Any:
    """Return an argument that is a number, or a tensor of no dimensions, as a number."""
    if isinstance(given, AbstractTensor):
        if given.value.ndim:
            raise TypeError(f"{name}(): argument '{argument}' must be Number, not Tensor of shape {list(given.value.shape)}")
        return given.item()  # type: ignore[attr-defined]
    return given


def dtype_of(x: AbstractTensor) -> dtype:
    """Return the dtype of a tensor."""
    return dtypes.BY_NUMPY[x.value.dtype]


def result_type(*operands: Any) -> dtype:
    """Return the dtype that PyTorch's promotion gives to an op of `operands` (tensors and numbers).

    Tensors with dimensions decide; tensors without, and then numbers, only lift the result to their category.
    """
    ranked: list[dtype | None] = [None, None, None]
    for operand in operands:
        if isinstance(operand, AbstractTensor):
            rank, found = (0 if operand.value.ndim else 1), dtypes.BY_NUMPY[operand.value.dtype]
        elif isinstance(operand, np.ndarray):
            rank, found = (0 if operand.ndim else 1), dtypes.of(operand.dtype)
        else:
            # a NumPy scalar counts as the Python number it holds
            rank, found = 2, config.of_scalar(operand.item() if isinstance(operand, np.generic) else operand)
        known = ranked[rank]
        ranked[rank] = found if known is None else dtypes.promote_types(known, found)
    result = ranked[0]
    for lower in ranked[1:]:
        if lower is None:
            continue
        if result is None:
            result = lower
        elif lower.category > result.category:
            result = _lifted(result, lower)
    assert result is not None
    return result


def _lifted(result: dtype, lower: dtype) -> dtype:
    if lower.is_complex and result.is_floating_point:
        return result.to_complex()
    return lower
