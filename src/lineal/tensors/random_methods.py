"""The methods that fill a tensor with random numbers in place, or draw by its numbers: each the op it calls."""

from __future__ import annotations

from lineal import ops
from lineal.base.later import method
from lineal.ops import random

__all__ = ["RandomMethods"]


class RandomMethods:
    """Random numbers."""

    bernoulli, bernoulli_ = method(lambda: ops.bernoulli), method(lambda: random.filling.bernoulli_)
    multinomial = method(lambda: ops.multinomial)
    uniform_ = method(lambda: random.filling.uniform_)
    normal_ = method(lambda: random.filling.normal_)
    random_ = method(lambda: random.filling.random_)
    exponential_ = method(lambda: random.filling.exponential_)
    cauchy_ = method(lambda: random.filling.cauchy_)
    geometric_ = method(lambda: random.filling.geometric_)
    log_normal_ = method(lambda: random.filling.log_normal_)
