"""Memory as elements of a dtype: `TypedStorage`, and PyTorch's old classes of it, one per dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from lineal.base import dtypes
from lineal.base.devices import CPU, device
from lineal.base.signatures import Device, DType
from lineal.core.precision import widened
from lineal.tensors.storages import UntypedStorage, listed, untyped_storage

__all__ = [
    "BFloat16Storage",
    "BoolStorage",
    "ByteStorage",
    "CharStorage",
    "ComplexDoubleStorage",
    "ComplexFloatStorage",
    "DoubleStorage",
    "FloatStorage",
    "HalfStorage",
    "IntStorage",
    "LongStorage",
    "ShortStorage",
    "TypedStorage",
]


def from_python(data: Any, dtype: dtypes.dtype) -> UntypedStorage:
    """Return memory for so many elements of a dtype, or of the elements of a sequence."""
    if isinstance(data, int):
        return UntypedStorage(data * dtype.itemsize)
    return UntypedStorage(np.asarray(list(data), dtype.numpy))


def converter(target: dtypes.dtype) -> Callable[[Any], TypedStorage]:
    """Return the method that converts to `target`."""
    return lambda self: self.converted(target)


class StorageConversions:
    """The methods of a typed storage that give its numbers as another dtype."""

    double, float = converter(dtypes.float64), converter(dtypes.float32)
    half, bfloat16 = converter(dtypes.float16), converter(dtypes.bfloat16)
    long, int, short = converter(dtypes.int64), converter(dtypes.int32), converter(dtypes.int16)
    char, byte, bool = converter(dtypes.int8), converter(dtypes.uint8), converter(dtypes.bool_)
    complex_float, complex_double = converter(dtypes.complex64), converter(dtypes.complex128)


class TypedStorage(StorageConversions):
    """The memory that a tensor lies in, as elements of the tensor's dtype.

    `TypedStorage(3, dtype=…)` has 3 elements that nobody has written, `TypedStorage([1, 2], dtype=…)` these.
    """

    is_sparse = False

    def __init__(
        self,
        *args: Any,
        wrap_storage: UntypedStorage | None = None,
        dtype: DType | None = None,
        device: Device | None = None,
        _internal: bool = False,
    ):
        if wrap_storage is not None and (args or dtype is None):
            raise RuntimeError("TypedStorage: Arguments: wrap_storage goes with a dtype, and with no sizes or sequence")
        self.dtype = dtypes.as_dtype(dtypes.float32 if dtype is None else dtype)
        self._untyped_storage = from_python(args[0] if args else 0, self.dtype) if wrap_storage is None else wrap_storage

    @classmethod
    def from_file(cls, filename: Any, shared: bool, size: int, *, dtype: DType) -> TypedStorage:
        """Return `size` elements of a file; as `UntypedStorage.from_file`."""
        target = dtypes.as_dtype(dtype)
        return cls(wrap_storage=UntypedStorage.from_file(filename, shared, size * target.itemsize), dtype=target)

    @property
    def device(self) -> device:
        """Where the memory is."""
        return self._untyped_storage.device

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is a CUDA device's."""
        return self._untyped_storage.is_cuda

    @property
    def filename(self) -> str | None:
        """The file that the memory is, if it is a shared one."""
        return self._untyped_storage.filename

    @property
    def _cdata(self) -> int:
        return self._untyped_storage._cdata

    def untyped(self) -> UntypedStorage:
        """Return the same memory as bytes."""
        return self._untyped_storage

    def elements(self) -> np.ndarray:
        """Return the memory as an array."""
        return self._untyped_storage.elements(self.dtype)

    def data_ptr(self) -> int:
        """Return the address of the first element, 0 if there is none."""
        return self._untyped_storage.data_ptr()

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.dtype.itemsize

    def size(self) -> int:
        """Return the number of elements."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def get_device(self) -> int:
        """Return the index of the device, -1 for the CPU."""
        return -1 if self.device == CPU else self.device.index or 0

    def resizable(self) -> bool:
        """Return whether the memory may grow."""
        return self._untyped_storage.resizable()

    def is_shared(self) -> bool:
        """Return whether other processes may see this memory."""
        return self._untyped_storage.is_shared()

    def is_pinned(self, device: Any = "cuda") -> bool:
        """Return whether the memory is kept where a device can read it: never."""
        return False

    def resize_(self, size: int) -> None:
        """Let the memory have so many elements; as `UntypedStorage.resize_`."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)

    def share_memory_(self) -> Self:
        """Move the memory to where other processes see it."""
        self._untyped_storage.share_memory_()
        return self

    def pin_memory(self, device: Any = "cuda") -> Self:
        """Return the storage itself; page-locked memory has no use without a GPU."""
        return self

    def cpu(self) -> Self:
        """Return the storage itself, whose elements are in the host's memory."""
        return self

    def clone(self) -> TypedStorage:
        """Return the same elements in memory of their own."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Self:
        """Write the bytes of another storage, of as many."""
        self._untyped_storage.copy_(source)
        return self

    def fill_(self, value: Any) -> Self:
        """Write one number into all of the memory."""
        self.elements()[...] = value
        return self

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Return the name of the storage's type; or a storage of another type, by its name, with the same numbers."""
        if dtype is None:
            return f"torch.{self.pickle_storage_type()}"
        name = dtype.name if isinstance(dtype, StorageConstructor) else str(dtype).removeprefix("torch.")
        found = next((each for each in dtypes.ALL if storage_name(each) == name), None)
        if found is None:
            raise ValueError(f"type: invalid type: {dtype!r}")
        return self.converted(found)

    def pickle_storage_type(self) -> str:
        """Return the name of the storage's type in files."""
        return storage_name(self.dtype)

    def converted(self, target: dtypes.dtype) -> TypedStorage:
        """Return the numbers as another dtype."""
        made = self.elements().astype(target.numpy)
        return TypedStorage(wrap_storage=UntypedStorage(made), dtype=target)

    def tolist(self) -> list[Any]:
        """Return the elements as numbers of Python's."""
        return widened(self.elements()).tolist()

    def __getitem__(self, place: int) -> Any:
        if isinstance(place, slice):
            raise RuntimeError("storage: slices are only supported in UntypedStorage.__getitem__")
        return widened(self.elements())[place].item()

    def __setitem__(self, place: Any, number: Any) -> None:
        self.elements()[place] = number

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and self._untyped_storage == other._untyped_storage

    def __hash__(self) -> int:
        return hash(self._untyped_storage)

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict) -> TypedStorage:
        return memo.setdefault(id(self), self.clone())

    def __reduce__(self) -> tuple:
        return typed, (self._untyped_storage, self.dtype)

    def __repr__(self) -> str:
        return listed(self, f"TypedStorage(dtype={self.dtype}, device={self.device})")


def typed(storage: UntypedStorage, dtype: dtypes.dtype) -> TypedStorage:
    """Return memory as elements of a dtype."""
    return TypedStorage(wrap_storage=storage, dtype=dtype)


def storage_name(dtype: dtypes.dtype) -> str:
    """Return the name of PyTorch's old class of storages of a dtype."""
    return dtype.constructor.replace("Tensor", "Storage")


class StorageConstructor:
    """`FloatStorage(3)`, `FloatStorage([1, 2])`: PyTorch's old classes of storages, one per dtype."""

    def __init__(self, target: dtypes.dtype):
        self.dtype = target
        self.name = storage_name(target)
        self.__doc__ = f"Return memory for so many elements of {target}, or of the elements that are given."

    def __call__(self, *args: Any, wrap_storage: UntypedStorage | None = None, device: Device | None = None) -> TypedStorage:
        return TypedStorage(*args, wrap_storage=wrap_storage, dtype=self.dtype, device=device)

    def from_file(self, filename: Any, shared: bool, size: int) -> TypedStorage:
        """Return `size` elements of a file; as `UntypedStorage.from_file`."""
        return TypedStorage.from_file(filename, shared, size, dtype=self.dtype)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class 'torch.{self.name}'>"


DoubleStorage, FloatStorage = StorageConstructor(dtypes.float64), StorageConstructor(dtypes.float32)
HalfStorage, BFloat16Storage = StorageConstructor(dtypes.float16), StorageConstructor(dtypes.bfloat16)
LongStorage, IntStorage = StorageConstructor(dtypes.int64), StorageConstructor(dtypes.int32)
ShortStorage, CharStorage = StorageConstructor(dtypes.int16), StorageConstructor(dtypes.int8)
ByteStorage, BoolStorage = StorageConstructor(dtypes.uint8), StorageConstructor(dtypes.bool_)
ComplexFloatStorage, ComplexDoubleStorage = StorageConstructor(dtypes.complex64), StorageConstructor(dtypes.complex128)


def storage(self: Any) -> TypedStorage:
    """Return the memory that the tensor lies in, as elements of its dtype."""
    return TypedStorage(wrap_storage=untyped_storage(self), dtype=self.dtype)
