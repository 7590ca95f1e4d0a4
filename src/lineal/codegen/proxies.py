"""Arrays that watch what is done to them: they stand for NumPy's in a kernel that is recorded (`codegen/steps.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

if TYPE_CHECKING:
    from lineal.codegen.steps import Recording

__all__ = ["Block", "Proxy", "UnwritableError", "constant", "leading", "same_place"]


class UnwritableError(NotImplementedError):
    """A kernel does what no plan can say."""


class Block:
    """Memory that steps read and write: that of the argument or result `place`, of a constant, or what is new and between."""

    __slots__ = ("new", "place", "value")

    def __init__(self, value: np.ndarray, new: bool, place: int | None = None):
        self.value, self.new, self.place = value, new, place


class Proxy(NDArrayOperatorsMixin):
    """Stands for an array in a kernel that is recorded: a view of a block."""

    __slots__ = ("block", "recording", "value")
    # kernels ask for the class to tell NumPy's arrays from those of other devices, and are to go the same way
    __class__ = property(lambda self: np.ndarray)  # type: ignore[assignment]
    shape, dtype, ndim, size, itemsize, strides, flags = (
        property(lambda self, name=name: getattr(self.value, name))
        for name in ("shape", "dtype", "ndim", "size", "itemsize", "strides", "flags")
    )

    def __init__(self, recording: Recording, value: np.ndarray, block: Block):
        self.recording, self.value, self.block = recording, value, block

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if function is np.add and method == "at":
            return self.recording.placed("add", *inputs)
        return self.recording.called(function, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, given: tuple, options: dict) -> Proxy:
        if function is np.where and len(given) == 3 and not options:
            return self.recording.selected(*given)
        if function in (np.argmax, np.argmin) and len(given) == 1:
            return self.recording.extreme(function.__name__, *given, **options)
        if function is np.argsort and len(given) == 1 and options.pop("kind", None) == "stable":
            return self.recording.ordered(*given, **options)
        if function is np.take and len(given) == 3:
            return self.recording.sliced(*given)
        if function is np.take:
            return self.recording.named(*given, **options) if options else given[0].take(*given[1:])
        if function is np.full_like:
            return self.recording.filled(*given, **options)
        if function is np.broadcast_to and type(given[0]) is Proxy:
            return self.view_of(np.broadcast_to(self.value, given[-1]))
        if function is np.flip and len(given) == 2:
            return self.view_of(np.flip(self.value, given[1]))
        if function is np.take_along_axis and not options:
            return self.recording.gathered(*given)
        if function is np.concatenate and not options:
            return self.recording.joined(*given)
        raise UnwritableError(function.__name__)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        # what asks may be code that does not expect an error: f2py loses count of references then
        self.recording.left = True
        return np.array(self.value, dtype)

    def __bool__(self) -> bool:
        return self.recording.decided(self)

    def __int__(self) -> int:
        raise UnwritableError("a number")

    __index__ = __len__ = __iter__ = __int__  # type: ignore[assignment]

    def __float__(self) -> float:
        return self.recording.read(self)

    def __getitem__(self, key: Any) -> Proxy:
        keys: tuple[Any, ...] = key if type(key) is tuple else (key,)
        if len(keys) == self.ndim == 2 and type(keys[1]) is Proxy:
            return self.recording.picked(self, *keys)
        axes = [axis for axis, each in enumerate(keys) if isinstance(each, np.ndarray)]
        if axes and constant(keys[axes[-1]]) and all(isinstance(each, slice) for each in keys[:-1]):
            return self.recording.taken(self, keys)
        if not all(each is None or each is Ellipsis or isinstance(each, (slice, int)) for each in keys):
            raise UnwritableError("an index")
        found = self.value[key]
        if not isinstance(found, np.ndarray):
            raise UnwritableError("a number")
        return self.view_of(found)

    def __setitem__(self, key: Any, given: Any) -> None:
        if type(key) is Proxy:
            self.recording.placed("put", self, key, given)
            return
        if not all(each is Ellipsis or isinstance(each, slice) for each in (key if type(key) is tuple else (key,))):
            raise UnwritableError("an index")
        y = self.recording.target(self.view_of(self.value[key]))
        if type(given) is not Proxy or given.block is not y.block or not same_place(given, y):
            self.recording.put(given, y)

    def take(self, index: Any) -> Proxy:
        """Return numbers at places of the flattened array."""
        if type(index) is not Proxy or index.dtype != np.int64:
            raise UnwritableError("places")
        flat = self.reshape(-1)
        y = self.recording.made(self.value.take(index.value))
        self.recording.taking(flat[:1], flat, index, y, 0)
        return y

    def view(self, storage: Any) -> Proxy:
        """Return the bytes of the numbers as numbers of another dtype."""
        return self.view_of(self.value.view(storage))

    def max(self, axis: Any = None, initial: Any = None) -> Any:
        """Return the largest numbers; with `initial`, at least that."""
        found = np.maximum.reduce(self, axis=axis)
        return found if initial is None else np.maximum(found, initial)

    def any(self) -> Any:
        """Return whether one is true."""
        return np.logical_or.reduce(self, axis=None)

    def all(self) -> Any:
        """Return whether all are true."""
        return np.logical_and.reduce(self, axis=None)

    @property
    def real(self) -> Proxy:
        """The array, which is real."""
        return self

    @property
    def T(self) -> Proxy:
        """The array with its axes in the opposite order."""
        return self.view_of(self.value.T)

    @property
    def mT(self) -> Proxy:
        """The array with its last two axes the other way round."""
        return self.view_of(self.value.mT)

    def diagonal(self, *axes: int) -> Proxy:
        """Return the diagonals of two axes."""
        return self.view_of(self.value.diagonal(*axes))

    def conj(self) -> Proxy:
        """Return the array, which is real."""
        return self

    def view_of(self, value: np.ndarray) -> Proxy:
        """Return the proxy of a view of the array."""
        if not np.may_share_memory(value, self.block.value):
            raise UnwritableError("a copy")
        return Proxy(self.recording, value, self.block)

    def reshape(self, *shape: Any) -> Proxy:
        """Return the array with another shape, which must be a view."""
        return self.view_of(self.value.reshape(*shape))

    def transpose(self, *axes: Any) -> Proxy:
        """Return the array with its axes in another order."""
        return self.view_of(self.value.transpose(*axes))

    def squeeze(self, axis: Any = None) -> Proxy:
        """Return the array without axes of size 1."""
        return self.view_of(self.value.squeeze(axis))

    def astype(self, storage: Any, copy: bool = True) -> Proxy:
        """Return the array in another dtype."""
        wanted = np.dtype(storage)
        return self if wanted == self.dtype and not copy else self.recording.cast(self, wanted)

    def copy(self) -> Proxy:
        """Return a copy in C order."""
        return self.recording.copied(self, self.recording.made(self.value.copy()))


def leading(axis: int, ndim: int) -> tuple[slice, ...]:
    """Return the key of what stands first along an axis."""
    return tuple([slice(0, 1) if place == axis % ndim else slice(None) for place in range(ndim)])


def constant(given: Any) -> bool:
    """Return whether something is an array that is always the same: one that cannot be written."""
    return isinstance(given, np.ndarray) and type(given) is not Proxy and not given.flags.writeable


def same_place(x: Proxy, y: Proxy) -> bool:
    """Return whether two views of a block are the same one."""
    return (x.value.ctypes.data, x.shape, x.strides) == (y.value.ctypes.data, y.shape, y.strides)
