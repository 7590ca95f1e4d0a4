"""Nests as JSON: every value that is not plain JSON becomes an object with one key that says what it is.

{"dict": [[key, value], …]}   {"ordered": [[key, value], …]}   {"tuple": […]}   {"size": […]}
{"tensor": name, "dtype": …, "grad": bool, "parameter": bool}
{"float": "nan" | "inf" | "-inf"}   {"complex": [re, im]}   {"bytes": hex}   {"dtype": …}   {"device": …}
"""

from __future__ import annotations

import math
import operator
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.devices import device
from lineal.base.spec import Size
from lineal.core import AbstractTensor
from lineal.nn import Parameter
from lineal.serialization.errors import CheckpointError
from lineal.tensors import from_numpy


class Packer:
    """Turns a nest into JSON and collects its tensors' arrays under their paths."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.names: dict[int, str] = {}
        self.open: set[int] = set()

    def pack(self, value: Any, path: tuple) -> Any:
        """Return the JSON of `value`, which stands at `path` in the nest."""
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            value = value.item()
        if value is None or isinstance(value, (bool, str)) or type(value) is int:
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"float": repr(float(value))}
        if isinstance(value, AbstractTensor):
            return self.pack_tensor(value, path)
        if isinstance(value, complex):
            return {"complex": [self.pack(value.real, path), self.pack(value.imag, path)]}
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        if isinstance(value, dtypes.dtype):
            return {"dtype": value.name}
        if isinstance(value, device):
            return {"device": str(value)}
        if id(value) in self.open:
            raise ValueError(f"save: {place(path)} contains itself")
        self.open.add(id(value))
        packed = self.pack_container(value, path)
        self.open.remove(id(value))
        return packed

    def pack_container(self, value: Any, path: tuple) -> Any:
        """Return the JSON of a list, tuple or dict; TypeError for everything that cannot be stored."""
        if isinstance(value, dict):
            pairs = [[self.pack_key(key, path), self.pack(each, (*path, key))] for key, each in value.items()]
            return {"ordered" if isinstance(value, OrderedDict) else "dict": pairs}
        if type(value) in (list, tuple, Size):
            entries = [self.pack(each, (*path, index)) for index, each in enumerate(value)]
            return entries if type(value) is list else {type(value).__name__.lower(): entries}
        raise unstorable(value, path)

    def pack_key(self, key: Any, path: tuple) -> Any:
        """Return the JSON of a dict's key, which must be hashable after loading too."""
        if isinstance(key, (AbstractTensor, list, dict)):
            raise TypeError(f"save: expected plain keys, got {type(key).__name__} as a key of {place(path)}")
        return self.pack(key, (*path, key))

    def pack_tensor(self, value: Any, path: tuple) -> dict[str, Any]:
        """Return the JSON of a tensor and keep its array, once for each tensor object."""
        name = self.names.get(id(value))
        if name is None:
            name = self.names[id(value)] = self.unused(path)
            array = np.ascontiguousarray(value.detach().numpy()).reshape(value.shape)
            self.arrays[name] = as_real_pairs(array) if array.dtype.kind == "c" else array
        return {
            "tensor": name,
            "dtype": value.dtype.name,
            "grad": bool(value.requires_grad),
            "parameter": isinstance(value, Parameter),
        }

    def unused(self, path: tuple) -> str:
        """Return a name for the tensor at `path` that no other tensor has."""
        plain = ".".join(map(str, path)).encode("utf-8", "replace").decode() or "value"
        name, count = plain, 1
        while name in self.arrays or name == "__metadata__":
            count += 1
            name = f"{plain}#{count}"
        return name


def as_real_pairs(array: np.ndarray) -> np.ndarray:
    """Return a complex array as a real one with a last dimension of size 2."""
    return array.reshape(*array.shape, 1).view(np.real(array).dtype)


def place(path: tuple) -> str:
    """Return a path as Python would write it: obj['model'][0]."""
    return "obj" + "".join(f"[{key!r}]" for key in path)


def unstorable(value: Any, path: tuple) -> TypeError:
    """Return the error that names an object that no file can hold, and its place."""
    instead = "; save its state_dict() instead" if hasattr(value, "state_dict") else ""
    return TypeError(
        f"save: expected tensors, dicts, lists, tuples and plain values, got {type(value).__name__} at {place(path)}{instead}"
    )


def pack(value: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """Return the JSON tree of a nest and the arrays of its tensors by name."""
    packer = Packer()
    try:
        return packer.pack(value, ()), packer.arrays
    except RecursionError:
        raise ValueError("save: the object is nested too deeply") from None


class Unpacker:
    """Turns JSON and arrays back into the nest."""

    def __init__(self, arrays: dict[str, np.ndarray]):
        self.arrays = arrays
        self.tensors: dict[tuple, Any] = {}

    def unpack(self, packed: Any) -> Any:
        """Return the value that `packed` stands for."""
        if isinstance(packed, list):
            return [self.unpack(each) for each in packed]
        if not isinstance(packed, dict):
            return packed
        if "tensor" in packed:
            return self.tensor(packed["tensor"], packed["dtype"], packed["grad"], packed["parameter"])
        ((kind, content),) = packed.items()
        return READERS[kind](self, content)

    def tensor(self, name: str, dtype: str, grad: bool, parameter: bool) -> Any:
        """Return a stored tensor; the same object each time it is asked for."""
        key = (name, parameter)
        if key not in self.tensors:
            storage = dtypes.named(dtype).numpy
            array = self.arrays[name]
            if storage.kind == "c":
                array = array.view(storage).reshape(array.shape[:-1])
            if array.dtype != storage:
                raise ValueError(f"tensor {name!r} should be {dtype}, but is {array.dtype}")
            made = from_numpy(array)
            self.tensors[key] = Parameter(made, grad) if parameter else made.requires_grad_(grad) if grad else made
        return self.tensors[key]

    def pairs(self, packed: list) -> list[tuple[Any, Any]]:
        """Return the entries of a dict."""
        return [(self.unpack(key), self.unpack(each)) for key, each in packed]


READERS: dict[str, Callable[[Unpacker, Any], Any]] = {
    "dict": lambda unpacker, pairs: dict(unpacker.pairs(pairs)),
    "ordered": lambda unpacker, pairs: OrderedDict(unpacker.pairs(pairs)),
    "tuple": lambda unpacker, entries: tuple(unpacker.unpack(entries)),
    "size": lambda unpacker, entries: Size(map(operator.index, entries)),
    "float": lambda unpacker, text: float(text),
    "complex": lambda unpacker, parts: complex(*unpacker.unpack(parts)),
    "bytes": lambda unpacker, text: bytes.fromhex(text),
    "dtype": lambda unpacker, name: dtypes.named(name),
    "device": lambda unpacker, name: device(name),
}
"""What stands for a value of each kind."""


def unpack(packed: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """Return the nest; CheckpointError names the file `name` if its tree makes no sense."""
    try:
        return Unpacker(arrays).unpack(packed)
    except MemoryError:
        raise
    except Exception as error:
        # only lineal's own code runs here: whatever it says, the file does not say what a nest is
        raise CheckpointError(f"load: {name} is damaged: {error!r}") from error
