"""What a worker process sends: a pickle, with the numbers of large arrays beside it in memory that both processes map.

They are written there once and read where they lie. What is small, and where there is no such memory, goes through the socket.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import socket
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from lineal.base import dtypes, sharing
from lineal.core import AbstractTensor
from lineal.tensors.shared import check_leaf

__all__ = ["receive", "send"]

SMALL = 1 << 14
"""Up to how many bytes go through the socket: a memory of their own costs more than the copies."""
MOST_KEPT = 128
"""How many memories of batches a process keeps open, each with two of its file descriptors; further batches are copied."""
MAPS = hasattr(os, "memfd_create")
"""Elsewhere such memory is a file, which the system may write to a disk."""


class Pickler(ForkingPickler):
    """Pickles tensors and arrays as numbers that lie outside of the pickle."""

    def reducer_override(self, x: Any) -> Any:
        if isinstance(x, AbstractTensor):
            check_leaf(x)
            return x.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if type(x) is np.ndarray and x.size and not x.dtype.hasobject and x.dtype.kind not in "mM":
            return outside(x)
        return NotImplemented


def outside(x: np.ndarray) -> Any:
    """Return how an array is made of a buffer with its numbers, in the order in which they lie."""
    axes = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    numbers = np.asarray(x.transpose(axes), order="C")
    content: Any = numbers.reshape(-1).view(np.uint8)
    return restored, (pickle.PickleBuffer(content), x.dtype, numbers.shape, tuple(axes))


def restored(buffer: Any, dtype: np.dtype, shape: Sequence[int], axes: Sequence[int]) -> np.ndarray:
    """Return the array whose axes, in this order, have this shape in the buffer."""
    array = np.frombuffer(buffer, np.uint8).view(dtype).reshape(shape)
    return dtypes.interned(array).transpose(np.argsort(axes) if axes else ())


def send(connection: Connection, x: Any) -> None:
    """Send anything that can be pickled; nothing is sent if it cannot."""
    stream, buffers = io.BytesIO(), []
    Pickler(stream, pickle.HIGHEST_PROTOCOL, True, buffers.append).dump(x)
    parts = [stream.getbuffer(), *(buffer.raw() for buffer in buffers)]
    if not MAPS or sum(part.nbytes for part in parts) <= SMALL:
        connection.send((None, [bytearray(part) for part in parts]))
        return
    places = sharing.arrange([part.nbytes for part in parts])
    descriptor = sharing.new_file()
    try:
        sharing.write(descriptor, parts, places)
        connection.send((places, [part.nbytes for part in parts]))
        with channel(connection) as through:
            socket.send_fds(through, [b"\0"], [descriptor])
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def channel(connection: Connection) -> Iterator[socket.socket]:
    """Give the socket of a connection, which stays open and blocking, whatever the default timeout of sockets."""
    through = socket.socket(fileno=connection.fileno())
    try:
        through.settimeout(None)
        yield through
    finally:
        through.detach()


def receive(connection: Connection) -> Any:
    """Return what was sent; EOFError or ConnectionError if the sender is gone."""
    places, parts = connection.recv()
    if places is not None:
        parts = taken(connection, places, parts)
    return pickle.loads(parts[0], buffers=parts[1:])


def taken(connection: Connection, places: Sequence[int], sizes: Sequence[int]) -> list[Any]:
    """Return the parts that lie in the memory which comes next."""
    with channel(connection) as through:
        mark, descriptors, _, _ = socket.recv_fds(through, 1, 1)
    if not mark:
        raise EOFError
    if not descriptors:
        raise OSError("DataLoader: this process has no file descriptors left for a batch (ulimit -n)")
    memory = sharing.mapped(descriptors[0], places[-1])
    views = [memoryview(memory)[place : place + size] for place, size in zip(places, sizes)]
    if len(sharing.known) > MOST_KEPT:
        return [np.array(view).data for view in views]
    return views
