"""Random tensors: by shape, like another tensor, or by parameters; the in-place forms are methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, overload

from lineal.base import config, dtypes
from lineal.base.devices import device_of
from lineal.base.dtypes import Category
from lineal.base.platforms import FOREIGN, platform_of
from lineal.base.signatures import Options, ShapedOptions, Tensor
from lineal.base.spec import broadcast_shapes, check_shape, sizes
from lineal.core import AbstractTensor, modes
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.conversion import dtype_of
from lineal.ops.creation import finish, in_format, read
from lineal.ops.front import store
from lineal.ops.premise import rely
from lineal.ops.promotion import as_scalar
from lineal.ops.random.drawing import drawn
from lineal.ops.random.generator import Generator, default_generator
from lineal.ops.random.sampling import Bernoulli, Binomial, Integers, Multinomial, Normal, Permutation, Poisson, Uniform

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]

_uniform, _normal, _bernoulli = settled(Uniform), settled(Normal), settled(Bernoulli)
_integers, _permutation, _poisson, _multinomial = (
    settled(Integers),
    settled(Permutation),
    settled(Poisson),
    settled(Multinomial),
)


@public
def rand(*size: int | Sequence[int], generator: Generator | None = None, **options: Unpack[ShapedOptions]) -> Tensor:
    """Return numbers uniform on [0, 1); options: dtype, device, requires_grad, out."""
    return _by_shape("rand", size, generator, options, lambda shape, target: _uniform(shape, target, 0, 1))


@public
def randn(*size: int | Sequence[int], generator: Generator | None = None, **options: Unpack[ShapedOptions]) -> Tensor:
    """Return numbers from the normal distribution of mean 0 and variance 1; options: dtype, device, requires_grad, out."""
    return _by_shape("randn", size, generator, options, _normal)


def _by_shape(name: str, size: tuple, generator: Generator | None, options: Any, make: Any) -> Any:
    if "size" in options:
        size = (options.pop("size"),)
    out, requires_grad, target, where = read(name, options)
    if target.category < Category.FLOATING:
        raise RuntimeError(f"{name}: not implemented for {target}; expected a floating or complex dtype")
    shape = sizes(name, size)
    check_shape(name, shape)
    return finish(drawn(make(shape, target), generator, where), requires_grad, out)


@public
def rand_like(input: Tensor, *, generator: Generator | None = None, **options: Unpack[Options]) -> Tensor:
    """Return numbers uniform on [0, 1) in the shape and dtype of `input`."""
    memory_format = options.pop("memory_format", None)
    given: Any = {"device": device_of(input.value), **options, "dtype": options.get("dtype") or dtype_of(input)}
    return in_format(rand(input.value.shape, generator=generator, **given), memory_format, input)


@public
def randn_like(input: Tensor, *, generator: Generator | None = None, **options: Unpack[Options]) -> Tensor:
    """Return standard normal numbers in the shape and dtype of `input`."""
    memory_format = options.pop("memory_format", None)
    given: Any = {"device": device_of(input.value), **options, "dtype": options.get("dtype") or dtype_of(input)}
    return in_format(randn(input.value.shape, generator=generator, **given), memory_format, input)


@overload
def randint(
    high: int, size: int | Sequence[int], *, generator: Generator | None = None, **options: Unpack[Options]
) -> Tensor: ...
@overload
def randint(
    low: int, high: int, size: int | Sequence[int], *, generator: Generator | None = None, **options: Unpack[Options]
) -> Tensor: ...
@public
def randint(*bounds: Any, generator: Generator | None = None, **options: Any) -> Tensor:
    """Return integers uniform on low … high-1: `randint(high, size)` or `randint(low, high, size)`."""
    named = {name: options.pop(name) for name in ("low", "high", "size") if name in options}
    low, high, size = _bounds(list(bounds), named)
    out, requires_grad, target, where = read("randint", options, dtypes.int64)
    shape = sizes("randint", (size,))
    check_shape("randint", shape)
    if low >= high:
        raise RuntimeError(f"randint: random_ expects 'from' to be less than 'to', got from={low} >= to={high}")
    check_bounds("randint", int(low), int(high))
    return finish(drawn(_integers(shape, target, int(low), int(high)), generator, where), requires_grad, out)


def check_bounds(name: str, low: int, high: int) -> None:
    """Refuse bounds that are no integers of 64 bits."""
    if low < -(1 << 63) or high > 1 << 64:
        raise RuntimeError(f"{name}: Overflow: expected bounds of 64 bits, got {low} and {high}")


def _bounds(given: list, named: dict) -> tuple[Any, Any, Any]:
    size = named["size"] if "size" in named else given.pop()
    high = named["high"] if "high" in named else given.pop()
    low = named.get("low", given.pop() if given else 0)
    if given:
        raise TypeError("randint: expected randint(high, size) or randint(low, high, size)")
    return low, high, size


@public
def randint_like(input: Tensor, low: int, high: int | None = None, **options: Unpack[Options]) -> Tensor:
    """Return integers uniform on low … high-1 (or 0 … low-1) in the shape and dtype of `input`."""
    low, high = (0, low) if high is None else (low, high)
    memory_format = options.pop("memory_format", None)
    given: Any = {"device": device_of(input.value), **options, "dtype": options.get("dtype") or dtype_of(input)}
    return in_format(randint(low, high, tuple(input.value.shape), **given), memory_format, input)


@public
def randperm(n: int, *, generator: Generator | None = None, **options: Unpack[Options]) -> Tensor:
    """Return the integers 0 … n-1 in random order."""
    if n < 0:
        raise RuntimeError(f"randperm: n must be non-negative, got {n}")
    out, requires_grad, target, where = read("randperm", options, dtypes.int64)
    return finish(drawn(_permutation((int(n),), target), generator, where), requires_grad, out)


@overload
def normal(
    mean: Tensor, std: float | Tensor = 1.0, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor: ...
@overload
def normal(mean: float, std: Tensor, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor: ...
@overload
def normal(
    mean: float = 0.0,
    std: float = 1.0,
    *,
    size: int | Sequence[int],
    generator: Generator | None = None,
    **options: Unpack[Options],
) -> Tensor: ...
@overload
def normal(
    mean: float, std: float, size: int | Sequence[int], *, generator: Generator | None = None, **options: Unpack[Options]
) -> Tensor: ...
@public
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: int | Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    **options: Any,
) -> Tensor:
    """Return normal numbers of the given means and standard deviations, tensors that broadcast or numbers with a `size`."""
    out = options.pop("out", None)
    operands = [each for each in (mean, std) if isinstance(each, AbstractTensor)]
    if size is not None or not operands:
        if size is None:
            raise TypeError("normal: expected a size when mean and std are numbers")
        target = options.get("dtype") or config.defaults.dtype
        y = randn(
            sizes("normal", (size,)), generator=generator, dtype=target, **{k: v for k, v in options.items() if k != "dtype"}
        )
    else:
        shape = broadcast_shapes("normal", *[each.value.shape for each in operands])
        y = randn(shape, generator=generator, dtype=dtype_of(operands[0]), **options)
    low = std.value.min() if isinstance(std, AbstractTensor) and std.value.size else std
    if not isinstance(low, AbstractTensor) and low < 0:
        raise RuntimeError(f"normal: expects all elements of std >= 0.0, got {low}")
    if isinstance(std, AbstractTensor):
        rely(lambda: ~(std < 0))  # type: ignore[operator]
    scale: Any = std
    with modes.no_grad():
        y = y * scale + mean
    return y if out is None else store(y, out, "normal")


@public
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Return 1 with the probabilities in `input` (or p), else 0, in input's shape and dtype."""
    if dtype_of(input).category is not Category.FLOATING and p is None:
        raise RuntimeError(f"bernoulli: expected floating probabilities, got {dtype_of(input)}")
    chances = input if p is None else chance_beside(input, float(p))
    if not (are_chances(input) if p is None else 0 <= p <= 1):
        raise RuntimeError("bernoulli: Expected p_in >= 0 && p_in <= 1 to be true, but got false")
    y = (generator or default_generator).draw(_bernoulli(input.value.shape, dtype_of(input)), chances)
    return y if out is None else store(y, out, "bernoulli")


def chance_beside(x: AbstractTensor, p: float) -> Any:
    """Return a number as a constant on the device of x."""
    return x.new_full((), p, dtype=dtypes.float64) if FOREIGN else as_scalar(p, dtypes.float64.numpy)  # type: ignore


def are_chances(p: Any) -> bool:
    """Return whether all numbers are within 0 … 1, which is then relied upon."""
    if not platform_of(p.value).numbers:
        return True
    found = not p.value.size or bool(0 <= p.value.min() and p.value.max() <= 1)
    if found:
        rely(lambda: (p >= 0) & (p <= 1))
    return found


@public
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Return Poisson numbers of the rates in `input`."""
    if input.value.size and input.value.min() < 0:
        raise RuntimeError("poisson: invalid Poisson rate, expected rate to be non-negative")
    rely(lambda: ~(input < 0))
    return (generator or default_generator).draw(_poisson(input.value.shape, dtype_of(input)), input)


@public
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Return the successes in `count` trials of probability `prob`."""
    shape = broadcast_shapes("binomial", count.value.shape, prob.value.shape)
    return (generator or default_generator).draw(Binomial(shape, dtype_of(count)), count, prob)


MOST_CATEGORIES = 1 << 24
"""Whole numbers up to here are float32."""


@public
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Return `num_samples` indices per row, drawn with the (unnormalised) probabilities in the rows of `input`."""
    value = input.value
    if value.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: prob_dist must be 1 or 2 dim, got shape {list(value.shape)}")
    if dtype_of(input).category is not Category.FLOATING:
        raise RuntimeError(f"multinomial: only supports floating-point dtypes for input, got {dtype_of(input)}")
    if value.shape[-1] > MOST_CATEGORIES:
        raise RuntimeError(f"multinomial: number of categories cannot exceed 2^24, got {value.shape[-1]}")
    if num_samples <= 0 or (not replacement and num_samples > value.shape[-1]):
        raise RuntimeError(
            f"multinomial: cannot sample n_sample > prob_dist.size(-1) samples without replacement, or n_sample <= 0; "
            f"got {num_samples} of {value.shape[-1]}"
        )
    if not (value >= 0).all() or not (value < float("inf")).all():
        raise RuntimeError("multinomial: probability tensor contains either `inf`, `nan` or element < 0")
    if (value.sum(-1) <= 0).any():
        raise RuntimeError("multinomial: invalid multinomial distribution (sum of probabilities <= 0)")
    rely(lambda: (input >= 0) & (input < float("inf")))
    rely(lambda: input.sum(-1) > 0)
    shape = (*value.shape[:-1], int(num_samples))
    y = (generator or default_generator).draw(_multinomial(shape, dtypes.int64, replacement), input)
    if out is not None and dtypes.of(out.value.dtype) is not dtypes.int64:
        raise RuntimeError(f"multinomial: expected out to be int64, got {dtypes.of(out.value.dtype)}")
    return y if out is None else store(y, out, "multinomial")
