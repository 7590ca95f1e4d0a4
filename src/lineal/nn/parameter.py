"""`Parameter` and `Buffer`: tensors that a module keeps; and those whose shape is not known yet."""

from __future__ import annotations

from typing import Any, ClassVar

from lineal.base.signatures import Device, DType
from lineal.core import AbstractTensor, lift
from lineal.core.opening import PASSING
from lineal.ops import empty
from lineal.tensors import Tensor
from lineal.tensors.tensor import TAKEN_PLAIN

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy"]


class Parameter(Tensor):
    """A leaf tensor that modules register when it is assigned to them; requires grad unless told otherwise."""

    __slots__ = ()
    __torch_function__ = TAKEN_PLAIN

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

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True, *args: Any, **kwargs: Any) -> None:
        # what the `__new__` of a program's subclass takes comes here too
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


PASSING.add(Parameter)


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


HELD: Any = AbstractTensor.value  # type: ignore[attr-defined]
"""The slot of a tensor that holds its array."""


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
    def value(self) -> Any:
        """There are no numbers yet: ops are refused by a ValueError."""
        raise ValueError(
            "Attempted to use an uninitialized parameter. This error happens when you are using a `LazyModule` or explicitly "
            "manipulating `torch.nn.parameter.UninitializedParameter` objects. When using LazyModules call `forward` with a "
            "dummy batch to initialize the parameters before calling torch functions"
        )

    @value.setter
    def value(self, array: Any) -> None:
        HELD.__set__(self, array)

    @property
    def dtype(self) -> Any:
        """The dtype of the numbers to come."""
        return self.data.dtype

    @property
    def device(self) -> Any:
        """The device of the numbers to come."""
        return self.data.device

    @property
    def data(self) -> Any:
        """An empty tensor, which says dtype and device; it may be replaced."""
        return lift(HELD.__get__(self))

    @data.setter
    def data(self, other: Any) -> None:
        self.value = other.value

    def detach(self) -> Any:
        """Return an empty tensor, which says dtype and device."""
        return self.data

    @property
    def shape(self) -> Any:
        """There is none yet: RuntimeError."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
            "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
            "parameters before accessing their attributes."
        )

    def is_floating_point(self) -> bool:
        """Return whether the dtype is floating (not complex)."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Return whether the dtype is complex."""
        return self.dtype.is_complex

    def share_memory_(self) -> Any:
        """There is no memory yet: RuntimeError."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before "
            "calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _arguments_(self) -> tuple:
        """Return what another like this is made of."""
        me: Any = self
        return me.requires_grad, self.device, self.dtype

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(*self._arguments_())
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return (type(self), self._arguments_())


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape is not known yet: `materialize` gives it one, and makes it a `Parameter`."""

    __slots__ = ()
    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Device | None = None, dtype: DType | None = None
    ) -> UninitializedParameter:
        made: Any = Parameter(empty(0, device=device, dtype=dtype), requires_grad)
        made.__class__ = cls
        return made

    def __init__(self, requires_grad: bool = True, device: Device | None = None, dtype: DType | None = None) -> None:
        pass


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape is not known yet: `materialize` gives it one, and makes it a `Tensor`."""

    __slots__ = ()
    __torch_function__ = TAKEN_PLAIN
    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Device | None = None, dtype: DType | None = None, persistent: bool = True
    ) -> UninitializedBuffer:
        made: Any = Buffer(empty(0, device=device, dtype=dtype).requires_grad_(requires_grad), persistent=persistent)
        made.__class__ = cls
        return made

    def __init__(
        self, requires_grad: bool = False, device: Device | None = None, dtype: DType | None = None, persistent: bool = True
    ) -> None:
        pass

    def _arguments_(self) -> tuple:
        me: Any = self
        return (*super()._arguments_(), me.persistent)
