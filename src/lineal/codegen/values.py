"""Values of emitted code: typed handles that compute when operators meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.kinds import Kind

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter


class Value:
    """A number, or `lanes` of them side by side, that emitted code has computed; `text` is its name, `type` LLVM's type."""

    emitter: Emitter
    __slots__ = ("emitter", "kind", "lanes", "text", "type")
    # NumPy scalars on the left then leave the operation to Value
    __array_ufunc__ = None

    def __init__(self, emitter: Any, text: str, kind: Kind, lanes: int = 1):
        self.emitter = emitter
        self.text = text
        self.kind = kind
        self.lanes = lanes
        self.type = kinds.type_of(kind, lanes)

    def __repr__(self) -> str:
        return f"<{self.typed}>"

    @property
    def typed(self) -> str:
        """Type and name, as an argument is written."""
        return f"{self.type} {self.text}"

    @property
    def dtype(self) -> np.dtype:
        return self.kind.dtype

    @property
    def real(self) -> Value:
        return self

    @property
    def imag(self) -> Value:
        return self.emitter.like(0, self)

    def conj(self) -> Value:
        return self

    conjugate = conj

    def astype(self, dtype: Any) -> Value:
        """Return this value converted to another dtype."""
        return self.emitter.cast(self, kinds.kind_of(dtype).computed)

    def __bool__(self) -> bool:
        raise TypeError("Value: emitted code has no truth value while it is written; use m.where(condition, a, b)")

    def __add__(self, other: Any) -> Value:
        return self.emitter.add(self, other)

    def __radd__(self, other: Any) -> Value:
        return self.emitter.add(other, self)

    def __sub__(self, other: Any) -> Value:
        return self.emitter.subtract(self, other)

    def __rsub__(self, other: Any) -> Value:
        return self.emitter.subtract(other, self)

    def __mul__(self, other: Any) -> Value:
        return self.emitter.multiply(self, other)

    def __rmul__(self, other: Any) -> Value:
        return self.emitter.multiply(other, self)

    def __truediv__(self, other: Any) -> Value:
        return self.emitter.divide(self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.emitter.divide(other, self)

    def __floordiv__(self, other: Any) -> Value:
        return self.emitter.math.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Value:
        return self.emitter.math.floor_divide(other, self)

    def __mod__(self, other: Any) -> Value:
        return self.emitter.math.remainder(self, other)

    def __rmod__(self, other: Any) -> Value:
        return self.emitter.math.remainder(other, self)

    def __pow__(self, other: Any) -> Value:
        return self.emitter.math.power(self, other)

    def __rpow__(self, other: Any) -> Value:
        return self.emitter.math.power(other, self)

    def __neg__(self) -> Value:
        return self.emitter.negative(self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self.emitter.math.abs(self)

    def __invert__(self) -> Value:
        return self.emitter.invert(self)

    def __and__(self, other: Any) -> Value:
        return self.emitter.bits("and", self, other)

    __rand__ = __and__

    def __or__(self, other: Any) -> Value:
        return self.emitter.bits("or", self, other)

    __ror__ = __or__

    def __xor__(self, other: Any) -> Value:
        return self.emitter.bits("xor", self, other)

    __rxor__ = __xor__

    def __lshift__(self, other: Any) -> Value:
        return self.emitter.bits("shl", self, other)

    def __rshift__(self, other: Any) -> Value:
        return self.emitter.bits("lshr" if self.kind.family == "u" else "ashr", self, other)

    def __eq__(self, other: Any) -> Value:  # type: ignore[override]
        return self.emitter.compare("eq", self, other)

    def __ne__(self, other: Any) -> Value:  # type: ignore[override]
        return self.emitter.compare("ne", self, other)

    def __lt__(self, other: Any) -> Value:
        return self.emitter.compare("lt", self, other)

    def __le__(self, other: Any) -> Value:
        return self.emitter.compare("le", self, other)

    def __gt__(self, other: Any) -> Value:
        return self.emitter.compare("gt", self, other)

    def __ge__(self, other: Any) -> Value:
        return self.emitter.compare("ge", self, other)

    __hash__ = object.__hash__


class Variable:
    """A value that loops and branches may change; name it in their `carried`."""

    __slots__ = ("value",)

    def __init__(self, value: Value):
        self.value = value
