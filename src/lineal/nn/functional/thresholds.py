"""Activation functions that cut at a threshold, or at a random slope; a random choice by the softmax."""

from __future__ import annotations

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.activation import softmax
from lineal.nn.functional.rectifiers import delivered, kept, leaky_relu
from lineal.ops import where
from lineal.ops.front import binary, nary

_hardshrink = binary(
    "hardshrink",
    lambda m, x, bound: m.where(m.abs(x) <= bound, 0, x),
    lambda g, x, bound: where(x.abs() <= bound, 0.0, g),
    None,
    domain="only float",
    numbers="second",
)
_softshrink = binary(
    "softshrink",
    lambda m, x, bound: m.where(x > bound, x - bound, m.where(x < -bound, x + bound, x * 0)),
    lambda g, x, bound: where(x.abs() <= bound, 0.0, g),
    None,
    domain="only float",
    numbers="second",
    widens=True,
)
_threshold = nary(
    "threshold",
    lambda m, x, bound, value: m.where(x <= bound, value, x),
    lambda g, x, bound: where(x <= bound, 0.0, g),
    None,
    None,
    domain="only ordered",
)


@public
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return 0 where |x| ≤ lambd, else x."""
    return _hardshrink(input, float(lambd))


@public
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return x moved towards 0 by lambd, and 0 where |x| ≤ lambd."""
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambda must be greater or equal to 0, but found to be {lambd}.")
    return _softshrink(input, float(lambd))


@public
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x where it is above the threshold, else `value`."""
    return delivered(_threshold(kept(input, inplace), threshold, value), input, inplace, "threshold")


@public
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Return x where it is positive, else a x; a is uniform in [lower, upper] while training, else their mean.

    Xu et al. (2015), arXiv:1505.00853.
    """
    if lower > upper:
        raise RuntimeError(f"rrelu: Lower bound should be less than or equal to the upper bound, got {lower} and {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = ops.empty_like(input, requires_grad=False).uniform_(lower, upper)
    y = renamed(ops.mul(kept(input, inplace), where(input <= 0, slopes, 1.0)), "RreluWithNoiseBackward0")
    return delivered(y, input, inplace, "rrelu")


@public
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Return a random choice along `dim` with probabilities softmax(logits), softened by the temperature `tau`.

    `hard` gives a row of 0 and 1 with the derivative of the soft one.   Jang, Gu and Poole (2017), arXiv:1611.01144.
    """
    noise = -ops.empty_like(logits, requires_grad=False).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    chosen = ops.zeros_like(logits, requires_grad=False).scatter(dim, soft.argmax(dim, keepdim=True), 1.0)
    return chosen - soft.detach() + soft


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """Write `threshold` of `input` into it."""
    return delivered(_threshold(kept(input, True), threshold, value), input, True, "threshold")


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """Write rrelu of `input` into it."""
    return rrelu(input, lower, upper, training, inplace=True)
