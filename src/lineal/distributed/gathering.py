"""How the ranks of one machine find each other: rank 0 makes memory without a name, and hands it to those that ask for it.

They ask through a socket in a folder that nobody but the user can enter, so that nobody else can ask, or answer. The socket is
gone when all have come; the memory goes with the last process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from lineal.base import sharing
from lineal.codegen.trust import why_not
from lineal.distributed.backends import DistNetworkError

__all__ = ["gathered"]

HELLO = struct.Struct("=16sqq")
"""What a rank says first: the word of this protocol, its rank, and how many ranks it expects."""
WORD = b"lineal ranks, 1\0"
WELCOME, SORRY, GO = b"w", b"s", b"g"
LONGEST = 100
"""Paths of sockets may have about so many bytes."""
PAUSE = 0.02


def folder() -> Path:
    """Return the private folder of sockets, in XDG_RUNTIME_DIR or XDG_CACHE_HOME; DistNetworkError if it is not private."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    found = Path(runtime) / "lineal" if runtime and os.access(runtime, os.W_OK) else Path(cache) / "lineal" / "ranks"
    try:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = why_not(found)
        if reason is None and stat.S_IMODE(found.stat().st_mode) & 0o077:
            reason = f"{found} can be entered by others"
    except OSError as error:
        reason = f"{found}: {error.strerror}"
    if reason is not None:
        raise DistNetworkError(f"init_process_group: no private folder for the ranks to meet in: {reason}")
    return found


@contextlib.contextmanager
def socket_path(name: str) -> Iterator[str]:
    """Yield a path of the socket of this name: a short one, if the folder's is too long for sockets."""
    where = folder()
    if len(os.fsencode(where / name)) <= LONGEST:
        yield str(where / name)
        return
    descriptor = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def gathered(address: str, rank: int, size: int, nbytes: int, timeout: timedelta) -> int:
    """Return the descriptor of `nbytes` of memory that all ranks have, when all are there.

    `address` is what the ranks of a run have in common. DistNetworkError names the ranks that have not come in time.
    """
    until = time.monotonic() + timeout.total_seconds()
    name = hashlib.blake2b(address.encode(), digest_size=12).hexdigest()
    with socket_path(name) as path:
        return welcomed(path, size, nbytes, until) if rank == 0 else asked(path, rank, size, until)


def welcomed(path: str, size: int, nbytes: int, until: float) -> int:
    """Make the memory and give it to all others, as rank 0."""
    memory = sharing.new_file()
    os.ftruncate(memory, nbytes)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listening(path))
        there: dict[int, socket.socket] = {}
        while len(there) < size - 1:
            listener.settimeout(max(until - time.monotonic(), 0.001))
            try:
                other = stack.enter_context(listener.accept()[0])
                other.settimeout(max(until - time.monotonic(), 0.001))
                welcome(other, there, size, memory)
            except TimeoutError:
                late = [rank for rank in range(1, size) if rank not in there]
                raise DistNetworkError(f"init_process_group: ranks {late} of {size} have not come") from None
        for rank, other in there.items():
            try:
                other.sendall(GO)
            except OSError:
                raise DistNetworkError(f"init_process_group: rank {rank} has ended before all had come") from None
    return memory


@contextlib.contextmanager
def listening(path: str) -> Iterator[socket.socket]:
    """Yield a socket that listens at a path, where one that nobody listens at any more gives way."""
    with socket.socket(socket.AF_UNIX) as listener:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
        try:
            listener.bind(path)
        except OSError:
            raise DistNetworkError(
                "init_process_group: the address is taken by rank 0 of another run; choose another MASTER_PORT"
            ) from None
        try:
            listener.listen(128)
            yield listener
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)


def welcome(other: socket.socket, there: dict[int, socket.socket], size: int, memory: int) -> None:
    """Give a rank the memory, or the reason why not."""
    said = received(other, HELLO.size)
    if len(said) < HELLO.size or not is_own(other):
        return
    word, rank, expected = HELLO.unpack(said)
    reason = None
    if word != WORD or expected != size or not 0 < rank < size:
        reason = f"rank {rank} of {expected} came to a group of {size}"
    elif rank in there:
        reason = f"there are two processes with rank {rank}"
    if reason is not None:
        other.sendall(SORRY + reason.encode())
        raise DistNetworkError(f"init_process_group: {reason}")
    socket.send_fds(other, [WELCOME], [memory])
    there[rank] = other


def is_own(other: socket.socket) -> bool:
    """Return whether a process at the other end is of the same user, where the system tells."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = struct.unpack("3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return credentials[1] == os.geteuid()


def received(other: socket.socket, count: int) -> bytes:
    """Return so many bytes, or fewer if the other end closes."""
    found = b""
    while len(found) < count:
        more = other.recv(count - len(found))
        if not more:
            break
        found += more
    return found


def asked(path: str, rank: int, size: int, until: float) -> int:
    """Ask rank 0 for the memory, and wait until all have come."""
    with reached(path, rank, until) as leader:
        leader.settimeout(max(until - time.monotonic(), 0.001))
        try:
            leader.sendall(HELLO.pack(WORD, rank, size))
            said, descriptors, _, _ = socket.recv_fds(leader, 1, 1)
            if said == SORRY:
                raise DistNetworkError(f"init_process_group: {leader.recv(1 << 10).decode()}")
            if not descriptors:
                raise ConnectionError
            os.set_inheritable(descriptors[0], False)
            if received(leader, 1) == GO:
                return descriptors[0]
        except TimeoutError:
            raise DistNetworkError("init_process_group: other ranks have not come") from None
        except ConnectionError:
            pass
    raise DistNetworkError("init_process_group: rank 0 has ended before all had come")


def reached(path: str, rank: int, until: float) -> socket.socket:
    """Return a socket to rank 0, as soon as that listens."""
    while True:
        leader = socket.socket(socket.AF_UNIX)
        try:
            leader.connect(path)
            return leader
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            leader.close()
        if time.monotonic() > until:
            raise DistNetworkError(f"init_process_group: rank 0 has not come, for which rank {rank} waits")
        time.sleep(PAUSE)
