"""Parameters and buffers whose shape is not known yet."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Device, DType
from lineal.nn.parameter import Parameter
from lineal.ops import empty
from lineal.tensors import Tensor


def is_lazy(tensor: Any) -> bool:
    """Return whether a tensor waits for its shape."""
    return isinstance(tensor, (UninitializedParameter, UninitializedBuffer))


def filled(tensor: Any, shape: Any, device: Device | None, dtype: DType | None, kind: type) -> None:
    """Give a tensor that waits for its shape memory of that shape, and the class that it is to be of."""
    made = empty(*shape, device=tensor.device if device is None else device, dtype=tensor.dtype if dtype is None else dtype)
    wanted = tensor.requires_grad
    tensor.__class__ = kind
    tensor.data = made
    tensor.requires_grad_(wanted)


class UninitializedParameter(Parameter):
    """A parameter whose shape is not known yet: `materialize` gives it one, and makes it a `Parameter`."""

    __slots__ = ()

    def __new__(
        cls, requires_grad: bool = True, device: Device | None = None, dtype: DType | None = None
    ) -> UninitializedParameter:
        return super().__new__(cls, empty(0, device=device, dtype=dtype), requires_grad)  # type: ignore[return-value]

    def __init__(self, requires_grad: bool = True, device: Device | None = None, dtype: DType | None = None) -> None:
        pass

    def materialize(self, shape: Any, device: Device | None = None, dtype: DType | None = None) -> None:
        """Take memory of a shape, whose numbers are arbitrary."""
        filled(self, shape, device, dtype, Parameter)

    def __repr__(self) -> str:
        return "<UninitializedParameter>"

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]

    def __reduce__(self) -> tuple:
        return (type(self), (self.requires_grad, self.device, self.dtype))


class UninitializedBuffer(Tensor):
    """A buffer whose shape is not known yet: `materialize` gives it one, and makes it a `Tensor`."""

    __slots__ = ()

    def __new__(
        cls, requires_grad: bool = False, device: Device | None = None, dtype: DType | None = None, persistent: bool = True
    ) -> UninitializedBuffer:
        made = empty(0, device=device, dtype=dtype)
        made.__class__ = cls
        return made.requires_grad_(requires_grad)  # type: ignore[return-value]

    def __init__(
        self, requires_grad: bool = False, device: Device | None = None, dtype: DType | None = None, persistent: bool = True
    ) -> None:
        pass

    def materialize(self, shape: Any, device: Device | None = None, dtype: DType | None = None) -> None:
        """Take memory of a shape, whose numbers are arbitrary."""
        filled(self, shape, device, dtype, Tensor)

    def __repr__(self) -> str:
        return "<UninitializedBuffer>"
