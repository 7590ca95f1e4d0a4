"""Where the bytes of a file come from: a file on disk, read piece by piece or mapped, or what a stream gave.

Arrays get memory of their own and are read right into it, so that a large file is never there twice.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import stat
from typing import Any

import numpy as np

__all__ = ["Source", "opened"]


class Source:
    """The bytes of a file; `name` is what errors call it."""

    def __init__(self, name: str, size: int):
        self.name, self.size = name, size

    def read(self, start: int, count: int) -> bytes:
        """Return bytes of the file; ValueError if it does not have them."""
        raise NotImplementedError

    def array(self, start: int, storage: np.dtype, count: int) -> np.ndarray:
        """Return `count` numbers that lie in the file as an array that may be written; ValueError if it does not have them."""
        raise NotImplementedError

    def require(self, start: int, count: int) -> None:
        """Refuse a range of bytes that the file does not have."""
        if start < 0 or count < 0 or start + count > self.size:
            raise ValueError(f"it has {self.size} bytes, and {count} are to be read from {start} on")

    def leave(self, place: int) -> None:
        """Let a stream stand behind what was read, so that the next value can be read from there."""

    def close(self) -> None:
        """Give back what was opened."""


class Held(Source):
    """Bytes that are in memory."""

    def __init__(self, name: str, data: memoryview):
        super().__init__(name, len(data))
        self.data = data

    def read(self, start: int, count: int) -> bytes:
        self.require(start, count)
        return bytes(self.data[start : start + count])

    def array(self, start: int, storage: np.dtype, count: int) -> np.ndarray:
        self.require(start, count * storage.itemsize)
        made = np.empty(count, storage)
        made.view(np.uint8).data[:] = self.data[start : start + made.nbytes]
        return made


class Stored(Source):
    """A regular file, or an open one from where it stands."""

    def __init__(self, name: str, stream: Any, owned: bool):
        self.stream, self.owned = stream, owned
        self.first = 0 if owned else stream.tell()
        super().__init__(name, max(stream.seek(0, io.SEEK_END) - self.first, 0))

    def read(self, start: int, count: int) -> bytes:
        self.require(start, count)
        return self.array(start, np.dtype(np.uint8), count).tobytes()

    def array(self, start: int, storage: np.dtype, count: int) -> np.ndarray:
        self.require(start, count * storage.itemsize)
        made = np.empty(count, storage)
        self.stream.seek(self.first + start)
        left = made.view(np.uint8).data
        while left:
            taken = self.stream.readinto(left)
            if not taken:
                raise ValueError(f"it ends {len(left)} bytes too early")
            left = left[taken:]
        return made

    def leave(self, place: int) -> None:
        self.stream.seek(self.first + place)

    def close(self) -> None:
        if self.owned:
            self.stream.close()


class Mapped(Source):
    """A file in memory as the system maps it: read when it is looked at; what is written there stays in this process."""

    def __init__(self, name: str, stream: Any):
        with stream:
            size = os.fstat(stream.fileno()).st_size
            self.data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY) if size else bytearray()
        super().__init__(name, size)

    def read(self, start: int, count: int) -> bytes:
        self.require(start, count)
        return bytes(self.data[start : start + count])

    def array(self, start: int, storage: np.dtype, count: int) -> np.ndarray:
        self.require(start, count * storage.itemsize)
        found = np.frombuffer(self.data, storage, count, start) if count else np.empty(0, storage)
        return found if found.flags.aligned else found.copy()


def opened(f: Any, mapped: bool) -> Source:
    """Return the bytes of a file, given by its path or as a binary stream; TypeError for a stream of text."""
    if not hasattr(f, "read"):
        path = os.fspath(f)
        stream = open(path, "rb")  # noqa: SIM115
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            with stream:
                return Held(str(path), memoryview(stream.read()))
        return Mapped(str(path), stream) if mapped else Stored(str(path), stream, True)
    if mapped:
        raise ValueError("load: f must be a file path in order to use the mmap argument")
    name = str(getattr(f, "name", "the stream"))
    if hasattr(f, "readinto") and f.seekable():
        with contextlib.suppress(OSError, ValueError):
            # what is compressed can be moved about in, but not from its end
            return Stored(name, f, False)
    data = f.read()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"load: expected a binary stream, but {name} gives {type(data).__name__}")
    return Held(name, memoryview(data).cast("B"))
