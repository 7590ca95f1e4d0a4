"""The tensor's elementwise methods: each the op it calls."""

from __future__ import annotations

from lineal.ops import add, mul, neg, sub
from lineal.ops.elementwise.arithmetic import _add, _sub
from lineal.ops.front import in_place

__all__ = ["ElementwiseMethods"]


class ElementwiseMethods:
    """Arithmetic, comparison and the other functions applied element by element."""

    __add__ = __radd__ = _add
    __sub__ = _sub
    __mul__ = __rmul__ = mul
    __neg__ = neg
    __iadd__ = in_place(_add, "add_")

    add, add_ = add, in_place(add)
    sub, sub_ = sub, in_place(sub)
    mul, mul_ = mul, in_place(mul)
    neg, neg_ = neg, in_place(neg)

    def __rsub__(self, other):
        return _sub(other, self)

    def conj(self):
        return self
