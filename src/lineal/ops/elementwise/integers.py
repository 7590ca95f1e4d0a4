"""Common divisors and multiples."""

from __future__ import annotations

from lineal.base.signatures import Tensor
from lineal.ops.front import binary, require_tensor

__all__ = ["gcd", "lcm"]

_gcd = binary("gcd", lambda m, a, b: m.gcd(a, b), domain="whole")
_lcm = binary("lcm", lambda m, a, b: m.lcm(a, b), domain="whole")


def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the greatest common divisor of two integer tensors, never negative; gcd(0, 0) = 0."""
    require_tensor("gcd", input)
    require_tensor("gcd", other)
    return _gcd(input, other, out=out)


def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the least common multiple of two integer tensors, never negative; 0 where one of them is."""
    require_tensor("lcm", input)
    require_tensor("lcm", other)
    return _lcm(input, other, out=out)
