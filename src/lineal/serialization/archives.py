"""Zip files whose records are not compressed, as PyTorch writes them: every record's bytes begin at a multiple of 64.

Source of the format: PKWARE, APPNOTE.TXT 6.3, sections 4.3 and 4.5.3. What does not fit is refused: records that overlap, reach
into the directory or have two names, compressed ones, checksums that are wrong.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from lineal.serialization.sources import Source

__all__ = ["ALIGNMENT", "Record", "archived", "directory"]

ALIGNMENT = 64
LOCAL, CENTRAL = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
END, END64, LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
LONGEST_COMMENT = 0xFFFF
LARGE = 0xFFFFFFFF
"""What stands for a number that does not fit into 32 bits and follows in a field of its own."""
ZIP64, PADDING = 1, int.from_bytes(b"FB", "little")
"""The kinds of extra fields: for large numbers, and PyTorch's for alignment."""
UTF8, VERSION = 0x800, 45


class Record(NamedTuple):
    """Where the bytes of a record begin, how many there are, and their checksum; 0 if none was computed."""

    start: int
    size: int
    checksum: int


def directory(source: Source) -> dict[str, Record]:
    """Return the records of a zip file by name; ValueError says what is wrong."""
    first, length, count = ends(source)
    data = source.read(first, length)
    found: dict[str, Record] = {}
    spans: list[tuple[int, int]] = []
    place = 0
    for _ in range(count):
        name, offset, size, checksum, place = entry(data, place)
        start = begin(source, name, offset)
        if name in found:
            raise ValueError(f"two records are called {name!r}")
        found[name] = Record(start, size, checksum)
        spans.append((offset, start + size))
    spans = [*sorted(spans), (first, first)]
    if place != length or any(stop > start for (_, stop), (start, _) in pairwise(spans)):
        raise ValueError("its records overlap, or its directory is not what it says")
    return found


def ends(source: Source) -> tuple[int, int, int]:
    """Return where the directory begins, how long it is and how many entries it has."""
    before = max(source.size - END.size - LONGEST_COMMENT, 0)
    tail = source.read(before, source.size - before)
    place = tail.rfind(b"PK\5\6")
    if place < 0 or place + END.size > len(tail):
        raise ValueError("the directory at its end is missing: it was cut off")
    _, _, _, _, count, length, first, comment = END.unpack_from(tail, place)
    if place + END.size + comment != len(tail):
        raise ValueError("it goes on behind its end, or ends before")
    limit = before + place
    if LARGE in (length, first) or count == 0xFFFF:
        _, _, limit, _ = LOCATOR.unpack(source.read(limit - LOCATOR.size, LOCATOR.size))
        mark, _, _, _, _, _, _, count, length, first = END64.unpack(source.read(limit, END64.size))
        if mark != b"PK\6\6":
            raise ValueError("its directory is not where it says")
    if first + length > limit or count * CENTRAL.size > length:
        raise ValueError(f"its directory should have {count} entries in {length} bytes from {first} on")
    return first, length, count


def entry(data: bytes, place: int) -> tuple[str, int, int, int, int]:
    """Return an entry of the directory: name, offset, size and checksum of the record, and where the next entry begins."""
    if place + CENTRAL.size > len(data):
        raise ValueError("its directory is too short")
    mark, _, _, flags, method, _, _, checksum, packed, size, names, extras, comments, _, _, _, offset = CENTRAL.unpack_from(
        data, place
    )
    place += CENTRAL.size
    stop = place + names + extras + comments
    if mark != b"PK\1\2" or stop > len(data):
        raise ValueError("its directory is damaged")
    name = data[place : place + names].decode()
    large = iter(large_numbers(data[place + names : place + names + extras]))
    size, packed, offset = [next(large, each) if each == LARGE else each for each in (size, packed, offset)]
    if method or flags & 1 or packed != size:
        raise ValueError(f"its record {name!r} is compressed or encrypted, which torch.save never does; save it anew")
    return name, offset, size, checksum, stop


def large_numbers(extra: bytes) -> list[int]:
    """Return the numbers of 64 bits in the extra fields of an entry."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, place)
        if kind == ZIP64:
            return [*struct.unpack_from(f"<{size // 8}Q", extra, place + 4)]
        place += 4 + size
    return []


def begin(source: Source, name: str, offset: int) -> int:
    """Return where the bytes of a record begin, behind its own header, which must have the same name."""
    mark, _, _, _, _, _, _, _, _, names, extras = LOCAL.unpack(source.read(offset, LOCAL.size))
    if mark != b"PK\3\4" or source.read(offset + LOCAL.size, names) != name.encode():
        raise ValueError(f"its record {name!r} is not where the directory says")
    return offset + LOCAL.size + names + extras


def archived(records: Sequence[tuple[str, Any]]) -> list[Any]:
    """Return the pieces of a zip file, one after another, of named bytes; their memory is used as it is."""
    pieces: list[Any] = []
    entries: list[bytes] = []
    reached = 0
    for title, content in records:
        name, data = title.encode(), memoryview(content).cast("B")
        size, checksum = len(data), zlib.crc32(data)
        long = struct.pack("<2H2Q", ZIP64, 16, size, size) if size >= LARGE else b""
        padding = -(reached + LOCAL.size + len(name) + len(long) + 4) % ALIGNMENT
        extra = long + struct.pack("<2H", PADDING, padding) + b"Z" * padding
        short = min(size, LARGE)
        header = LOCAL.pack(b"PK\3\4", VERSION, UTF8, 0, 0, 0, checksum, short, short, len(name), len(extra))
        entries.append(central(name, size, checksum, reached))
        pieces += [header + name + extra, data]
        reached += len(pieces[-2]) + size
    table = b"".join(entries)
    end64 = END64.pack(b"PK\6\6", END64.size - 12, VERSION, VERSION, 0, 0, len(entries), len(entries), len(table), reached)
    locator = LOCATOR.pack(b"PK\6\7", 0, reached + len(table), 1)
    count = min(len(entries), 0xFFFF)
    end = END.pack(b"PK\5\6", 0, 0, count, count, min(len(table), LARGE), min(reached, LARGE), 0)
    return [*pieces, table, end64, locator, end]


def central(name: bytes, size: int, checksum: int, offset: int) -> bytes:
    """Return the directory's entry of a record."""
    large = [each for each in (size, size, offset) if each >= LARGE]
    extra = struct.pack(f"<2H{len(large)}Q", ZIP64, 8 * len(large), *large) if large else b""
    short, place = min(size, LARGE), min(offset, LARGE)
    head = CENTRAL.pack(
        b"PK\1\2", VERSION, VERSION, UTF8, 0, 0, 0, checksum, short, short, len(name), len(extra), 0, 0, 0, 0, place
    )
    return head + name + extra
