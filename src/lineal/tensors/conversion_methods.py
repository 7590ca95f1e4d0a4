"""Out of the tensor: Python numbers and lists; and from dtype to dtype, device to device."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NoReturn, overload

import numpy as np

from lineal.base import config, dtypes, later
from lineal.base.devices import CPU, as_device, device, device_of
from lineal.base.dtypes import Category
from lineal.base.errors import NotOneNumberError
from lineal.base.formats import preserve_format
from lineal.base.later import method
from lineal.base.signatures import Device, DType, Format, Tensor
from lineal.core import AbstractTensor, Leaf, apply, lift, memory_of, modes, no_grad
from lineal.core.calling import public
from lineal.core.precision import widened
from lineal.ops.conversion import Cast, cast, dtype_of, transferred
from lineal.ops.structural.reshape import clone

__all__ = ["ConversionMethods"]

type_ = type
bool_ = bool
int_ = int
float_ = float

sparse: Any = later.module("lineal.sparse")

_BY_TYPE = {f"torch.{each.constructor}": each for each in dtypes.ALL}


def converter(target: dtypes.dtype, name: str) -> Callable[..., Tensor]:
    """Return the method `name` that converts to `target`."""

    def method(self: AbstractTensor, memory_format: Format | None = None) -> Tensor:
        return formatted(cast(self, target), memory_format)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Return this tensor as {target.name}; itself if it is already."
    return method


def formatted(x: Any, memory_format: Any) -> Any:
    """Return `x`, or a copy that lies in memory as a format says."""
    return x if memory_format is None or memory_format is preserve_format else x.contiguous(memory_format)


def concretize(x: AbstractTensor, kind: type) -> None:
    """Tell a recorder that Python is about to read `x`."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.concretize(x, kind)


class ConversionMethods(AbstractTensor):
    """A tensor as other things."""

    double = converter(dtypes.float64, "double")
    float = converter(dtypes.float32, "float")
    half = converter(dtypes.float16, "half")
    bfloat16 = converter(dtypes.bfloat16, "bfloat16")
    long = converter(dtypes.int64, "long")
    int = converter(dtypes.int32, "int")
    short = converter(dtypes.int16, "short")
    char = converter(dtypes.int8, "char")
    byte = converter(dtypes.uint8, "byte")
    bool = converter(dtypes.bool_, "bool")
    cfloat = converter(dtypes.complex64, "cfloat")
    cdouble = converter(dtypes.complex128, "cdouble")

    def chalf(self, memory_format: Format | None = None) -> NoReturn:
        """Refuse: NumPy has no complex dtype of half precision."""
        raise RuntimeError("chalf: complex32 is not available here; use cfloat() for complex64")

    @property
    def device(self) -> device:
        """Where the numbers live."""
        return device_of(self.value)

    @property
    def is_cpu(self) -> bool:
        """Whether the numbers live on the CPU."""
        return device_of(self.value) == CPU

    @property
    def is_cuda(self) -> bool_:
        """Whether the numbers live on a CUDA device."""
        return device_of(self.value).type == "cuda"

    @property
    def is_mps(self) -> bool_:
        """Whether the numbers live on a device of Apple's."""
        return device_of(self.value).type == "mps"

    @property
    def is_xpu(self) -> bool_:
        """Whether the numbers live on a device of Intel's."""
        return device_of(self.value).type == "xpu"

    @property
    def is_meta(self) -> bool_:
        """Whether this is a shape without numbers."""
        return device_of(self.value).type == "meta"

    is_ipu = is_maia = is_mtia = is_vulkan = is_xla = False

    def is_distributed(self) -> bool_:
        """Return whether the numbers lie in several processes: never."""
        return False

    def get_device(self) -> int_:
        """Return the index of the device, -1 for the CPU."""
        where = device_of(self.value)
        return -1 if where == CPU else where.index or 0

    def cpu(self: Any, memory_format: Format | None = None) -> Tensor:
        """Return this tensor on the CPU."""
        return transferred(self, CPU)

    def cuda(self: Any, device: Device | None = None, non_blocking: bool_ = False, memory_format: Format | None = None) -> Any:
        """Return this tensor on a CUDA device."""
        return transferred(self, as_device("cuda" if device is None else device))

    def pin_memory(self: Any, device: Device | None = None) -> Tensor:
        """Return this tensor; page-locked memory has no use without a GPU."""
        return self

    def is_pinned(self, device: Device | None = None) -> bool_:
        """Return whether the memory is page-locked."""
        return False

    @overload
    def to(
        self, dtype: DType, non_blocking: bool_ = False, copy: bool_ = False, *, memory_format: Format | None = None
    ) -> Tensor: ...
    @overload
    def to(
        self, other: Tensor, non_blocking: bool_ = False, copy: bool_ = False, *, memory_format: Format | None = None
    ) -> Tensor: ...
    @overload
    def to(
        self,
        device: Device | None = None,
        dtype: DType | None = None,
        non_blocking: bool_ = False,
        copy: bool_ = False,
        *,
        memory_format: Format | None = None,
    ) -> Tensor: ...
    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        copy: Any = False,
        non_blocking: Any = False,
        memory_format: Any = None,
        **_: Any,
    ) -> Any:
        """Return this tensor with another dtype and device: `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`.

        It is itself if nothing changes, unless `copy` is true.
        """
        for place, each in enumerate(args):
            if isinstance(each, AbstractTensor):
                dtype, device = dtype_of(each), device_of(each.value)
            elif isinstance(each, dtypes.dtype) or (isinstance(each, type) and each in dtypes.BY_PYTHON):
                dtype = each
            elif each is True and place == len(args) - 1:
                copy = each if place > 1 else copy
            elif each is not None and each is not False:
                device = each
        where = None if device is None else as_device(device)
        target = dtype_of(self) if dtype is None else dtypes.as_dtype(dtype)
        y = apply(Cast(target), self) if copy else cast(self, target)
        y = y if where is None else transferred(y, where)
        return y if memory_format is None else formatted(y, memory_format)

    def to_device(self: Any, device: Device, /, *, stream: Any = None) -> Tensor:
        """Return this tensor on a device, as the array API standard asks for it; ValueError for any stream."""
        if stream is not None:
            raise ValueError(f"to_device: there are no streams here, got {stream!r}")
        return transferred(self, as_device(device))

    @public
    def type_as(self: Any, other: Tensor) -> Tensor:
        """Return this tensor in the dtype of `other`."""
        return cast(self, dtype_of(other))

    @overload
    def type(self) -> str: ...
    @overload
    def type(self, dtype: DType | str, non_blocking: bool_ = False) -> Tensor: ...
    def type(self, dtype: Any = None, non_blocking: bool_ = False, **_: Any) -> Any:
        """Return the name of this tensor's type, or this tensor as another dtype."""
        if dtype is None:
            where = "" if self.is_cpu else f"{device_of(self.value).type}."
            return f"torch.{where}{dtype_of(self).constructor}"
        if isinstance(dtype, type_) and issubclass(dtype, AbstractTensor):
            return cast(self, config.defaults.dtype)
        found = _BY_TYPE.get(dtype) if isinstance(dtype, str) else getattr(dtype, "dtype", dtype)
        if found is None:
            raise ValueError(f"type(): invalid type: {dtype!r}")
        return cast(self, dtypes.as_dtype(found))

    def is_floating_point(self) -> bool_:
        """Return whether the dtype is floating (not complex)."""
        return dtype_of(self).is_floating_point

    def is_complex(self) -> bool_:
        """Return whether the dtype is complex."""
        return dtype_of(self).is_complex

    def is_signed(self) -> bool_:
        """Return whether the dtype can hold negative numbers."""
        return dtype_of(self).is_signed

    def item(self) -> int_ | float_ | bool_:
        """Return the one element as a Python number."""
        value = self.value
        if value.size != 1:
            raise RuntimeError(f"item: a Tensor with {value.size} elements cannot be converted to Scalar")
        concretize(self, _PYTHON[dtype_of(self).category])
        found = value.item()
        return found if isinstance(found, _NUMBERS) else float_(found)

    to_sparse: Callable[..., Any] = method(lambda: sparse.to_sparse)
    to_sparse_coo: Callable[..., Any] = method(lambda: sparse.to_sparse_coo)
    to_sparse_csr: Callable[..., Any] = method(lambda: sparse.to_sparse_csr)
    to_sparse_csc: Callable[..., Any] = method(lambda: sparse.to_sparse_csc)
    to_sparse_bsr: Callable[..., Any] = method(lambda: sparse.to_sparse_bsr)
    to_sparse_bsc: Callable[..., Any] = method(lambda: sparse.to_sparse_bsc)
    to_scipy: Callable[..., Any] = method(lambda: sparse.to_scipy)
    sparse_mask: Callable[..., Any] = method(lambda: sparse.sparse_mask)

    def to_dense(self, dtype: DType | None = None, *, masked_grad: bool_ | None = None) -> Tensor:
        """Return a strided tensor, which this one is, converted to `dtype`."""
        return cast(self, dtypes.BY_NUMPY[self.value.dtype] if dtype is None else dtypes.as_dtype(dtype))

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers, or as one number."""
        concretize(self, list)
        return widened(self.value).tolist()

    def __bool__(self) -> bool_:
        value = self.value
        if value.size != 1:
            what = "no values" if value.size == 0 else "more than one value"
            raise RuntimeError(f"bool: Boolean value of Tensor with {what} is ambiguous; use any() or all()")
        concretize(self, bool_)
        return bool_(value.item())

    def __int__(self) -> int_:
        concretize(self, int_)
        return int_(_single(self, "int"))

    __long__ = __int__

    def __float__(self) -> float_:
        concretize(self, float_)
        return float_(_single(self, "float"))

    def __complex__(self) -> complex:
        concretize(self, complex)
        return complex(_single(self, "complex"))

    def __index__(self) -> int_:
        if self.value.size != 1 or dtype_of(self).category > Category.INTEGER:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        concretize(self, int_)
        return int_(self.value.item())

    def __copy__(self) -> Any:
        made = rebuild(type_(self), self.value, self.node is not None)
        made.__dict__.update(attributes(self))
        return made

    def __deepcopy__(self, memo: dict) -> Any:
        if self.node is not None and not isinstance(self.node, Leaf):
            raise RuntimeError(
                "deepcopy: Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol "
                "at the moment"
            )
        if id(self) not in memo:
            twin = copied(self, memo)
            memo[id(self)] = made = rebuild(type_(self), twin.value, self.node is not None)
            made.memory = twin.memory
            for name, each in self.__dict__.items():
                made.__dict__[name] = copy.deepcopy(each, memo)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Give pickle the numbers, whether they require grad, and what the user has set; history and grad are left behind."""
        state = (rebuild, (type_(self), self.value, self.node is not None))
        return (*state, attributes(self)) if attributes(self) else state


def attributes(x: AbstractTensor) -> dict[str, Any]:
    """Return what the user has set on a tensor."""
    return {name: each for name, each in x.__dict__.items() if name not in ("derivative", "inference")}


def copied(x: Any, memo: dict) -> Any:
    """Return a constant copy of `x`; tensors that look into one memory become ones that look into one copy of it."""
    with no_grad():
        if x.memory is None:
            return clone(x)
        part = memo.get(id(x.memory))
        if part is None:
            part = memo[id(x.memory)] = clone(x if x.origin is None else x.origin.base)
            memo.setdefault(id(memo), []).append(x.memory)
        memory_of(part)
        for op in () if x.origin is None else x.origin.path:
            part = apply(op, part)
    return part


_NUMBERS: Any = (bool, int, float, complex)
_PYTHON = {Category.BOOL: bool, Category.INTEGER: int, Category.FLOATING: float, Category.COMPLEX: complex}


def _single(x: AbstractTensor, name: str) -> Any:
    if x.value.size != 1:
        raise NotOneNumberError(f"{name}: a Tensor with {x.value.size} elements cannot be converted to Scalar")
    return x.value.item()


def rebuild(cls: type, value: np.ndarray, requires_grad: bool) -> Any:
    """Return a leaf of class `cls` over `value`."""
    made = lift(dtypes.interned(value))
    if type(made) is not cls:
        made = made.as_subclass(cls)
    return made.requires_grad_() if requires_grad else made
