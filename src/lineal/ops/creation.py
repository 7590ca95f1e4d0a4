"""New tensors from shapes and numbers. They pass the door as ops without inputs, so that a recorder hears them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Unpack, overload

import numpy as np

from lineal.base import config, dtypes
from lineal.base.devices import as_device, device, device_of
from lineal.base.dtypes import Category, dtype
from lineal.base.formats import order_of, preserve_format
from lineal.base.layouts import new, steps_in, uncommon_steps
from lineal.base.platforms import HOST, PLATFORMS
from lineal.base.signatures import Number, Options, ShapedOptions, Tensor
from lineal.base.spec import Shape, check_count, check_shape, sizes
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.ops.conversion import converted, scalar_dtype
from lineal.ops.front import store
from lineal.ops.promotion import require_computed

__all__ = [
    "arange",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "eye",
    "full",
    "full_like",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "scalar_tensor",
    "zeros",
    "zeros_like",
]


class Source(Op):
    """An op without inputs."""

    differentiable: ClassVar[bool] = False
    no_vjp = "made of nothing: there is no input to go back to"

    def vjp(self, needs, g, y):
        return ()


class Full(Source):
    """One number everywhere."""

    shape: Shape
    number: Any
    target: dtype
    strides: Shape | None = None

    def eager(self, xp):
        if self.strides is not None:
            y = new(xp, self.shape, self.target.numpy, self.strides)
            y[...] = self.target.number(self.number)
            return y
        if self.number == 0 and str(self.number)[0] != "-":
            return xp.zeros(self.shape, self.target.numpy)
        if xp is np and self.target.extension:
            # NumPy fills an array of another's dtype number by number
            number = np.asarray(self.target.number(self.number), self.target.numpy)
            words = np.dtype(f"u{number.itemsize}")
            return np.full(self.shape, number.view(words), words).view(self.target.numpy)
        return xp.full(self.shape, self.target.number(self.number), self.target.numpy)


class Empty(Source):
    """Whatever the memory holds; strides are in elements."""

    shape: Shape
    target: dtype
    strides: Shape | None = None
    by_arrays: ClassVar[bool] = False  # it gives other numbers each time

    def eager(self, xp):
        if self.strides is None:
            return xp.empty(self.shape, self.target.numpy)
        return new(xp, self.shape, self.target.numpy, self.strides)


class Range(Source):
    """start, start + step, …: `count` numbers."""

    start: Any
    step: Any
    count: int
    target: dtype
    no_batch = "never met: it has no input that could be batched"

    def eager(self, xp):
        if not (isinstance(self.start, int) and isinstance(self.step, int)):
            return (self.start + xp.arange(self.count, dtype=np.float64) * self.step).astype(self.target.numpy)
        end = self.start + self.count * self.step
        if abs(end) < 1 << 63:
            return xp.arange(self.start, end, self.step, dtype=np.int64).astype(self.target.numpy, copy=False)
        return (self.start + xp.arange(self.count, dtype=np.int64) * self.step).astype(self.target.numpy)


class Linspace(Source):
    """`count` numbers from start to end, both met exactly: the first half counted from start, the second from end."""

    start: Any
    end: Any
    count: int
    target: dtype
    no_batch = "never met: it has no input that could be batched"

    def eager(self, xp):
        if self.count == 1:
            return xp.array([self.start]).astype(self.target.numpy)
        wide = np.complex128 if self.target.is_complex else np.float64
        step = (self.end - self.start) / max(self.count - 1, 1)
        steps = xp.arange(self.count, dtype=wide)
        y = xp.where(steps.real < self.count // 2, self.start + steps * step, self.end - (self.count - 1 - steps) * step)
        return (np.trunc(y) if self.target.category < Category.FLOATING else y).astype(self.target.numpy)


class Eye(Source):
    """Ones on the main diagonal."""

    rows: int
    columns: int
    target: dtype
    no_batch = "never met: it has no input that could be batched"

    def eager(self, xp):
        return xp.eye(self.rows, self.columns, dtype=self.target.numpy)


class Made(Source):
    """What another op without inputs makes, in the memory of a device of another kind than the host."""

    source: Source
    kind: str
    no_batch = "never met: it has no input that could be batched"
    no_lowering = "runs eagerly: a program computes on one device"

    def eager(self, xp):
        return self.source.eager(PLATFORMS[self.kind].module)


_full = functools.lru_cache(1024)(Full)


def made(source: Source, where: device) -> Any:
    """Return the tensor that an op without inputs makes on a device."""
    return apply(source if where.type == HOST.kind else Made(source, where.type))


def finish(y: Any, requires_grad: bool, out: AbstractTensor | None = None, name: str = "out") -> Any:
    """Return a new tensor, as a leaf if it is to require grad."""
    if out is not None:
        y = store(y, out, name)
    return y.requires_grad_() if requires_grad else y


def chosen(name: str, dtype: Any, layout: Any, default: dtype | None = None) -> dtype:
    """Return the dtype asked for (or the default one), having checked that the layout exists here."""
    if layout is not None and str(layout) != "torch.strided":
        raise RuntimeError(f"{name}: expected the strided layout, got {layout}")
    return (default or config.defaults.dtype) if dtype is None else dtypes.as_dtype(dtype)


def filled(name: str, size: tuple, number: Any, options: Any) -> Any:
    """Return a tensor of one number everywhere; `options` are PyTorch's keyword arguments of factories."""
    size = options.pop("size", None) or size
    out, requires_grad, target, where = read(name, options)
    shape = sizes(name, size if isinstance(size, tuple) else (size,))
    check_shape(name, shape)
    return finish(made(_full(shape, number, target), where), requires_grad, out)


def read(
    name: str, options: Any, default: dtype | None = None, beside: AbstractTensor | None = None
) -> tuple[AbstractTensor | None, bool, dtype, device]:
    """Take the common keyword arguments of factories out of `options`: out, requires_grad, the resulting dtype and device.

    Without a device it is that of `out` or `beside`, or the default one.
    """
    out = options.pop("out", None)
    requires_grad = options.pop("requires_grad", False)
    if out is not None and not isinstance(out, AbstractTensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if out is not None and options.get("dtype") is None:
        default = dtypes.BY_NUMPY[out.value.dtype]
    target = chosen(name, options.pop("dtype", None), options.pop("layout", None), default)
    given, like = options.pop("device", None), beside if out is None else out
    where = as_device(given) if given is not None or like is None else device_of(like.value)
    options.pop("pin_memory", None)
    options.pop("memory_format", None)
    if options:
        raise TypeError(f"{name}: got an unexpected keyword argument '{next(iter(options))}'")
    return out, requires_grad, target, where


@public
def zeros(*size: int | Sequence[int], **options: Unpack[ShapedOptions]) -> Tensor:
    """Return a tensor of zeros; options: dtype, device, requires_grad, out."""
    return filled("zeros", size, 0, options)


@public
def ones(*size: int | Sequence[int], **options: Unpack[ShapedOptions]) -> Tensor:
    """Return a tensor of ones; options: dtype, device, requires_grad, out."""
    return filled("ones", size, 1, options)


def empty(*size: int | Sequence[int], **options: Unpack[ShapedOptions]) -> Tensor:
    """Return a tensor whose numbers are whatever its memory holds; options: dtype, device, requires_grad, out."""
    given = options.pop("size", None) or size
    memory_format = options.pop("memory_format", None)
    out, requires_grad, target, where = read("empty", options)
    shape = sizes("empty", given if isinstance(given, tuple) else (given,))
    check_shape("empty", shape)
    return finish(made(Empty(shape, target, strides_of(shape, memory_format)), where), requires_grad, out)


def empty_permuted(size: int | Sequence[int], physical_layout: Sequence[int], **options: Unpack[Options]) -> Tensor:
    """Return an empty tensor whose memory runs through the axes in the order `physical_layout`, slowest first."""
    _, requires_grad, target, where = read("empty_permuted", options)
    shape, order = sizes("empty_permuted", (size,)), tuple(physical_layout)
    if sorted(order) != list(range(len(shape))):
        raise RuntimeError(f"empty_permuted: expected physical_layout to order the {len(shape)} axes, got {order}")
    return finish(made(Empty(shape, target, steps_in(shape, order)), where), requires_grad)


@public
def empty_strided(size: int | Sequence[int], stride: int | Sequence[int], **options: Unpack[Options]) -> Tensor:
    """Return an empty tensor with the given strides, in elements."""
    _, requires_grad, target, where = read("empty_strided", options)
    shape, steps = sizes("empty_strided", (size,)), sizes("empty_strided", (stride,))
    if len(shape) != len(steps):
        raise RuntimeError(f"empty_strided: mismatch in length of strides and shape, got {shape} and {steps}")
    extent = 0 if 0 in shape else 1 + sum((length - 1) * step for length, step in zip(shape, steps))
    return finish(made(Empty((extent,), target), where).as_strided(shape, steps), requires_grad)


@public
def full(size: int | Sequence[int], fill_value: Number | Tensor, **options: Unpack[Options]) -> Tensor:
    """Return a tensor of `fill_value` everywhere, whose kind gives the dtype unless one is named."""
    number = fill_value.item() if isinstance(fill_value, AbstractTensor) else fill_value
    out, requires_grad, target, where = read("full", options, scalar_dtype(number))
    shape = sizes("full", (size,))
    check_shape("full", shape)
    return finish(made(Full(shape, converted("full", number, target), target), where), requires_grad, out)


def like(name: str, input: AbstractTensor, number: Any, options: Any) -> Any:
    """Return a tensor of one number everywhere, with the shape and (unless named) the dtype of `input`."""
    memory_format = options.pop("memory_format", None)
    _, requires_grad, target, where = read(name, options, dtypes.BY_NUMPY[input.value.dtype], input)
    shape = input.value.shape
    return finish(made(_full(shape, number, target, strides_of(shape, memory_format, input)), where), requires_grad)


def strides_of(shape: Shape, memory_format: Any, beside: AbstractTensor | None = None) -> Shape | None:
    """Return the strides of a new tensor in the format asked for, without one as `beside` lies; None for C order."""
    if memory_format is not None and memory_format is not preserve_format:
        order = order_of("memory_format", memory_format, len(shape))
        return None if order is None else steps_in(shape, order)
    return None if beside is None or len(shape) < 2 else uncommon_steps(beside.value)


def in_format(y: Any, memory_format: Any, beside: AbstractTensor) -> Any:
    """Return a new tensor, in C order, in the format asked for, without one as `beside` lies; numbers may change places."""
    strides = strides_of(y.value.shape, memory_format, beside)
    return y if strides is None else y.as_strided(y.value.shape, strides)


@public
def zeros_like(input: Tensor, **options: Unpack[Options]) -> Tensor:
    """Return zeros in the shape and dtype of `input`."""
    return like("zeros_like", input, 0, options)


@public
def ones_like(input: Tensor, **options: Unpack[Options]) -> Tensor:
    """Return ones in the shape and dtype of `input`."""
    return like("ones_like", input, 1, options)


@public
def full_like(input: Tensor, fill_value: Number | Tensor, **options: Unpack[Options]) -> Tensor:
    """Return `fill_value` everywhere, in the shape and dtype of `input`."""
    number = fill_value.item() if isinstance(fill_value, AbstractTensor) else fill_value
    memory_format = options.pop("memory_format", None)
    _, requires_grad, target, where = read("full_like", options, dtypes.BY_NUMPY[input.value.dtype], input)
    shape = input.value.shape
    source = Full(shape, converted("full_like", number, target), target, strides_of(shape, memory_format, input))
    return finish(made(source, where), requires_grad)


@public
def empty_like(input: Tensor, **options: Unpack[Options]) -> Tensor:
    """Return an empty tensor in the shape and dtype of `input`."""
    memory_format = options.pop("memory_format", None)
    _, requires_grad, target, where = read("empty_like", options, dtypes.BY_NUMPY[input.value.dtype], input)
    shape = input.value.shape
    return finish(made(Empty(shape, target, strides_of(shape, memory_format, input)), where), requires_grad)


@public
def scalar_tensor(s: Number, **options: Unpack[Options]) -> Tensor:
    """Return a number as a tensor of no dimensions in the default dtype."""
    _, requires_grad, target, where = read("scalar_tensor", options)
    return finish(made(Full((), converted("scalar_tensor", s, target, False), target), where), requires_grad)


def number_of(given: Any) -> Any:
    """Return a Python number for a number or a tensor of one element."""
    return given.item() if isinstance(given, (AbstractTensor, np.generic)) else given  # type: ignore[attr-defined]


@overload
def arange(end: Number, /, **options: Unpack[Options]) -> Tensor: ...
@overload
def arange(start: Number, end: Number, step: Number = 1, **options: Unpack[Options]) -> Tensor: ...
@public
def arange(*bounds: Any, **options: Any) -> Tensor:
    """Return start, start + step, … below end: `arange(end)`, `arange(start, end)` or `arange(start, end, step)`.

    The dtype is int64 if all bounds are ints, otherwise the default dtype.
    """
    named = [options.pop(name) for name in ("start", "end", "step") if name in options]
    numbers = [number_of(each) for each in (*bounds, *named)]
    if not 1 <= len(numbers) <= 3:
        raise TypeError(f"arange: expected arange(end), (start, end) or (start, end, step), got {len(numbers)} numbers")
    start, end, step = (0, numbers[0], 1) if len(numbers) == 1 else (*numbers, 1)[:3]
    whole = all(isinstance(each, int) for each in (start, end, step))
    out, requires_grad, target, where = read("arange", options, dtypes.int64 if whole else None)
    require_computed("arange", target)
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if not all(math.isfinite(each) for each in (start, end)):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"arange: upper bound and lower bound inconsistent with step sign, got {start}, {end} and step {step}"
        )
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    if target.category is Category.INTEGER:
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("arange: step must be nonzero; as an integer it is 0")
        count = -((start - end) // step) if target is dtypes.int64 else count
    check_count("arange", int(count), target.itemsize)
    return finish(made(Range(start, step, int(count), target), where), requires_grad, out, "arange")


def check_steps(name: str, steps: Any) -> None:
    """Refuse a number of steps that is no int, negative, or too large for any memory."""
    if not isinstance(steps, (int, np.integer)):
        raise TypeError(f"{name}: expected steps to be an int, got {steps!r}")
    if steps < 0:
        raise RuntimeError(f"{name}: number of steps must be non-negative, got {steps}")
    check_count(name, int(steps), dtypes.float64.itemsize)


@public
def linspace(start: Number | Tensor, end: Number | Tensor, steps: int, **options: Unpack[Options]) -> Tensor:
    """Return `steps` numbers evenly spaced from start to end, both included."""
    first, last = bounds = number_of(start), number_of(end)
    is_complex = any(isinstance(each, complex) for each in bounds)
    out, requires_grad, target, where = read("linspace", options, config.default_complex() if is_complex else None)
    require_computed("linspace", target)
    check_steps("linspace", steps)
    if target.category is Category.INTEGER:
        first, last = int(first), int(last)
    return finish(made(Linspace(first, last, steps, target), where), requires_grad, out)


@public
def logspace(
    start: Number | Tensor, end: Number | Tensor, steps: int, base: float = 10.0, **options: Unpack[Options]
) -> Tensor:
    """Return base**x for `steps` numbers x evenly spaced from start to end."""
    first, last = bounds = number_of(start), number_of(end)
    is_complex = any(isinstance(each, complex) for each in bounds)
    out, requires_grad, target, where = read("logspace", options, config.default_complex() if is_complex else None)
    require_computed("logspace", target)
    check_steps("logspace", steps)
    if target.category is Category.INTEGER:
        first, last = int(first), int(last)
    wide = dtypes.complex128 if target.is_complex else dtypes.float64
    exponents = made(Linspace(first, last, steps, wide), where)
    return finish((number_of(base) ** exponents).to(target), requires_grad, out)


@public
def eye(n: int, m: int | None = None, **options: Unpack[Options]) -> Tensor:
    """Return the n × m (by default n × n) matrix with ones on the main diagonal."""
    out, requires_grad, target, where = read("eye", options)
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"eye: expected sizes of at least 0, got {n} and {m}")
    return finish(made(Eye(int(n), int(n if m is None else m), target), where), requires_grad, out)
