"""Writing a nest as PyTorch's zip files hold it: a pickle of protocol 2, and beside it the storages that it names.

The instructions are written one by one, so that nothing can come out but what `torch.load` takes with `weights_only=True`, and
whole modules and plain objects, which it takes with `weights_only=False`. What a file cannot hold is refused with its place in
the nest.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.devices import device
from lineal.base.layouts import steps
from lineal.base.spec import Size
from lineal.core import AbstractTensor
from lineal.nn import Parameter
from lineal.ops.layout import address, block
from lineal.serialization.allowed import get_safe_globals
from lineal.serialization.arrays import is_storable, reduced
from lineal.serialization.nesting import place, unstorable
from lineal.serialization.objects import global_name, is_plain, state_of
from lineal.tensors import Layout, strided

__all__ = ["NestPickler", "pickled"]

storing: Any = later.module("lineal.sparse.storing")

NEWER = frozenset("uint16 uint32 uint64 float8_e4m3fn float8_e5m2".split())
"""The dtypes that have no class of storages of their own."""
LONGEST_NUMBER = 255
"""The bytes of the largest whole number that `torch.load` takes."""
KEYS = (bool, int, float, complex, str, bytes, tuple, dtypes.dtype, device, type(None))


class Instructions:
    """The code of a pickle while it is written; what occurs twice is written once."""

    def __init__(self) -> None:
        self.code: bytearray = bytearray(pickle.PROTO + b"\x02")
        self.memo: dict[Any, int] = {}

    def known(self, key: Any) -> bool:
        """Write what is known by a key; return whether it is known."""
        found = self.memo.get(key)
        if found is None:
            return False
        short = found < 1 << 8
        self.code += pickle.BINGET + struct.pack("<B", found) if short else pickle.LONG_BINGET + struct.pack("<I", found)
        return True

    def remember(self, key: Any) -> None:
        """Let what was written last be known by a key."""
        found = self.memo[key] = len(self.memo)
        short = found < 1 << 8
        self.code += pickle.BINPUT + struct.pack("<B", found) if short else pickle.LONG_BINPUT + struct.pack("<I", found)

    def whole(self, number: int) -> None:
        """Write a whole number."""
        if 0 <= number < 1 << 8:
            self.code += pickle.BININT1 + struct.pack("<B", number)
        elif -(1 << 31) <= number < 1 << 31:
            self.code += pickle.BININT + struct.pack("<i", number)
        else:
            data = pickle.encode_long(number)
            if len(data) > LONGEST_NUMBER:
                raise ValueError(f"save: a whole number of {len(data)} bytes, and files hold {LONGEST_NUMBER} at most")
            self.code += pickle.LONG1 + struct.pack("<B", len(data)) + data

    def wholes(self, numbers: Iterable[int]) -> None:
        """Write a tuple of whole numbers."""
        self.code += pickle.MARK
        for each in numbers:
            self.whole(each)
        self.code += pickle.TUPLE

    def text(self, text: str) -> None:
        """Write a string."""
        if not self.known(("text", text)):
            data = text.encode("utf-8", "surrogatepass")
            self.code += pickle.BINUNICODE + struct.pack("<I", len(data)) + data
            self.remember(("text", text))

    def truth(self, value: bool) -> None:
        """Write True or False."""
        self.code += pickle.NEWTRUE if value else pickle.NEWFALSE

    def name(self, name: str) -> None:
        """Write what stands for a full name."""
        if not self.known(("name", name)):
            module, _, short = name.rpartition(".")
            self.code += pickle.GLOBAL + f"{module}\n{short}\n".encode()
            self.remember(("name", name))

    def empty(self, name: str) -> None:
        """Write a call of what has a name, without arguments."""
        self.name(name)
        self.code += pickle.EMPTY_TUPLE + pickle.REDUCE


class NestPickler(Instructions):
    """Writes one nest; `storages` are then the arrays that its tensors lie in, in the order of their keys."""

    def __init__(self) -> None:
        super().__init__()
        self.storages: list[np.ndarray] = []
        self.places: dict[tuple[int, int], int] = {}
        """Which storage an address and a number of bytes are."""
        self.alive: list[Any] = []
        """What was written, so that no other object has its identity."""
        self.open: set[int] = set()

    def write(self, value: Any, path: tuple) -> None:
        """Write the value that stands at `path` in the nest; TypeError if files cannot hold it, ValueError if it has no end."""
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            value = value.item()
        if value is None:
            self.code += pickle.NONE
        elif isinstance(value, bool):
            self.truth(value)
        elif type(value) is int:
            self.whole(value)
        elif isinstance(value, float):
            self.code += pickle.BINFLOAT + struct.pack(">d", value)
        elif isinstance(value, str):
            self.text(str(value))
        elif isinstance(value, dtypes.dtype):
            self.name(f"torch.{value.name}")
        elif not self.known(id(value)):
            if id(value) in self.open:
                raise ValueError(f"save: {place(path)} contains itself")
            self.open.add(id(value))
            self.compound(value, path)
            self.open.remove(id(value))
            self.alive.append(value)
            if id(value) not in self.memo:
                self.remember(id(value))

    def compound(self, value: Any, path: tuple) -> None:
        """Write what consists of others."""
        if isinstance(value, Parameter):
            self.call("torch._utils._rebuild_parameter", [value.detach(), bool(value.requires_grad), OrderedDict()], path)
        elif isinstance(value, AbstractTensor) and value.layout is not strided:  # type: ignore[attr-defined]
            self.call("torch._utils._rebuild_sparse_tensor", [value.layout, storing.parted(value)], path)  # type: ignore[attr-defined]
        elif isinstance(value, AbstractTensor):
            self.tensor(value)
        elif isinstance(value, dict):
            self.dictionary(value, path)
        elif type(value) is list:
            self.code += pickle.EMPTY_LIST + pickle.MARK
            self.several(value, path)
            self.code += pickle.APPENDS
        elif type(value) is tuple:
            self.code += pickle.MARK
            self.several(value, path)
            self.code += pickle.TUPLE
        elif type(value) in get_safe_globals() and is_plain(type(value)):
            self.whole_object(value, dict(vars(value)), path)
        elif (state := state_of(value)) is not None:
            self.whole_object(value, state, path)
        elif (name := global_name(value)) is not None:
            self.name(name)
        elif is_storable(value):
            name, arguments, state = reduced(value)
            self.call(name, arguments, path)
            self.alive.append(state)
            self.write(state, path)
            self.code += pickle.BUILD
        else:
            self.call(*parts(value, path), path)

    def whole_object(self, value: Any, state: dict[str, Any], path: tuple) -> None:
        """Write an object by the name of its class and its attributes; TypeError if the class is not found by its name."""
        name = global_name(type(value))
        if name is None:
            raise unstorable(value, path)
        self.name(name)
        self.code += pickle.EMPTY_TUPLE + pickle.NEWOBJ
        # what it holds may hold it
        self.remember(id(value))
        self.alive.append(state)
        self.write(state, path)
        self.code += pickle.BUILD

    def several(self, values: Iterable[Any], path: tuple) -> None:
        """Write values one after another."""
        for index, each in enumerate(values):
            self.write(each, (*path, index))

    def call(self, name: str, arguments: list[Any], path: tuple) -> None:
        """Write a call of what has a name."""
        self.name(name)
        self.code += pickle.MARK
        for each in arguments:
            self.alive.append(each)
            self.write(each, path)
        self.code += pickle.TUPLE + pickle.REDUCE

    def dictionary(self, value: dict, path: tuple) -> None:
        """Write a dict; an OrderedDict with its attributes."""
        if isinstance(value, (OrderedDict, Counter)):
            self.empty(f"collections.{'OrderedDict' if isinstance(value, OrderedDict) else 'Counter'}")
        else:
            self.code += pickle.EMPTY_DICT
        self.code += pickle.MARK
        for key, each in value.items():
            if not isinstance(key, KEYS):
                raise TypeError(f"save: expected plain keys, got {type(key).__name__} as a key of {place(path)}")
            self.write(key, (*path, key))
            self.write(each, (*path, key))
        self.code += pickle.SETITEMS
        if isinstance(value, OrderedDict) and vars(value):
            self.write(dict(vars(value)), path)
            self.code += pickle.BUILD

    def tensor(self, x: Any) -> None:
        """Write a tensor: the storage it lies in, where in it, and how."""
        array = x.detach().numpy(force=True)
        key, first = self.storage(array, x.dtype)
        newer = x.dtype.name in NEWER
        self.name(f"torch._utils._rebuild_tensor_v{3 if newer else 2}")
        self.code += pickle.MARK + pickle.MARK
        self.text("storage")
        self.name("torch.storage.UntypedStorage" if newer else f"torch.{x.dtype.constructor.replace('Tensor', 'Storage')}")
        self.text(str(key))
        self.text("cpu")
        self.whole(self.storages[key].nbytes if newer else self.storages[key].size)
        self.code += pickle.TUPLE + pickle.BINPERSID
        self.whole(first)
        self.wholes(array.shape)
        self.wholes(steps(array))
        self.truth(x.requires_grad)
        self.empty("collections.OrderedDict")
        if newer:
            self.name(f"torch.{x.dtype.name}")
        self.code += pickle.TUPLE + pickle.REDUCE

    def storage(self, array: np.ndarray, dtype: dtypes.dtype) -> tuple[int, int]:
        """Return the key of the storage that an array lies in, entered if it is new, and the offset of the array in it."""
        root, skip = block(array)
        if not root.flags.c_contiguous or root.nbytes % array.itemsize or skip % array.itemsize:
            root, skip = np.array(array, order="C"), 0
        flat = root.reshape(-1).view(array.dtype)
        where = (address(root) if root.nbytes else id(root), root.nbytes)
        if where not in self.places:
            self.places[where] = len(self.storages)
            self.storages.append(flat)
        key = self.places[where]
        if self.storages[key].dtype is not flat.dtype:
            raise RuntimeError(
                "save: Cannot save multiple tensors or storages that view the same data as different types, here "
                f"{dtype} and {dtypes.of(self.storages[key].dtype)}; clone() one of them"
            )
        return key, skip // array.itemsize


def parts(value: Any, path: tuple) -> tuple[str, list[Any]]:
    """Return the name of the function that makes a value, and its arguments; TypeError if a file cannot hold the value."""
    if isinstance(value, bytes):
        return "_codecs.encode", [value.decode("latin1"), "latin1"]
    if isinstance(value, complex):
        return "__builtin__.complex", [value.real, value.imag]
    if type(value) is Size:
        return "torch.Size", [tuple(value)]
    if isinstance(value, device):
        return "torch.device", [value.type] if value.index is None else [value.type, value.index]
    if isinstance(value, Layout):
        return "torch.serialization._get_layout", [repr(value)]
    if type(value) is bytearray:
        return "__builtin__.bytearray", [value.decode("latin1"), "latin-1"]
    if type(value) is set and all(isinstance(each, KEYS) for each in value):
        return "__builtin__.set", [[*value]]
    raise unstorable(value, path)


def pickled(value: Any) -> tuple[bytes, list[np.ndarray]]:
    """Return the pickle of a nest, and the arrays of its storages in the order of their keys."""
    pickler = NestPickler()
    try:
        pickler.write(value, ())
    except RecursionError:
        raise ValueError("save: the object is nested too deeply") from None
    code: bytearray = pickler.code
    return bytes(code + pickle.STOP), pickler.storages
