"""`Parameter` and `Buffer`: tensors that a module keeps; and those whose shape is not known yet."""

from __future__ import annotations

from typing import Any, ClassVar

from lineal.base.signatures import Device, DType
from lineal.core import AbstractTensor
from lineal.ops import empty
from lineal.tensors import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy"]


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


class Marked(type):
    """The class of `Buffer`, which knows its tensors by a mark: ops see plain tensors."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, AbstractTensor) and getattr(instance, "_is_buffer", False)


class Buffer(metaclass=Marked):
    """Return a tensor over the same memory that modules register as a buffer when it is assigned to them.

    Only a `persistent` one is in `state_dict()`.
    """

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        made: Any = empty(0) if data is None else data.detach().requires_grad_(data.requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


def is_lazy(tensor: Any) -> bool:
    """Return whether a tensor waits for its shape."""
    return isinstance(tensor, UninitializedTensorMixin)


class UninitializedTensorMixin:
    """Stands before a class of tensors: the shape is not known yet, and `materialize` gives them one."""

    __slots__ = ()
    cls_to_become: ClassVar[type]

    def materialize(self, shape: Any, device: Device | None = None, dtype: DType | None = None) -> None:
        """Take memory of a shape, whose numbers are arbitrary, and the class `cls_to_become`."""
        me: Any = self
        made = empty(*shape, device=me.device if device is None else device, dtype=me.dtype if dtype is None else dtype)
        wanted = me.requires_grad
        me.__class__ = self.cls_to_become
        me.data = made
        me.requires_grad_(wanted)

    @property
    def shape(self) -> Any:
        """There is none yet: RuntimeError."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
            "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
            "parameters before accessing their attributes."
        )

    def share_memory_(self) -> Any:
        """There is no memory yet: RuntimeError."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before "
            "calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape is not known yet: `materialize` gives it one, and makes it a `Parameter`."""

    __slots__ = ()
    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Device | None = None, dtype: DType | None = None
    ) -> UninitializedParameter:
        return super().__new__(cls, empty(0, device=device, dtype=dtype), requires_grad)  # type: ignore[return-value]

    def __init__(self, requires_grad: bool = True, device: Device | None = None, dtype: DType | None = None) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]

    def __reduce__(self) -> tuple:
        return (type(self), (self.requires_grad, self.device, self.dtype))


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape is not known yet: `materialize` gives it one, and makes it a `Tensor`."""

    __slots__ = ()
    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Device | None = None, dtype: DType | None = None, persistent: bool = True
    ) -> UninitializedBuffer:
        made: Any = empty(0, device=device, dtype=dtype)
        made.__class__ = cls
        made.persistent = persistent
        made._is_buffer = True
        return made.requires_grad_(requires_grad)

    def __init__(
        self, requires_grad: bool = False, device: Device | None = None, dtype: DType | None = None, persistent: bool = True
    ) -> None:
        pass
