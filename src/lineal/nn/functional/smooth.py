"""Activation functions without a corner: the family of the sigmoid and of the normal distribution."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.base.signatures import DType, Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.activation import chosen_dim
from lineal.nn.functional.rectifiers import delivered, kept
from lineal.ops import exp
from lineal.ops.elementwise.masks import keep
from lineal.ops.front import nary, row, unary
from lineal.ops.promotion import unsupported

_ROOT_HALF, _DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
_ROOT_2_BY_PI, _CUBIC, _SATURATED = math.sqrt(2 / math.pi), 0.044715, 25.0

_silu = unary(
    "silu",
    lambda m, x: x / (1 + m.exp(-x)),
    lambda g, x: _silu_slope(g, x),
    domain="field",
    numeric=lambda m, x: x * ops.sigmoid.op.eager(m, x),
)
_silu_slope = row(
    "silu_backward",
    lambda m, g, x: _silu_rise(g, m.sigmoid(x), x),
    lambda h, x: _silu_slope(h, x.conj()),
    lambda h, g, x: h.conj() * g * _silu_curve(ops.sigmoid(x), x).conj(),
    numeric=lambda m, g, x: _silu_rise(g, ops.sigmoid.op.eager(m, x), x),
)
_gelu = unary(
    "gelu",
    lambda m, x: x * (0.5 * (1 + m.erf(x * _ROOT_HALF))),
    lambda g, x: _gelu_slope(g, x),
    domain="only float",
    numeric=lambda m, x: x * (0.5 * (1 + ops.erf.op.eager(m, x * _ROOT_HALF))),
    host_only="SciPy",
)
# φ the density: Φ + x φ is the slope of x Φ, and (2 - x²) φ the slope of that.
_gelu_slope = row(
    "gelu_backward",
    lambda m, g, x: g * (0.5 * (1 + m.erf(x * _ROOT_HALF)) + x * m.exp(x * x * -0.5) * _DENSITY),
    lambda h, x: _gelu_slope(h, x),
    lambda h, g, x: h * g * _gelu_turn(x),
    numeric=lambda m, g, x: g * (0.5 * (1 + ops.erf.op.eager(m, x * _ROOT_HALF)) + x * m.exp(x * x * -0.5) * _DENSITY),
    host_only="SciPy",
)


def _gelu_turn(x: Any) -> Any:
    # of a large x, the root of the density is 0 before its square times x² is undefined
    root = exp(x * x * -0.25)
    return (root * root * 2 - (x * root).square()) * _DENSITY


# ½ (1 + tanh u) is the sigmoid of 2u, which loses no digits; of numbers beyond, it is 0 or 1, and no power is infinite
def _sigmoid_inside(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp((x + x * x * x * _CUBIC) * (-2 * _ROOT_2_BY_PI)))


def _rise(x: Any) -> Any:
    return (1 + x * x * (3 * _CUBIC)) * _ROOT_2_BY_PI


def _saturated(m: Any, x: Any) -> Any:
    return m.maximum(m.minimum(x, _SATURATED), -_SATURATED)


def _gelu_by_tanh_steep(m: Any, g: Any, x: Any) -> Any:
    x = _saturated(m, x)
    s = _sigmoid_inside(m, x)
    return g * (s + x * 2 * s * (1 - s) * _rise(x))


_gelu_by_tanh = unary(
    "gelu_by_tanh",
    lambda m, x: x * _sigmoid_inside(m, _saturated(m, x)),
    lambda g, x: _gelu_by_tanh_slope(g, x),
    domain="only float",
)
_gelu_by_tanh_slope = row(
    "gelu_by_tanh_backward",
    _gelu_by_tanh_steep,
    lambda h, x: _gelu_by_tanh_slope(h, x),
    lambda h, g, x: h * g * _gelu_by_tanh_turn(ops.clamp(x, -_SATURATED, _SATURATED)),
)


def _gelu_by_tanh_turn(x: Any) -> Any:
    s, rise = _sigmoid_inside(ops, x), _rise(x)
    return s * (1 - s) * 4 * (rise + x * (x * (3 * _CUBIC * _ROOT_2_BY_PI) - (2 * s - 1) * rise * rise))


# Both branches stay finite: log(1 + eᶻ) = max(z, 0) + log(1 + exp(-|z|)).
_softplus = nary(
    "softplus",
    lambda m, x, beta, threshold: m.where(
        x * beta > threshold, x, (m.maximum(x * beta, 0) + m.log1p(m.exp(-m.abs(x * beta)))) / beta
    ),
    lambda g, x, beta, threshold: _softplus_slope(g, x, beta, threshold),
    None,
    None,
    domain="only float",
)
_softplus_slope = row(
    "softplus_backward",
    lambda m, g, x, beta, threshold: m.where(x * beta > threshold, g, g * m.sigmoid(x * beta)),
    lambda h, x, beta, threshold: _softplus_slope(h, x, beta, threshold),
    lambda h, g, x, beta, threshold: keep(h * g * beta * _bend(x * beta), x * beta <= threshold),
    None,
    None,
    numeric=lambda m, g, x, beta, threshold: m.where(x * beta > threshold, g, g * ops.sigmoid.op.eager(m, x * beta)),
)
_logsigmoid = unary(
    "log_sigmoid",
    lambda m, x: m.minimum(x, 0) - m.log1p(m.exp(-m.abs(x))),
    lambda g, x: _logsigmoid_slope(g, x),
    domain="only float",
)
_logsigmoid_slope = row(
    "log_sigmoid_backward",
    lambda m, g, x: g * m.sigmoid(-x),
    lambda h, x: _logsigmoid_slope(h, x),
    lambda h, g, x: -(h * g * _bend(x)),
    numeric=lambda m, g, x: g * ops.sigmoid.op.eager(m, -x),
)


def _bend(x: Any) -> Any:
    """Return the derivative of the sigmoid, which is that of -x too."""
    s = ops.sigmoid(x)
    return s * (1 - s)


def _silu_rise(g: Any, s: Any, x: Any) -> Any:
    """Return g times the derivative of silu, s being sigmoid(x)."""
    return g * (s * (1 + x * (1 - s))).conj()


def _silu_curve(s: Any, x: Any) -> Any:
    """Return the second derivative of silu, s being sigmoid(x)."""
    return s * (1 - s) * (2 + x * (1 - 2 * s))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x sigmoid(x), also called swish."""
    return delivered(_silu(kept(input, inplace)), input, inplace, "silu")


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return x Φ(x), Φ the normal distribution function, or its approximation by "tanh".

    Hendrycks and Gimpel (2016), arXiv:1606.08415.
    """
    if approximate == "none":
        return _gelu(input)
    if approximate != "tanh":
        raise RuntimeError(f"gelu: expected approximate to be 'none' or 'tanh', got {approximate!r}")
    return renamed(_gelu_by_tanh(input), "GeluBackward0")


@public
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x tanh(softplus(x)).  Misra (2019), arXiv:1908.08681."""
    x = kept(input, inplace)
    return renamed(delivered(x * ops.tanh(softplus(x)), input, inplace, "mish"), "MishBackward0")


@public
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + exp(beta x)) / beta, and x itself where beta x exceeds `threshold`."""
    return _softplus(input, beta, threshold)


def softsign(input: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    return input / (1 + ops.abs(input))


def logsigmoid(input: Tensor) -> Tensor:
    """Return log(sigmoid(x)), finite for every finite x."""
    return _logsigmoid(input)


def tanhshrink(input: Tensor) -> Tensor:
    """Return x - tanh(x)."""
    return input - ops.tanh(input)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Return softmax(-x) along `dim`."""
    return ops.softmax(-input, chosen_dim("softmin", input, dim, _stacklevel), dtype=dtype)


@public
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return a sigmoid(b), a and b the two halves of the input along `dim`.  Dauphin et al. (2017), arXiv:1612.08083."""
    if not input.dtype.is_floating_point:
        raise unsupported("glu", input.dtype)
    if input.ndim == 0:
        raise RuntimeError("glu: expected a tensor with dimensions to halve, got shape []")
    if input.shape[dim] % 2:
        raise RuntimeError(f"glu: expected an even size in dimension {dim}, got shape {list(input.shape)}")
    first, second = input.chunk(2, dim)
    return renamed(first * ops.sigmoid(second), "GluBackward0")
