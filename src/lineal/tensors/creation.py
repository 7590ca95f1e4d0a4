"""New tensors from data: nested lists, numbers, arrays, other tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from lineal.base import config, dtypes
from lineal.base.devices import as_device, device_of
from lineal.base.dtypes import dtype
from lineal.base.signatures import Device, DType, Number, Options, ShapedOptions, Tensor
from lineal.base.spec import Size
from lineal.core import AbstractTensor, lift, no_grad
from lineal.ops import creation
from lineal.ops.conversion import cast, converted, dtype_of, transferred
from lineal.ops.creation import empty, finish
from lineal.ops.structural.reshape import clone
from lineal.tensors.interop import array_like, from_numpy, noticed

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "as_tensor",
    "asarray",
    "tensor",
]


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return a new tensor with a copy of `data`: a number, a nested sequence of numbers and tensors, an array or a tensor.

    Without a dtype, Python floats take the default dtype, ints int64, bools bool; arrays and tensors keep theirs.
    """
    target = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(data, AbstractTensor):
        source: Any = data
        with no_grad():
            copied = cast(clone(source), target or dtypes.of(data.value.dtype))
            copied = copied if device is None else transferred(copied, as_device(device))
        return finish(copied, requires_grad)
    made = lift(np.array(array_of(data, target), order="C"))
    return finish(transferred(made, as_device(device)), requires_grad)


def array_of(data: Any, target: dtype | None) -> np.ndarray:
    """Return the array that `data` means, in the dtype `target` or the one its elements imply; may share memory with `data`."""
    if isinstance(data, AbstractTensor):
        value = data.value
    elif (
        isinstance(data, (np.ndarray, np.generic))
        or hasattr(data, "__array_interface__")
        or (hasattr(data, "__array__") and not isinstance(data, Sequence))
    ):
        value = noticed(array_like(data)) if not isinstance(data, np.generic) else np.asarray(data)
    else:
        return _nested(data, target)
    found = dtypes.of(value.dtype)
    if target is not None and target is not found:
        return cast(lift(value), target).value
    return value.astype(found.numpy, copy=False)


def _nested(data: Any, target: dtype | None) -> np.ndarray:
    if isinstance(data, str):
        raise TypeError("tensor: new(): invalid data type 'str'")
    shape = _shape(data)
    flat = _leaves(data, shape, 0, [])
    target = target or _common(flat)
    plain = [each.item() if isinstance(each, (AbstractTensor, np.ndarray, np.generic)) else each for each in flat]  # type: ignore[attr-defined]
    if target.category is dtypes.Category.INTEGER:
        plain = [each if isinstance(each, int) else converted("tensor", each, target) for each in plain]
    try:
        return target.array(plain).reshape(shape)
    except OverflowError:
        return target.array([converted("tensor", each, target) for each in plain]).reshape(shape)


def _shape(data: Any) -> tuple[int, ...]:
    if isinstance(data, (AbstractTensor, np.ndarray)):
        return tuple(data.shape)  # type: ignore[attr-defined]
    if isinstance(data, (bool, int, float, complex, np.generic)):
        return ()
    if isinstance(data, str):
        raise ValueError("tensor: too many dimensions 'str'; expected numbers")
    if not isinstance(data, Sequence) and not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise RuntimeError(f"tensor: Could not infer dtype of {type(data).__name__}")
    if isinstance(data, dict):
        raise RuntimeError("tensor: Could not infer dtype of dict")
    return (len(data), *(_shape(data[0]) if len(data) else ()))


def _leaves(data: Any, shape: tuple[int, ...], depth: int, into: list) -> list:
    if depth == len(shape):
        if not isinstance(data, (bool, int, float, complex, np.generic)) and _shape(data) != ():
            raise TypeError(f"tensor: expected a number at depth {depth}, got {type(data).__name__}")
        into.append(data)
        return into
    if isinstance(data, (AbstractTensor, np.ndarray)):
        value = data.value if isinstance(data, AbstractTensor) else data
        if value.shape != shape[depth:]:
            raise ValueError(f"tensor: expected shape {list(shape[depth:])} at dim {depth} (got {list(value.shape)})")
        into.extend(value.reshape(-1))
        return into
    try:
        length = len(data)
    except TypeError:
        raise TypeError(f"tensor: expected a sequence of length {shape[depth]} at dim {depth}, got {data!r}") from None
    if length != shape[depth]:
        raise ValueError(f"tensor: expected sequence of length {shape[depth]} at dim {depth} (got {length})")
    for each in data:
        _leaves(each, shape, depth + 1, into)
    return into


def _common(flat: list) -> dtype:
    if not flat:
        return config.defaults.dtype
    kinds = {type(each) for each in flat if not isinstance(each, AbstractTensor)}
    found = {dtypes.BY_NUMPY[each.value.dtype] for each in flat if isinstance(each, AbstractTensor)}
    for kind in kinds:
        if issubclass(kind, np.generic):
            found.add(dtypes.of(np.dtype(kind)))
        else:
            found.add(config.of_scalar(kind()))
    result, *others = found
    for each in others:
        result = dtypes.promote_types(result, each)
    return result


def as_tensor(data: Any, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return `data` as a tensor, sharing its memory where that is possible."""
    if isinstance(data, AbstractTensor):
        made: Any = data if dtype is None else cast(data, dtypes.as_dtype(dtype))
        return made if device is None else transferred(made, as_device(device))
    target = None if dtype is None else dtypes.as_dtype(dtype)
    made = (
        lift(array_of(data, target))
        if not isinstance(data, np.ndarray)
        else cast(from_numpy(data), target or dtypes.of(data.dtype))
    )
    return transferred(made, as_device(device))


def asarray(
    obj: Any,
    *,
    dtype: DType | None = None,
    device: Device | None = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """Return `obj` (sequence, array, buffer, DLPack exporter) as a tensor; `copy` forces (True) or forbids (False) a copy.

    Unless `requires_grad` says otherwise, a tensor keeps its history; False leaves it behind.
    """
    if isinstance(obj, (bytes, bytearray, memoryview)):
        target = dtypes.as_dtype(dtype or config.defaults.dtype)
        shared = lift(np.frombuffer(obj, dtype=target.numpy))
    else:
        shared = as_tensor(obj, dtype, device)
    source = obj.value if isinstance(obj, AbstractTensor) else obj
    same = isinstance(source, np.ndarray) and (shared.value is source or np.may_share_memory(shared.value, source))
    if copy is False and not same and not isinstance(obj, (bytes, bytearray, memoryview)):
        raise ValueError("asarray: can't alias the given object without a copy")
    if copy and same:
        shared = tensor(shared)
    if requires_grad is False and shared.requires_grad:
        return shared.detach()
    return shared.requires_grad_() if requires_grad else shared


class TypedConstructor:
    """`FloatTensor(2, 3)`, `FloatTensor([1, 2])`: PyTorch's old constructors, one per dtype."""

    def __init__(self, target: dtype, name: str):
        self.dtype = target
        self.name = name
        self.__doc__ = f"Return a tensor of {target} of the sizes given, uninitialised, or of the data, if that is all."

    def __or__(self, other: Any) -> Any:
        """Return the type that annotations such as `LongTensor | None` mean."""
        return AbstractTensor | other

    __ror__ = __or__

    def __call__(self, *args: Any, device: Device | None = None) -> Tensor:
        return legacy(args, self.dtype, device)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, AbstractTensor) and dtype_of(instance) is self.dtype

    def __repr__(self) -> str:
        return f"<class 'torch.{self.name}'>"


def legacy(args: tuple, target: dtype, device: Device | None = None) -> Any:
    """Return what PyTorch's old constructors make: uninitialised memory of the sizes `args`, or the data in the only one.

    A `Size` is a shape; a tuple or list is data.
    """
    if len(args) == 1 and not hasattr(args[0], "__index__") and not isinstance(args[0], Size):
        data = tuple(args[0]) if isinstance(args[0], range) else args[0]
        if isinstance(data, (str, bytes)) or not hasattr(data, "__getitem__"):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        return tensor(data, dtype=target, device=device)
    if len(args) == 1 and isinstance(args[0], (AbstractTensor, np.ndarray)):
        return tensor(args[0], dtype=target, device=device)
    return empty(*(args or (0,)), dtype=target, device=device)


FloatTensor = TypedConstructor(dtypes.float32, "FloatTensor")
DoubleTensor = TypedConstructor(dtypes.float64, "DoubleTensor")
HalfTensor = TypedConstructor(dtypes.float16, "HalfTensor")
IntTensor = TypedConstructor(dtypes.int32, "IntTensor")
LongTensor = TypedConstructor(dtypes.int64, "LongTensor")
ShortTensor = TypedConstructor(dtypes.int16, "ShortTensor")
CharTensor = TypedConstructor(dtypes.int8, "CharTensor")
ByteTensor = TypedConstructor(dtypes.uint8, "ByteTensor")
BoolTensor = TypedConstructor(dtypes.bool_, "BoolTensor")
BFloat16Tensor = TypedConstructor(dtypes.bfloat16, "BFloat16Tensor")
CONSTRUCTORS = (
    FloatTensor,
    DoubleTensor,
    HalfTensor,
    BFloat16Tensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    CharTensor,
    ByteTensor,
    BoolTensor,
)


def _with_dtype(self: AbstractTensor, options: Any) -> Any:
    options.setdefault("device", device_of(self.value))
    return {**options, "dtype": options.get("dtype") or dtype_of(self)}


class CreationMethods(AbstractTensor):
    """The `new_…` methods: tensors that take this one's dtype."""

    def new_zeros(self, *size: int | Sequence[int], **options: Unpack[ShapedOptions]) -> Tensor:
        """Return zeros of the given shape."""
        return creation.zeros(*size, **_with_dtype(self, options))

    def new_ones(self, *size: int | Sequence[int], **options: Unpack[ShapedOptions]) -> Tensor:
        """Return ones of the given shape."""
        return creation.ones(*size, **_with_dtype(self, options))

    def new_empty(self, *size: int | Sequence[int], **options: Unpack[ShapedOptions]) -> Tensor:
        """Return an empty tensor of the given shape."""
        return creation.empty(*size, **_with_dtype(self, options))

    def new_empty_strided(self, size: Sequence[int], stride: Sequence[int], **options: Unpack[Options]) -> Tensor:
        """Return an empty tensor of the given shape and strides."""
        return creation.empty_strided(size, stride, **_with_dtype(self, options))

    def new_full(self, size: int | Sequence[int], fill_value: Number | Tensor, **options: Unpack[Options]) -> Tensor:
        """Return `fill_value` in the given shape."""
        return creation.full(size, fill_value, **_with_dtype(self, options))

    def new_tensor(self, data: Any, **options: Unpack[Options]) -> Tensor:
        """Return a tensor with a copy of `data`."""
        return tensor(data, **_with_dtype(self, options))

    def new(self, *args: Any, device: Device | None = None) -> Tensor:
        """Return a tensor of this dtype: of the given sizes, or with the given data."""
        return legacy(args, dtype_of(self), device)
