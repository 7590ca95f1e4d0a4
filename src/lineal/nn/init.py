"""Starting values: every function fills a tensor in place, without history, and returns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from lineal import ops
from lineal.base.deprecation import deprecated
from lineal.base.signatures import Tensor
from lineal.core import no_grad
from lineal.ops import empty

P = ParamSpec("P")
R = TypeVar("R")

_GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid"), 1.0),
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which a nonlinearity's weights grow so that signals keep their variance.

    `param` is the negative slope of "leaky_relu", 0.01 if not given.
    """
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise ValueError(f"calculate_gain: expected the negative slope to be a number, got {param!r}")
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"calculate_gain: expected one of {', '.join(_GAINS)}, leaky_relu, got {nonlinearity!r}")
    return _GAINS[nonlinearity]


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: ops.Generator | None = None) -> Tensor:
    """Fill with draws from the uniform distribution on [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: ops.Generator | None = None) -> Tensor:
    """Fill with draws from the normal distribution."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with `val`."""
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity, or as much of it as fits."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: expected a matrix, got shape {list(tensor.shape)}")
    tensor.zero_()
    tensor.diagonal().fill_(1.0)
    return tensor


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weights (out, in, …), of 3, 4 or 5 dimensions, pass its input channels on unchanged."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: expected a tensor of 3, 4 or 5 dimensions, got shape {list(tensor.shape)}")
    if tensor.shape[0] % groups != 0:
        raise ValueError(f"dirac_: expected dim 0 of size {tensor.shape[0]} to be divisible by groups = {groups}")
    each = tensor.shape[0] // groups
    centre = tuple(size // 2 for size in tensor.shape[2:])
    tensor.zero_()
    for group in range(groups):
        for channel in range(min(each, tensor.shape[1])):
            tensor[(group * each + channel, channel, *centre)] = 1.0
    return tensor


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: ops.Generator | None = None) -> Tensor:
    """Fill a matrix with normal draws, and in each column set the fraction `sparsity` of them to zero."""
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: expected a matrix, got shape {list(tensor.shape)}")
    rows, columns = tensor.shape
    zeroed = math.ceil(sparsity * rows)
    tensor.normal_(0.0, std, generator=generator)
    order = empty(rows, columns).uniform_(generator=generator).argsort(dim=0)
    return tensor.scatter_(0, order[:zeroed], 0.0)


def _no_grad_uniform_(tensor: Tensor, a: float, b: float, generator: ops.Generator | None = None) -> Tensor:
    """Draw the elements uniformly between `a` and `b`, out of sight of derivatives."""
    return uniform_(tensor, a, b, generator)


def fans(tensor: Any) -> tuple[int, int]:
    """Return how many inputs one output of these weights reads, and how many outputs one input reaches."""
    if tensor.ndim < 2:
        raise ValueError(
            "init: fan in and fan out can not be computed for a tensor with fewer than 2 dimensions, "
            f"got shape {list(tensor.shape)}"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = fans


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: ops.Generator | None = None) -> Tensor:
    """Fill uniformly in ±gain √(6 / (fan_in + fan_out)). Glorot and Bengio (2010)."""
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: ops.Generator | None = None) -> Tensor:
    """Fill with normal draws of standard deviation gain √(2 / (fan_in + fan_out)). Glorot and Bengio (2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor: Any, a: float, mode: str, nonlinearity: str) -> float:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode == "fan_out"])


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: ops.Generator | None = None
) -> Tensor:
    """Fill uniformly in ±gain √(3 / fan). He et al. (2015)."""
    if tensor.numel() == 0:
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: ops.Generator | None = None
) -> Tensor:
    """Fill with normal draws of standard deviation gain / √fan. He et al. (2015)."""
    if tensor.numel() == 0:
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: ops.Generator | None = None
) -> Tensor:
    """Fill with draws from the normal distribution, where draws outside [a, b] are drawn again."""
    if not a < b:
        raise ValueError(f"trunc_normal_: expected a < b, got a = {a} and b = {b}")
    flat = empty(tensor.numel(), dtype=tensor.dtype)
    left, right = (a - mean) / std, (b - mean) / std
    filled = 0
    while filled < flat.numel():
        kept = _truncated_draws(flat.numel() - filled, left, right, tensor.dtype, generator)
        flat[filled : filled + kept.numel()] = kept
        filled += kept.numel()
    return tensor.copy_(flat.mul_(std).add_(mean).clamp_(a, b).reshape(tensor.shape))


def _truncated_draws(count: int, left: float, right: float, dtype: Any, generator: Any) -> Any:
    """Return at most `count` standard normal draws that lie in [left, right], by rejection.

    Around the middle the proposal is normal. Where the interval is short or far out, so that a normal draw would hardly
    ever fall into it, it is uniform, accepted with the ratio of the density to its greatest value on the interval.
    """
    nearest = 0.0 if left <= 0 <= right else min(abs(left), abs(right))
    if nearest < 0.5 and right - left > 1.0:
        draws = empty(2 * count + 8, dtype=dtype).normal_(generator=generator)
        accepted = draws.ge(left).logical_and(draws.le(right))
    else:
        reach = nearest + 40.0 / max(nearest, 1.0)
        low, high = max(left, -reach), min(right, reach)
        draws = empty(8 * count + 8, dtype=dtype).uniform_(low, high, generator=generator)
        chance = ops.exp((nearest**2 - draws.square()) / 2)
        accepted = empty(draws.numel(), dtype=dtype).uniform_(generator=generator).lt(chance)
    return draws[accepted][:count]


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: ops.Generator | None = None) -> Tensor:
    """Make the rows (the columns, if those are fewer) of the flattened matrix orthogonal, of length `gain`."""
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected 2 or more dimensions, got shape {list(tensor.shape)}")
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    A = empty(max(rows, columns), min(rows, columns), dtype=tensor.dtype).normal_(generator=generator)
    Q, R = ops.qr(A)
    # Without the signs of R's diagonal, Q would not be uniform over the orthogonal matrices. Mezzadri (2007).
    Q = Q * R.diagonal().sign()
    return tensor.copy_((Q.t() if rows < columns else Q).reshape(tensor.shape)).mul_(gain)


def _older(name: str, function: Callable[P, R]) -> Callable[P, R]:
    """Return a function under the name that it had before it ended in an underscore."""
    return deprecated(f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.")(function)


constant = _older("constant", constant_)
dirac = _older("dirac", dirac_)
eye = _older("eye", eye_)
kaiming_normal = _older("kaiming_normal", kaiming_normal_)
kaiming_uniform = _older("kaiming_uniform", kaiming_uniform_)
normal = _older("normal", normal_)
orthogonal = _older("orthogonal", orthogonal_)
sparse = _older("sparse", sparse_)
uniform = _older("uniform", uniform_)
xavier_normal = _older("xavier_normal", xavier_normal_)
xavier_uniform = _older("xavier_uniform", xavier_uniform_)
