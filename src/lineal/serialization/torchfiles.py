"""Reading what `torch.save` wrote: the zip files of PyTorch 1.6 and later, and the streams of pickles before them.

Both hold a pickle, which names storages that lie outside of it. Nothing of the file is run (see `unpickling`, `allowed`).
"""

from __future__ import annotations

import enum
import pickletools
import sys
import zlib
from typing import Any, NamedTuple

import numpy as np

from lineal.core import AbstractTensor
from lineal.serialization.allowed import Allowed, StorageType
from lineal.serialization.archives import Record, directory
from lineal.serialization.blocks import Block, MapLocation, Part, native, placed
from lineal.serialization.sources import Held, Mapped, Source, opened
from lineal.serialization.unpickling import Cursor, Unpickler, full_name

__all__ = [
    "LoadEndianness",
    "Options",
    "get_default_load_endianness",
    "get_unsafe_globals_in_checkpoint",
    "is_legacy",
    "read_archive",
    "read_legacy",
    "set_default_load_endianness",
]

MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The number that the streams of pickles begin with, pickled, behind two bytes for the protocol."""
NEWEST_VERSION = 10
"""The newest version of the zip format."""
DEEPEST = 1000
"""How deep a value may be nested."""


class LoadEndianness(enum.Enum):
    """The byte order of files that do not say which they have."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class Endianness:
    """What `set_default_load_endianness` chose."""

    chosen: LoadEndianness | None = None


class Options(NamedTuple):
    """How a file is read: where its tensors go, how strings of Python 2 are decoded, and whether it may hold whole modules."""

    map_location: MapLocation = None
    encoding: str = "utf-8"
    objects: bool = False


def read_archive(source: Source, options: Options) -> Any:
    """Return the value in a zip file; ValueError and its like if it makes no sense."""
    records, root = rooted(source)
    if "constants.pkl" in records:
        raise ValueError("it is a TorchScript archive, which holds code; save the state_dict of the module instead")
    version = content(source, records["version"]) if "version" in records else b"3"
    if not 0 < int(version) <= NEWEST_VERSION:
        raise ValueError(f"it is of version {int(version)} of the format, and {NEWEST_VERSION} is the newest that is known")
    stored = Storages(source, records, order_of(source, records), options)
    cursor = Cursor(Held(f"{root}data.pkl", memoryview(content(source, records["data.pkl"]))))
    return settled(Unpickler(cursor, Allowed(options.objects), stored, options.encoding).load())


def rooted(source: Source) -> tuple[dict[str, Record], str]:
    """Return the records by their names below the one folder that they lie in, and that folder."""
    records = directory(source)
    root = next((name.partition("/")[0] + "/" for name in records if name.count("/") == 1 and name.endswith("/data.pkl")), "")
    if not root or not all(name.startswith(root) for name in records):
        raise ValueError("it is a zip file, but none of torch.save")
    return {name.removeprefix(root): each for name, each in records.items()}, root


def content(source: Source, record: Record) -> bytes:
    """Return the bytes of a small record."""
    data = source.read(record.start, record.size)
    check(data, record)
    return data


def check(data: Any, record: Record) -> None:
    """Refuse the bytes of a record whose checksum is another one; PyTorch writes 0 where it computes none."""
    if record.checksum and zlib.crc32(data) != record.checksum:
        raise ValueError("the checksum of a record does not fit its content")


def order_of(source: Source, records: dict[str, Record]) -> str:
    """Return the byte order of the numbers in a zip file, "little" or "big"."""
    if "byteorder" in records:
        order = content(source, records["byteorder"]).decode()
        if order not in ("little", "big"):
            raise ValueError(f"its byte order is {order!r}")
        return order
    return sys.byteorder if Endianness.chosen in (None, LoadEndianness.NATIVE) else Endianness.chosen.name.lower()


class Storages:
    """Finds the storages that a pickle names among the records of a zip file; each is read once."""

    def __init__(self, source: Source, records: dict[str, Record], order: str, options: Options):
        self.source, self.records, self.order, self.options = source, records, order, options
        self.known: dict[str, Block] = {}

    def __call__(self, named: Any) -> Block:
        kind, key, location, count = understood(named)[:4]
        record = self.records.get(f"data/{key}")
        if record is None:
            raise ValueError(f"its storage {key} is missing")
        if count * (kind.dtype.itemsize if kind.dtype else 1) != record.size:
            raise ValueError(f"its storage {key} of {count} numbers ({kind.name}) has {record.size} bytes")
        if key not in self.known:
            self.known[key] = Block(record.size, kind.dtype, lambda *what: self.fetch(record, location, *what))
        return self.known[key]

    def fetch(self, record: Record, location: str, storage: np.dtype, count: int) -> np.ndarray:
        """Return the numbers of a record on the device that is wanted."""
        array = self.source.array(record.start, storage, count)
        if not isinstance(self.source, Mapped):
            check(array.view(np.uint8).data, record)
        return placed(native(array, self.order), location, self.options.map_location)


def understood(named: Any) -> tuple[StorageType, str, str, int, Any]:
    """Return what a pickle says of a storage: type, key, location, count of numbers, and of the oldest files the part."""
    if not isinstance(named, tuple) or len(named) not in (5, 6) or text(named[0]) != "storage":
        raise ValueError("what stands for a storage names none")
    kind, key, location, count = named[1], text(named[2]), text(named[3]), named[4]
    if not isinstance(kind, StorageType) or type(count) is not int or count < 0:
        raise ValueError(f"a storage of {count!r} numbers, {type(kind).__name__}")
    return kind, key, location, count, named[5] if len(named) == 6 else None


def text(given: Any) -> str:
    """Return a string, which Python 2 wrote as bytes."""
    found = given.decode("ascii") if isinstance(given, bytes) else given
    if not isinstance(found, str):
        raise ValueError(f"{type(given).__name__}, where a string should be")
    return found


def is_legacy(head: bytes) -> bool:
    """Return whether a file begins as the streams of pickles do."""
    return head[:1] == b"\x80" and head[2 : 2 + len(MAGIC)] == MAGIC


def read_legacy(source: Source, options: Options) -> Any:
    """Return the value in a stream of pickles: a number, a version, the machine, the value, the keys, and then the storages."""
    cursor = Cursor(source)
    plainly = lambda: Unpickler(cursor, Allowed(), understood, options.encoding).load()
    plainly()
    version, machine = plainly(), plainly()
    if version != 1001 or not isinstance(machine, dict):
        raise ValueError(f"it is of version {version!r} of the format")
    stored = PendingStorages(source, options)
    value = Unpickler(cursor, Allowed(options.objects), stored, options.encoding).load()
    keys = plainly()
    if not isinstance(keys, list) or set(keys) != stored.known.keys() or len(keys) != len(stored.known):
        raise ValueError("it does not hold the storages that its value needs")
    order = "little" if machine.get("little_endian", True) else "big"
    place = cursor.place
    for key in keys:
        place = stored.complete(stored.known[key], place, order)
    source.leave(place)
    return settled(value)


class PendingStorages:
    """Makes room for the storages that a pickle names, which follow behind it; `parts` are pieces of them."""

    def __init__(self, source: Source, options: Options):
        self.source, self.options = source, options
        self.known: dict[str, Block] = {}
        self.parts: dict[str, Part] = {}
        self.room = source.size

    def __call__(self, named: Any) -> Block:
        kind, key, location, count, part = understood(named)
        dtype = kind.dtype
        size = count * (dtype.itemsize if dtype else 1)
        if key not in self.known:
            self.room -= size
            if self.room < 0:
                raise ValueError(f"its storage {key} of {count} numbers is larger than the file")
            self.known[key] = Block(size, dtype, lambda *what: self.fetch(location, *what))
            self.known[key].pending = True
        block = self.known[key]
        if (block.size, block.dtype) != (size, dtype):
            raise ValueError(f"its storage {key} has several sizes or dtypes")
        if part is None or dtype is None:
            return block
        name, start, length = part
        return self.parts.setdefault(text(name), Part(block, start, length, dtype))

    def fetch(self, location: str, storage: np.dtype, count: int) -> np.ndarray:
        """Return room for the numbers of a storage."""
        made = np.zeros(count, storage)
        if placed(made, location, self.options.map_location) is not made:
            raise ValueError("files of this old format can be loaded on the CPU only")
        return made

    def complete(self, block: Block, place: int, order: str) -> int:
        """Read a storage that begins at a place of the file with its count of numbers; return where the next one begins."""
        count = int.from_bytes(self.source.read(place, 8), "little")
        width = block.dtype.itemsize if block.dtype else 1
        if count * width != block.size:
            raise ValueError(f"a storage of {block.size} bytes has {count} numbers")
        if block.root is not None:
            target = block.root.value
            target[:] = native(self.source.array(place + 8, target.dtype, target.size), order)
        return place + 8 + block.size


def settled(value: Any) -> Any:
    """Return the value if it is complete: ValueError if it holds bare storages, or is nested too deeply."""
    seen: set[int] = set()
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        if not level:
            return value
        inside: list[Any] = []
        for each in level:
            if isinstance(each, (Block, StorageType)):
                raise ValueError("it holds a storage that is no tensor's; save a tensor instead")
            if isinstance(each, (list, tuple, dict)) and id(each) not in seen:
                seen.add(id(each))
                inside += each.values() if isinstance(each, dict) else each
        level = [each for each in inside if not isinstance(each, AbstractTensor)]
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """Return the names in a zip file of PyTorch's that loading would refuse; ValueError if it is no such file."""
    source = opened(f, False)
    try:
        records, _ = rooted(source)
        pairs = [given for each, given, _ in pickletools.genops(content(source, records["data.pkl"])) if each.name == "GLOBAL"]
    finally:
        source.close()
    allowed = Allowed()
    return sorted({name for pair in pairs if not allowed.knows(name := full_name(*str(pair).split(" ", 1)))})


def get_default_load_endianness() -> LoadEndianness | None:
    """Return the byte order of zip files that do not say theirs; None for the machine's."""
    return Endianness.chosen


def set_default_load_endianness(endianness: LoadEndianness) -> None:
    """Choose the byte order of zip files that do not say theirs."""
    if not isinstance(endianness, LoadEndianness) and endianness is not None:
        raise TypeError(f"set_default_load_endianness: expected a LoadEndianness, got {endianness!r}")
    Endianness.chosen = endianness
