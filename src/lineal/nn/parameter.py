"""`Parameter`: a tensor that a module counts among what it learns."""

from __future__ import annotations

from typing import Any

from lineal.ops import empty
from lineal.tensors import Tensor


class Parameter(Tensor):
    """A leaf tensor that modules register when it is assigned to them; requires grad unless told otherwise."""

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        source = empty(0) if data is None else data.detach()
        made = object.__new__(cls)
        made.value = source.value
        made.node = None
        made.index = 0
        made.memory = source.memory
        made.origin = None
        made.requires_grad_(requires_grad)
        return made

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        pass

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce__(self) -> tuple:
        return (type(self), (self.detach(), self.requires_grad))

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return self.__reduce__()
