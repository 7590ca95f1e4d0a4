"""What the names in a file of PyTorch's may stand for: what `torch.load` takes with `weights_only=True`, and what users add."""

from __future__ import annotations

import contextlib
import operator
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes
from lineal.base.devices import device
from lineal.base.spec import Size
from lineal.nn import Parameter
from lineal.serialization.arrays import ARRAY_NAMES, fill_array
from lineal.serialization.errors import UnpicklingError
from lineal.serialization.objects import found, is_creatable
from lineal.serialization.rebuilding import REBUILDERS, attributes
from lineal.serialization.unpickling import plain
from lineal.tensors import Tensor, sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr, strided

__all__ = ["Allowed", "StorageType", "add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

BLOCKED = ("sys", "os", "posix", "nt")
"""Modules of which nothing is called, whoever allows it."""


class StorageType(NamedTuple):
    """The class of a storage, by the dtype of its numbers; None for mere bytes."""

    name: str
    dtype: dtypes.dtype | None


def encoded(text: str, encoding: str) -> bytes:
    """Return the bytes that protocol 2 writes as text."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError(f"bytes of {type(text).__name__} in {encoding!r}")
    return text.encode("latin1")


def pairs(entries: Any = ()) -> list[tuple[Any, Any]]:
    """Return the entries of a dict that is given as a list of pairs, or as a dict."""
    return [(plain(key), value) for key, value in (entries.items() if isinstance(entries, dict) else entries)]


def byte_array(*given: Any) -> bytearray:
    """Return bytes that can be changed: of bytes, or of text, not of a length."""
    return bytearray(given[0] if len(given) == 1 and isinstance(given[0], bytes) else encoded(*given) if given else b"")


LAYOUTS = {repr(each): each for each in (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)}


def layout_of(name: str) -> Any:
    """Return the layout of a name."""
    if name not in LAYOUTS:
        raise ValueError(f"the layout {name!r}, which lineal does not have")
    return LAYOUTS[name]


def members(items: Any = ()) -> set[Any]:
    """Return a set of what may be a key."""
    if not isinstance(items, (list, tuple)):
        raise ValueError(f"a set of {type(items).__name__}")
    return {plain(each) for each in items}


CALLED: dict[Any, Callable[..., Any]] = {
    OrderedDict: lambda *given: OrderedDict(pairs(*given)),
    Counter: lambda *given: Counter(dict(pairs(*given))),
    set: members,
    bytearray: byte_array,
    complex: lambda real, imaginary: complex(float(real), float(imaginary)),
    Size: lambda sizes: Size(map(operator.index, sizes)),
    device: device,
    encoded: encoded,
    layout_of: layout_of,
    **{each: each for each in REBUILDERS.values()},
}
"""What may be called, and what is called then."""
QUANTISED = tuple(f"{each}Storage" for each in ("QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4"))
NAMES: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.bytearray": bytearray,
    "builtins.complex": complex,
    "_codecs.encode": encoded,
    "torch.Size": Size,
    "torch.Tensor": Tensor,
    "torch.device": device,
    "torch.nn.parameter.Parameter": Parameter,
    "torch.serialization._get_layout": layout_of,
    "torch.storage.UntypedStorage": StorageType("UntypedStorage", None),
    **{f"torch.{each.name}": each for each in dtypes.ALL},
    **{
        f"torch.{name}": StorageType(name, each)
        for each in dtypes.ALL
        if (name := each.constructor.replace("Tensor", "Storage")) and each.rank
    },
    **REBUILDERS,
}
"""What the names stand for."""


class Added:
    """What users trust besides: classes and functions, or pairs of one and its full name."""

    things: list[Any] = []


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Let `load` make objects of these classes, call these functions; or of pairs, whose second part is the name in files."""
    Added.things = [*Added.things, *safe_globals]


def get_safe_globals() -> list[Any]:
    """Return what `add_safe_globals` added."""
    return [*Added.things]


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` added."""
    Added.things = []


@contextlib.contextmanager
def safe_globals(safe_globals: Sequence[Any]) -> Iterator[None]:
    """Let `load` use these classes and functions within a block."""
    before = Added.things
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        Added.things = before


def named(thing: Any) -> tuple[str, Any]:
    """Return the full name of what users trust, and the thing."""
    if isinstance(thing, tuple):
        return thing[1], thing[0]
    return f"{thing.__module__}.{thing.__qualname__}", thing


class Allowed:
    """The names that one file may use: `NAMES`, and what users had added when its loading began.

    With `objects`, also NumPy's arrays, and the classes of modules and plain objects that the program has imported.
    """

    def __init__(self, objects: bool = False) -> None:
        self.trusted, self.objects = dict(map(named, Added.things)), objects

    def knows(self, name: str) -> bool:
        """Return whether a name is allowed."""
        if name.partition(".")[0] in BLOCKED:
            return False
        known = name in NAMES or name in self.trusted
        return known or (self.objects and (name in ARRAY_NAMES or found(name) is not None))

    def find(self, name: str) -> Any:
        """Return what a full name stands for; UnpicklingError if it is not allowed."""
        if not self.knows(name):
            raise UnpicklingError(refusal(name))
        for table in (NAMES, self.trusted, ARRAY_NAMES):
            if name in table:
                return table[name]
        return found(name)

    def trusts(self, thing: Any) -> bool:
        """Return whether users have added this."""
        return any(each is thing for each in self.trusted.values())

    def call(self, function: Any, arguments: Any) -> Any:
        """Return what a function makes of arguments."""
        if not isinstance(arguments, tuple):
            raise ValueError(f"a call with {type(arguments).__name__}")
        if self.trusts(function):
            return function(*arguments)
        if self.objects and function in ARRAY_NAMES.values():
            return function(*arguments)
        try:
            made = CALLED.get(function)
        except TypeError:
            made = None
        if made is None:
            raise UnpicklingError(f"it calls {getattr(function, '__name__', type(function).__name__)}, which is no function")
        return made(*arguments)

    def create(self, cls: Any, arguments: Any) -> Any:
        """Return a new object of a class that users have added; of those known, what a call makes."""
        if self.trusts(cls) and isinstance(cls, type) and isinstance(arguments, tuple):
            return cls.__new__(cls, *arguments)
        if self.objects and arguments == () and is_creatable(cls):
            return object.__new__(cls)
        return self.call(cls, arguments)

    def fill(self, thing: Any, state: Any) -> None:
        """Give an object its state: by `__setstate__` if users have added its class, else new attributes."""
        if self.trusts(type(thing)) or (self.objects and is_creatable(type(thing))):
            if hasattr(thing, "__setstate__"):
                thing.__setstate__(state)
                return
            for each in state if isinstance(state, tuple) else (state,):
                for key, value in (each or {}).items():
                    setattr(thing, key, value)
            return
        if self.objects and isinstance(thing, (np.ndarray, np.dtype)):
            fill_array(thing, state)
            return
        if type(thing) is not OrderedDict:
            raise ValueError(f"a state for {type(thing).__name__}")
        attributes(thing, state)


def refusal(name: str) -> str:
    """Return why a name is refused, and what can be done."""
    if name.removeprefix("torch.") in QUANTISED or name.startswith(("torch.q", "torch.sparse", "torch.per_")):
        return f"it needs {name}, which lineal does not have"
    short = name.removeprefix("builtins.")
    return (
        f"Unsupported global: GLOBAL {short} was not an allowed global by default: loading never runs the code of a file. Save "
        f"tensors, dicts, lists and plain values (a state_dict) instead, or, if you trust it, allow it by "
        f"serialization.add_safe_globals([{short}]); weights_only=False takes whole modules and plain objects whose classes "
        f"the program has imported"
    )
