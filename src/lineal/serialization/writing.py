"""Writing a file: all of it or nothing where a file can be replaced, and through to what stands there where it cannot.

A regular file is written beside its place, as `.name.<32 digits>.part`, and then renamed. The writer holds a lock on its part,
which ends with the process however that ends, so a part that can be locked is what a killed run has left and is removed by
whoever saves to the same path next. A pipe, a device or a socket, and a file in a folder that takes no new ones, are written
as they stand.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from lineal.base import later

fcntl: Any = later.module("fcntl")
POSIX = os.name == "posix"

__all__ = ["write", "write_all"]

SMALL = 1 << 16
"""Fewer bytes than these are copied rather than written alone."""
IMMOVABLE = (errno.EBUSY, errno.EXDEV)
"""Errors of renaming to a file that is mounted by itself."""


def write(path: Any, *pieces: Any) -> None:
    """Let the file `path` hold these bytes one after another: all, or what it held before if it is a regular file."""
    status = status_of(path)
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "save: this is a folder", str(path))
    if status is not None and (not stat.S_ISREG(status.st_mode) or is_descriptor(path)):
        write_through(path, pieces)
        return
    target = Path(os.path.realpath(path))
    if status is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "save: the file is write-protected", str(path))
    try:
        replace(target, pieces, status)
    except OSError as error:
        if status is None or not (isinstance(error, PermissionError) or error.errno in IMMOVABLE):
            raise
        write_through(target, pieces)


def status_of(path: Any) -> os.stat_result | None:
    """Return what stands at the path, links followed; None if there is nothing."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def is_descriptor(path: Any) -> bool:
    """Return whether the path, as `/dev/stdout` does, leads to a file that is open here rather than to a name."""
    for _ in range(40):
        if os.path.realpath(os.path.dirname(os.path.abspath(path))).startswith("/proc/"):
            return True
        if not os.path.islink(path):
            return False
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    return False


def write_through(path: Any, pieces: Iterable[Any]) -> None:
    """Write to what stands at the path, as it stands."""
    with open(path, "wb", buffering=0) as stream:
        write_all(stream, pieces)


def write_all(stream: Any, pieces: Iterable[Any]) -> None:
    """Write bytes one after another to a binary stream, of which a raw one may take fewer at once."""
    for piece in gathered(pieces):
        left = memoryview(piece)
        while left:
            written = stream.write(left)
            left = left[written:] if isinstance(written, int) else left[:0]


def gathered(pieces: Iterable[Any]) -> Iterator[Any]:
    """Yield the same bytes with small pieces put together, so that a pipe or a terminal gets them at once."""
    small = bytearray()
    for piece in pieces:
        if len(piece) < SMALL:
            small += piece
        else:
            if small:
                yield small
                small = bytearray()
            yield piece
        if len(small) >= SMALL:
            yield small
            small = bytearray()
    yield small


def replace(target: Path, pieces: Iterable[Any], status: os.stat_result | None) -> None:
    """Put a complete file in the place of another, or of none; `status` is the other's."""
    remove_leftovers(target)
    # named before it is there: an interrupt at any moment from here on removes it
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with new_part(part) as stream:
            write_all(stream, pieces)
            stream.flush()
            os.fsync(stream.fileno())
            if status is not None:
                keep_rights(part, status)
            os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def keep_rights(part: Path, status: os.stat_result) -> None:
    """Give the new file the owner and the rights of the old one, as far as they may be given."""
    made = part.stat()
    if POSIX and (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        with contextlib.suppress(OSError):
            os.chown(part, status.st_uid, status.st_gid)
    part.chmod(status.st_mode & 0o777)


def new_part(part: Path) -> BinaryIO:
    """Return a new file, locked as long as it is open."""
    while True:
        stream = part.open("xb")
        locked(stream)
        # between opening and locking another process may have taken it for a leftover
        if not POSIX or os.fstat(stream.fileno()).st_nlink:
            return stream
        stream.close()


def locked(stream: BinaryIO) -> bool:
    """Lock a file until it is closed; return whether that was possible."""
    if POSIX:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def remove_leftovers(target: Path) -> None:
    """Remove the parts of the target that no living process writes."""
    name = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{32}\.part")
    with contextlib.suppress(OSError):
        for each in os.listdir(target.parent):
            if name.fullmatch(each):
                remove_unlocked(target.parent / each)


def remove_unlocked(part: Path) -> None:
    """Remove a part if nobody holds its lock; where there are no such locks, an open file cannot be removed."""
    with contextlib.suppress(OSError):
        if stat.S_ISREG(part.lstat().st_mode):
            with part.open("rb") as stream:
                if locked(stream):
                    part.unlink()


def sync_folder(folder: Path) -> None:
    """Make the renaming last through a power failure, where the system lets a folder be synchronised."""
    if POSIX:
        with contextlib.suppress(PermissionError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
