"""Stores: tables of keys and bytes by which processes find each other and agree, as in `torch.distributed`.

A store knows one thing, to perform an operation on its table at once and as a whole; all that waits asks again and again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import socketserver
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from lineal.distributed.backends import DistNetworkError, DistStoreError

__all__ = ["FileStore", "HashStore", "PrefixStore", "Store", "TCPStore"]

SHORTEST, LONGEST = 5e-4, 2e-2
"""How many seconds a store waits until it asks again, longer from time to time."""
PATIENCE = timedelta(seconds=300)
JOINED, USERS = "init/", "refcount/"
"""The keys that count the processes of a TCPStore and of a FileStore; `num_keys` counts them too, as in PyTorch."""

Table = dict[bytes, bytes]
YES, NO = b"1", b""


def put(table: Table, key: bytes, value: bytes) -> bytes:
    """Set a value."""
    table[key] = value
    return value


def add(table: Table, key: bytes, amount: bytes) -> bytes:
    """Add to a number, which begins at 0, and return it; ValueError where the value is no number."""
    before = table.get(key, b"0")
    if not before.removeprefix(b"-").isdigit():
        raise ValueError(f"add: the value of {key.decode()!r} is no number: {before!r}")
    return put(table, key, str(int(before) + int(amount)).encode())


def append(table: Table, key: bytes, value: bytes) -> bytes:
    """Lengthen a value."""
    return put(table, key, table.get(key, b"") + value)


def compare_set(table: Table, key: bytes, expected: bytes, desired: bytes) -> bytes:
    """Set a value where it is the expected one, or where there is none and none is expected; return what is there then."""
    if table.get(key, b"") == expected:
        return put(table, key, desired)
    return table.get(key, expected)


def delete(table: Table, key: bytes) -> bytes:
    """Take a key away; return whether it was there."""
    return YES if table.pop(key, None) is not None else NO


def found(table: Table, key: bytes) -> bytes:
    """Return a mark and a value, or nothing where there is none."""
    return YES + table[key] if key in table else NO


def count(table: Table, key: bytes) -> bytes:
    """Return the number of keys that begin so."""
    return str(sum(each.startswith(key) for each in table)).encode()


OPERATIONS: dict[bytes, Callable[..., bytes]] = {
    each.__name__.encode(): each for each in (put, add, append, compare_set, delete, found, count)
}


def encoded(value: str | bytes) -> bytes:
    """Return a value as bytes."""
    return value.encode() if isinstance(value, str) else bytes(value)


class Store(ABC):
    """Keys and values that several processes see. What waits gives up with DistStoreError after `timeout`."""

    timeout: timedelta = PATIENCE

    @abstractmethod
    def perform(self, operation: Callable[..., bytes], key: bytes, *values: bytes) -> bytes:
        """Perform one of the operations above on the table, with nobody in between; return what it returns."""

    def set(self, key: str, value: str | bytes) -> None:
        """Set the value of a key."""
        self.perform(put, key.encode(), encoded(value))

    def get(self, key: str) -> bytes:
        """Return the value of a key, as soon as there is one."""
        self.wait([key])
        return self.perform(found, key.encode())[1:]

    def add(self, key: str, amount: int) -> int:
        """Add to the number of a key, which begins at 0; return the sum. ValueError where the value is no number."""
        return int(self.perform(add, key.encode(), str(int(amount)).encode()))

    def append(self, key: str, value: str | bytes) -> None:
        """Lengthen the value of a key."""
        self.perform(append, key.encode(), encoded(value))

    def compare_set(self, key: str, expected_value: str | bytes, desired_value: str | bytes) -> bytes:
        """Set the value of a key where it is the expected one ("" where there is none); return what is there then.

        Where a key has no value and one is expected, it gets none, and what was expected is returned.
        """
        return self.perform(compare_set, key.encode(), encoded(expected_value), encoded(desired_value))

    def delete_key(self, key: str) -> bool:
        """Take a key away; return whether it was there."""
        return self.perform(delete, key.encode()) == YES

    def num_keys(self) -> int:
        """Return the number of keys."""
        return int(self.perform(count, b""))

    def check(self, keys: Sequence[str]) -> bool:
        """Return whether all keys have values."""
        return all(self.perform(found, key.encode()) for key in keys)

    def wait(self, keys: Sequence[str], timeout: timedelta | None = None) -> None:
        """Wait until all keys have values."""
        patience = self.timeout if timeout is None else timeout
        until, pause = time.monotonic() + patience.total_seconds(), SHORTEST
        while not self.check(keys):
            if time.monotonic() > until:
                late = [key for key in keys if not self.check([key])]
                raise DistStoreError(f"{type(self).__name__}: wait timeout after {patience}, keys: {', '.join(late)}")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)

    def multi_get(self, keys: Sequence[str]) -> list[bytes]:
        """Return the values of several keys, as soon as there are."""
        return [self.get(key) for key in keys]

    def multi_set(self, keys: Sequence[str], values: Sequence[str | bytes]) -> None:
        """Set the values of several keys; ValueError unless there are as many."""
        if len(keys) != len(values):
            raise ValueError(f"multi_set: expected a value for each key, got {len(keys)} keys and {len(values)} values")
        for key, value in zip(keys, values):
            self.set(key, value)

    def set_timeout(self, timeout: timedelta) -> None:
        """Say how long to wait."""
        self.timeout = timeout

    def has_extended_api(self) -> bool:
        """Return whether there are `append`, `multi_get` and `multi_set`."""
        return True


class HashStore(Store):
    """A store of one process, for its threads."""

    def __init__(self) -> None:
        self.table: Table = {}
        self.lock = threading.Lock()

    def perform(self, operation: Callable[..., bytes], key: bytes, *values: bytes) -> bytes:
        with self.lock:
            return operation(self.table, key, *values)


class PrefixStore(Store):
    """Another store, with a prefix before all keys."""

    def __init__(self, prefix: str, store: Store):
        self.prefix, self.underlying_store, self.timeout = prefix, store, store.timeout

    def perform(self, operation: Callable[..., bytes], key: bytes, *values: bytes) -> bytes:
        return self.underlying_store.perform(operation, self.prefix.encode() + b"/" + key, *values)


LENGTHS = struct.Struct("=QQ")


class FileStore(Store):
    """A store in a file, which all processes that know its name share; the last of `world_size` takes the file away.

    The file has one record for each change. A lock of the system's is held while it is read and written.
    """

    def __init__(self, file_name: str | os.PathLike[str], world_size: int = -1):
        self.path, self.world_size, self.closed = os.fspath(file_name), world_size, False
        self.lock = threading.Lock()
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.table, self.place = Table(), 0
        self.add(USERS, 1)

    def perform(self, operation: Callable[..., bytes], key: bytes, *values: bytes) -> bytes:
        with self.lock:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
            try:
                self.read()
                before = self.table.get(key)
                result = operation(self.table, key, *values)
                after = self.table.get(key)
                if after != before:
                    self.write(key, after)
                return result
            finally:
                fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def read(self) -> None:
        """Take in what others have changed."""
        data = os.pread(self.descriptor, os.fstat(self.descriptor).st_size - self.place, self.place)
        self.place += len(data)
        place = 0
        while place < len(data):
            name, size = LENGTHS.unpack_from(data, place)
            begin = place + LENGTHS.size + name
            # a size of 0 says that the key is gone, others are larger than they are by one
            place = begin + max(size - 1, 0)
            key = data[begin - name : begin]
            if size:
                self.table[key] = data[begin:place]
            else:
                self.table.pop(key, None)

    def write(self, key: bytes, value: bytes | None) -> None:
        """Write a record behind the others."""
        record = LENGTHS.pack(len(key), 0 if value is None else len(value) + 1) + key + (value or b"")
        os.pwrite(self.descriptor, record, self.place)
        self.place += len(record)

    def close(self) -> None:
        """Leave the store; the last process that does takes the file away, if it was told their number."""
        if self.closed:
            return
        self.closed = True
        if self.add(USERS, -1) == 0 and self.world_size > 0:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        os.close(self.descriptor)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


NUMBER = struct.Struct("=Q")
MOST = 1 << 32
"""How many bytes a value may have that goes through a socket."""


def sent(connection: socket.socket, fields: Sequence[bytes]) -> None:
    """Send some bytes, each with its length before it."""
    head = [NUMBER.pack(len(fields)), *[NUMBER.pack(len(each)) for each in fields]]
    connection.sendall(b"".join([*head, *fields]))


def received(stream: Any) -> list[bytes]:
    """Return what the other side has sent; EOFError if it has gone."""

    def exactly(size: int) -> bytes:
        data = stream.read(size)
        if len(data) < size:
            raise EOFError("TCPStore: the connection was closed")
        return data

    (fields,) = NUMBER.unpack(exactly(NUMBER.size))
    if fields > 8:
        raise EOFError("TCPStore: what has come is no request")
    sizes = [NUMBER.unpack(exactly(NUMBER.size))[0] for _ in range(fields)]
    if sum(sizes) > MOST:
        raise EOFError("TCPStore: what has come is no request")
    return [exactly(size) for size in sizes]


class Serving(socketserver.StreamRequestHandler):
    """Performs what one process asks for."""

    def handle(self) -> None:
        table: HashStore = self.server.table  # type: ignore[attr-defined]
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                name, *rest = received(self.rfile)
                try:
                    answer = [YES, table.perform(OPERATIONS[name], *rest)]
                except ValueError as error:
                    answer = [NO, str(error).encode()]
                except (KeyError, TypeError):
                    # no request of a store: whoever sent it is let go
                    return
                sent(self.connection, answer)


class Server(socketserver.ThreadingTCPServer):
    """The one that holds the table: threads that end with the process."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, host: str, port: int):
        self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        self.table, self.stopping, self.timeout = HashStore(), False, LONGEST
        super().__init__((host, port), Serving)
        self.thread = threading.Thread(target=self.serve, name="lineal-store", daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Serve until that is to stop; nobody else closes the socket, for this thread waits on it."""
        while not self.stopping:
            self.handle_request()
        self.server_close()


class TCPStore(Store):
    """A store that one process, the master, holds, and others ask through a socket.

    `port` 0 gives the master a free one, which `port` then is. The master listens at the address `host_name` alone. With
    `world_size` and `wait_for_workers` all wait until as many have come. DistNetworkError where nobody listens in time, or
    the master cannot.
    """

    def __init__(
        self,
        host_name: str,
        port: int,
        world_size: int | None = None,
        is_master: bool = False,
        timeout: timedelta = PATIENCE,
        wait_for_workers: bool = True,
        multi_tenant: bool = False,
        master_listen_fd: int | None = None,
        use_libuv: bool = True,
    ):
        self.host, self.timeout, self.lock = host_name, timeout, threading.Lock()
        self.server = served(host_name, port) if is_master else None
        self.port = port if self.server is None else int(self.server.server_address[1])
        self.connection = connected(host_name, self.port, timeout)
        self.stream = self.connection.makefile("rb")
        if world_size is not None and world_size > 0:
            self.add(JOINED, 1)
            if wait_for_workers:
                self.gather(world_size)

    def gather(self, size: int) -> None:
        """Wait until so many processes have come."""
        until = time.monotonic() + self.timeout.total_seconds()
        while (there := self.add(JOINED, 0)) < size:
            if time.monotonic() > until:
                raise DistStoreError(f"TCPStore: timed out after {self.timeout}: {there} of {size} processes have joined")
            time.sleep(SHORTEST)

    def perform(self, operation: Callable[..., bytes], key: bytes, *values: bytes) -> bytes:
        with self.lock:
            try:
                sent(self.connection, [operation.__name__.encode(), key, *values])
                status, answer = received(self.stream)
            except (EOFError, OSError) as error:
                raise DistNetworkError(f"TCPStore: {self.host}:{self.port} does not answer any more: {error}") from error
        if status == NO:
            raise ValueError(answer.decode())
        return answer

    def close(self) -> None:
        """Leave the store; if this is the master, the store is gone."""
        self.leave()
        if self.server is not None:
            self.server.thread.join()

    def leave(self) -> None:
        """Say that it is over, and wait for nobody."""
        if self.server is not None:
            self.server.stopping = True
        self.stream.close()
        self.connection.close()

    def __del__(self) -> None:
        # there may be no connection yet
        with contextlib.suppress(Exception):
            self.leave()


def served(host: str, port: int) -> Server:
    """Return a server that has begun to listen."""
    try:
        return Server(host, port)
    except OSError as error:
        raise DistNetworkError(f"TCPStore: the master cannot listen at {host}:{port}: {error}") from error


def connected(host: str, port: int, timeout: timedelta) -> socket.socket:
    """Return a connection to the master, which may still have to begin."""
    until, pause = time.monotonic() + timeout.total_seconds(), SHORTEST
    while True:
        try:
            connection = socket.create_connection((host, port), timeout.total_seconds() or None)
            if connection.getsockname() == connection.getpeername():
                # where nobody listens, a socket of this machine may get the very port as its own, and so reach itself
                connection.close()
                raise ConnectionRefusedError("nobody there")
        except OSError as error:
            if time.monotonic() > until:
                raise DistNetworkError(f"TCPStore: nobody listens at {host}:{port} after {timeout}: {error}") from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)
        else:
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
