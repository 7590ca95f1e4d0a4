"""Exchange with NumPy, buffers and DLPack without copies, both ways."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.devices import as_device, device_of
from lineal.base.platforms import FOREIGN, HOST, moved
from lineal.base.signatures import Device, DType, NDArray, Tensor
from lineal.core import AbstractTensor, lift, modes
from lineal.tensors.capsules import Held, Recoded, Writable, recoded

__all__ = ["from_dlpack", "from_numpy", "frombuffer"]

array_api: Any = later.module("lineal.array_api")
API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
"""The versions of the array API standard, each of which holds the ones before it but for what no program relies upon."""


def from_numpy(ndarray: NDArray[Any]) -> Tensor:
    """Return a tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}")
    dtypes.of(ndarray.dtype)
    if not ndarray.dtype.isnative:
        raise ValueError("from_numpy: expected an array in the machine's byte order; convert it with .astype()")
    if any(step < 0 for step in ndarray.strides):
        raise ValueError("from_numpy: at least one stride of the array is negative; make a copy() of it first")
    if not ndarray.flags.writeable:
        warnings.warn("from_numpy: the array is read-only; writing into the tensor will be refused", UserWarning, stacklevel=2)
    return lift(np.asarray(noticed(ndarray)))


def noticed(array: np.ndarray) -> np.ndarray:
    """Return an array that becomes a tensor's, and let a recorder hear that its numbers come from outside."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.foreign("a tensor is made of an array of NumPy's")
    return dtypes.interned(array)


def frombuffer(buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """Return a one-dimensional tensor over the memory of a Python buffer."""
    value = np.frombuffer(buffer, dtypes.as_dtype(dtype).numpy, count, offset)
    made = lift(noticed(value))
    return made.requires_grad_() if requires_grad else made


def from_dlpack(ext_tensor: Any, *, device: Device | None = None, copy: bool | None = None) -> Tensor:
    """Return a tensor that shares the memory of an object that exports DLPack, or of such an object's capsule.

    With `copy` it has memory of its own; BufferError if `copy` is False and the device asked for is another.
    """
    if isinstance(ext_tensor, AbstractTensor):
        shared: Any = ext_tensor.detach()  # type: ignore[attr-defined]
    else:
        shared = lift(noticed(imported(Held(ext_tensor) if type(ext_tensor).__name__ == "PyCapsule" else ext_tensor)))
    where = shared.device if device is None else as_device(device)
    if copy is False and where != shared.device:
        raise BufferError(f"from_dlpack: from {shared.device} to {where} goes only by a copy")
    return shared.to(where, copy=bool(copy))


def imported(exporter: Any) -> np.ndarray:
    """Return an array over the memory of an object that exports DLPack."""
    another = Recoded(exporter)
    found = np.from_dlpack(another)
    if another.mute and found.size:
        found = np.asarray(Writable(found))
    return found if another.dtype is None else found.view(another.dtype.numpy)


def array_like(data: Any) -> np.ndarray:
    """Return the array of an object that offers NumPy one, or by DLPack where it cannot, as torch's bfloat16."""
    try:
        return np.asarray(data)
    except TypeError:
        if not hasattr(data, "__dlpack__"):
            raise
        return imported(data)


class InteropMethods(AbstractTensor):
    """How other libraries see a tensor."""

    __array_priority__ = 1000

    def numpy(self, *, force: bool = False) -> NDArray[Any]:
        """Return the NumPy array that shares this tensor's memory; one that requires grad is refused where ops remember.

        So is one on another device, unless `force`, which copies it.
        """
        if self.value.__class__ in FOREIGN:
            if not force:
                raise TypeError(f"numpy: can't convert a tensor on {device_of(self.value)} to NumPy; copy it with cpu() first")
            return moved(self.value, HOST)
        if self.node is not None and not force and modes.grad_enabled.get():
            raise RuntimeError("numpy: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        listener = modes.recorder.get()
        if listener is not None:
            listener.concretize(self, np.ndarray)
        return self.value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        value = self.numpy()
        if dtype is not None and value.dtype != dtype:
            if copy is False:
                raise ValueError(f"__array__: a copy is needed to go from {value.dtype} to {np.dtype(dtype)}")
            return value.astype(dtype)
        return value.copy() if copy else value

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Tensor:
        return lift(np.asarray(array))

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        if self.node is not None:
            raise BufferError("__dlpack__: Can't export tensors that require gradient, use tensor.detach()")
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(f"__dlpack__: unsupported device {tuple(dl_device)}, expected {self.__dlpack_device__()}")
        given = {"max_version": max_version, "dl_device": dl_device, "copy": copy}
        options = {name: each for name, each in given.items() if each is not None}
        own = dtypes.of(self.value.dtype)
        if own.extension:
            return recoded(self.value.view(f"u{own.itemsize}").__dlpack__(stream=stream, **options), own.dlpack)
        return self.value.__dlpack__(stream=stream, **options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.value.__dlpack_device__()

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        if api_version is not None and api_version not in API_VERSIONS:
            raise ValueError(
                f"__array_namespace__: expected one of the versions {', '.join(API_VERSIONS)}, got {api_version!r}"
            )
        return later.loaded(array_api)
