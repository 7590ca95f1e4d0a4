"""Random numbers into tensors that are there: these are methods."""

from __future__ import annotations

from typing import Any

from lineal.base import dtypes
from lineal.base.devices import device_of
from lineal.base.dtypes import Category
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, modes, write
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.random.distributions import _bernoulli, _normal, _uniform, are_chances, check_bounds
from lineal.ops.random.drawing import drawn
from lineal.ops.random.generator import Generator, default_generator
from lineal.ops.random.sampling import Cauchy, Exponential, Geometric, Integers, Sample

__all__ = ["bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_", "uniform_"]

_exponential, _cauchy, _geometric = settled(Exponential), settled(Cauchy), settled(Geometric)


def overwrite(target: Tensor, op: Sample, generator: Generator | None, name: str) -> Any:
    """Let `target` take a fresh draw in place."""
    return write(target, cast(drawn(op, generator, device_of(target.value)), dtype_of(target)), name)


def _floating(self: Tensor, name: str) -> tuple[tuple[int, ...], dtypes.dtype]:
    if dtype_of(self).category < Category.FLOATING:
        raise RuntimeError(f"{name}: not implemented for {dtype_of(self)}; expected a floating dtype")
    return self.value.shape, dtype_of(self)


@public
def uniform_(self: Any, from_: float = 0, to: float = 1, *, generator: Generator | None = None, **bounds: float) -> Tensor:
    """Fill with numbers uniform on [from, to)."""
    low = bounds.get("from", from_)
    if low > to:
        raise RuntimeError(f"uniform_: expects to return a [from, to) range, but found from={low} > to={to}")
    return overwrite(self, _uniform(*_floating(self, "uniform_"), low, to), generator, "uniform_")


@public
def normal_(self: Any, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers."""
    if std < 0:
        raise RuntimeError(f"normal_: expects std >= 0.0, but found std {std}")
    op = _normal(*_floating(self, "normal_"))
    if (mean, std) == (0, 1):
        return overwrite(self, op, generator, "normal_")
    with modes.no_grad():
        y = drawn(op, generator, device_of(self.value)) * std + mean
    return write(self, y, "normal_")


@public
def random_(self: Any, from_: int = 0, to: int | None = None, *, generator: Generator | None = None, **bounds: int) -> Tensor:
    """Fill with integers uniform on from … to-1; `random_(to)` counts from 0, `random_()` takes all the dtype holds."""
    target = dtype_of(self)
    low: int = bounds.get("from", from_)
    if to is None:
        high = (1 << target.digits) + (1 if target.category is Category.FLOATING else 0)
        low, to = (0, high) if low == 0 else (0, low)
    if low >= to:
        raise RuntimeError(f"random_: expects 'from' to be less than 'to', but got from={low} >= to={to}")
    check_bounds("random_", low, to)
    return overwrite(self, Integers(self.value.shape, target, low, to), generator, "random_")


@public
def bernoulli_(self: Any, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with 1 with probability p (a number, or a tensor of them), else 0."""
    chances = p if isinstance(p, AbstractTensor) else self.new_full((), float(p), dtype=dtypes.float64)
    if not are_chances(chances):
        raise RuntimeError(f"bernoulli_: expects p to be in [0, 1], but got p={p}")
    with modes.no_grad():
        y = (generator or default_generator).draw(_bernoulli(self.value.shape, dtype_of(self)), chances)
    return write(self, y, "bernoulli_")


@public
def exponential_(self: Any, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponential numbers of the rate lambd."""
    if lambd <= 0:
        raise RuntimeError(f"exponential_: expects lambda > 0.0, but found lambda={lambd}")
    return overwrite(self, _exponential(*_floating(self, "exponential_"), lambd), generator, "exponential_")


@public
def cauchy_(self: Any, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with Cauchy numbers."""
    if sigma <= 0:
        raise RuntimeError(f"cauchy_: expects sigma > 0.0, but found sigma={sigma}")
    return overwrite(self, _cauchy(*_floating(self, "cauchy_"), median, sigma), generator, "cauchy_")


@public
def geometric_(self: Any, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the numbers of trials to the first success of probability p."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: expects p to be in (0, 1), but got p={p}")
    return overwrite(self, _geometric(self.value.shape, dtype_of(self), p), generator, "geometric_")


@public
def log_normal_(self: Any, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """Fill with exp of normal numbers of the given mean and standard deviation."""
    if std <= 0:
        raise RuntimeError(f"log_normal_: expects std > 0.0, but found std={std}")
    with modes.no_grad():
        y = drawn(_normal(*_floating(self, "log_normal_")), generator, device_of(self.value)) * std + mean
        return write(self, y.exp(), "log_normal_")
