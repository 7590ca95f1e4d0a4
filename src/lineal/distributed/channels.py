"""Messages between two ranks of one machine: for each sender and receiver a ring of bytes, which one writes and one reads.

A message is a head, words that say what it is, and bytes. What a rank takes out of a ring because it looks for another tag is
kept until somebody asks for it.
"""

from __future__ import annotations

import struct
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.codegen.meeting import LINE, meeting
from lineal.distributed.backends import DistBackendError
from lineal.distributed.calls import Call
from lineal.distributed.deadlocks import Awaited

if TYPE_CHECKING:
    from lineal.distributed.sharedmemory import SharedMemory

__all__ = ["Channels"]

RING = 1 << 17
HALF = RING // 2
"""At most so many bytes are written before the other side hears of them."""
HEAD = struct.Struct("=qqq")
"""Tag, number of bytes of the words, number of bytes."""
ROUNDS = 2000
SHORTEST, LONGEST = 2e-5, 2e-3
ATTENTION = 0.02

Message = tuple[int, str, np.ndarray]


class Ring:
    """The bytes on their way from one rank to another; `written` and `read` count all that ever were."""

    def __init__(self, memory: Any, place: int, other: int):
        self.other, self.lock = other, threading.Lock()
        self.counts = np.ndarray((2, LINE // 8), np.int64, memory, place)
        self.ring = np.ndarray(RING, np.uint8, memory, place + 2 * LINE)
        self.written, self.read = self.counts.ctypes.data, self.counts.ctypes.data + LINE
        self.kept: deque[Message] = deque()
        """Messages that were taken out for their tags, and not asked for yet."""


class Channels:
    """The rings of one rank of a group, by rank."""

    def __init__(self, transport: SharedMemory, memory: Any, place: int):
        self.transport, size, rank = transport, transport.size, transport.rank
        step = RING + 2 * LINE
        self.out = [Ring(memory, place + (rank * size + other) * step, other) for other in range(size)]
        self.coming = [Ring(memory, place + (other * size + rank) * step, other) for other in range(size)]
        self.native = meeting()

    @staticmethod
    def nbytes_of(size: int) -> int:
        """Return how much memory the rings of a group of so many ranks take."""
        return size * size * (RING + 2 * LINE)

    def wait(self, call: Call, address: int, count: int, other: int) -> None:
        """Wait until a count is reached; DistBackendError if the other rank has ended, or does not come in time."""
        begin, pause, session = time.monotonic(), SHORTEST, self.transport.session
        place = self.transport.place + address - self.transport.address
        with session.deadlocks:
            while not self.native.reached(address, count, ROUNDS):
                waited = time.monotonic() - begin
                if waited > ATTENTION:
                    self.look(call, address, count, other)
                    session.deadlocks.waits(call, waited, [Awaited(self.transport.ranks[other], place, count)])
                    if waited > self.transport.timeout.total_seconds():
                        said = session.said(self.transport.ranks[other]) or "has not come"
                        raise DistBackendError(f"{call.name}: timed out, in {call.text()}: rank {other} {said}")
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST)

    def look(self, call: Call, address: int, count: int, other: int) -> None:
        """Raise DistBackendError if the other rank has ended, and not reached the count before."""
        world = self.transport.ranks[other]
        if self.transport.session.ended(world) and not self.native.reached(address, count, 1):
            self.transport.session.require([world], call)

    def write(self, call: Call, ring: Ring, data: np.ndarray) -> None:
        """Put bytes into a ring, as there is room."""
        done = 0
        while done < data.size:
            written, read = int(ring.counts[0, 0]), self.native.count(ring.read)
            if written - read == RING:
                self.wait(call, ring.read, read + 1, ring.other)
                continue
            at = written % RING
            count = min(data.size - done, RING - (written - read), RING - at, HALF)
            ring.ring[at : at + count] = data[done : done + count]
            done += count
            self.native.publish(ring.written, written + count)

    def take(self, call: Call, ring: Ring, data: np.ndarray) -> None:
        """Take bytes out of a ring, as they come."""
        done = 0
        while done < data.size:
            read = int(ring.counts[1, 0])
            self.wait(call, ring.written, read + 1, ring.other)
            at = read % RING
            count = min(data.size - done, self.native.count(ring.written) - read, RING - at)
            data[done : done + count] = ring.ring[at : at + count]
            done += count
            self.native.publish(ring.read, read + count)

    def send(self, call: Call, words: str, data: np.ndarray, target: int, tag: int) -> None:
        """Send a message."""
        said, ring = words.encode(), self.out[target]
        head = HEAD.pack(tag, len(said), data.size) + said
        with ring.lock:
            self.write(call, ring, np.frombuffer(head, np.uint8))
            self.write(call, ring, data)

    def receive(self, call: Call, source: int | None, tag: int) -> Message:
        """Return the first message with a tag, of one rank, or of whichever is first."""
        if source is None:
            return self.first(call, tag)
        ring = self.coming[source]
        with ring.lock:
            while True:
                found = kept(ring, tag)
                if found is not None:
                    return found
                ring.kept.append(self.message(call, ring))

    def message(self, call: Call, ring: Ring) -> Any:
        """Return the next message of a ring, with its tag before it."""
        head = np.empty(HEAD.size, np.uint8)
        self.take(call, ring, head)
        tag, said, size = HEAD.unpack(head.tobytes())
        words, data = np.empty(said, np.uint8), np.empty(size, np.uint8)
        self.take(call, ring, words)
        self.take(call, ring, data)
        return tag, ring.other, words.tobytes().decode(), data

    def first(self, call: Call, tag: int) -> Message:
        """Return the first message with a tag, of any rank."""
        rings, pause = [ring for ring in self.coming if ring.other != self.transport.rank], SHORTEST
        begin = time.monotonic()
        while True:
            for ring in rings:
                with ring.lock:
                    if self.native.reached(ring.written, int(ring.counts[1, 0]) + 1, 1):
                        ring.kept.append(self.message(call, ring))
                    found = kept(ring, tag)
                if found is not None:
                    return found
            waited = time.monotonic() - begin
            if waited > ATTENTION:
                self.look_at_all(call, rings, waited)
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST)

    def look_at_all(self, call: Call, rings: list[Ring], waited: float) -> None:
        """Raise DistBackendError if nobody is left who could send something, or nobody does in time."""
        session, ranks = self.transport.session, self.transport.ranks
        ended = [session.ended(ranks[ring.other]) for ring in rings]
        if all(ended) or waited > self.transport.timeout.total_seconds():
            how = "; ".join(filter(None, ended)) or "timed out"
            raise DistBackendError(f"{call.name}: {how}, in {call.text()}")


def kept(ring: Any, tag: int) -> Message | None:
    """Take the first message with a tag out of those that are kept."""
    for place, (found, *message) in enumerate(ring.kept):
        if found == tag:
            del ring.kept[place]
            return message[0], message[1], message[2]
    return None
