"""Ranks that `mpirun` has started, on one machine or several: what they exchange goes through MPI.

Nothing here waits inside MPI: a rank asks again and again whether something has come, so that it can give up, and hears that
another rank has left. A rank that an error ends has MPI stop all.
"""

from __future__ import annotations

import atexit
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from lineal.base import failing, later
from lineal.distributed.backends import DistBackendError
from lineal.distributed.calls import Call
from lineal.distributed.transport import ASIDE, Pieces, Transport

__all__ = ["world"]

MPI: Any = later.module("mpi4py.MPI")

HEAD = struct.Struct("=q")
"""What a message begins with: how many bytes of words there are before the others."""
TEXT = 512
"""How many bytes of a call's words ranks compare."""
LEFT, RELEASED = ASIDE - 1, ASIDE - 2
"""The tags of messages that a rank has left, and that all have come to a barrier."""
TAGS = -RELEASED
"""What is added to tags, which must not be negative."""
SHORTEST, LONGEST = 1e-6, 1e-3
GRACE = 0.2
ATTENTION = 0.05
ROUNDS = 200
"""How often a rank asks before it sleeps in between."""

lock = threading.RLock()
"""Held for each call of MPI's: not every MPI can serve several threads at once."""


class MPITransport(Transport):
    """The transport of the ranks of one communicator."""

    def __init__(self, comm: Any, timeout: timedelta):
        super().__init__(comm.Get_rank(), comm.Get_size(), timeout)
        self.comm = comm
        self.gone: set[int] = set()

    # waiting

    def poll(self, call: Call, ask: Callable[[], Any]) -> Any:
        """Return what `ask` gives as soon as that is something; DistBackendError if a rank has left, or time is over."""
        begin, pause = time.monotonic(), SHORTEST
        for round_ in range(sys.maxsize):
            with lock:
                found = ask()
            if found:
                return found
            if round_ < ROUNDS:
                continue
            waited = time.monotonic() - begin
            if waited > ATTENTION:
                self.require_there(call)
                if waited > self.timeout.total_seconds():
                    raise DistBackendError(f"{call.name}: timed out after {self.timeout}, in {call.text()}")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)
        return None

    def require_there(self, call: Call) -> None:
        """Raise DistBackendError if a rank of the group has left."""
        with lock:
            while self.comm.Iprobe(MPI.ANY_SOURCE, LEFT + TAGS):
                status = MPI.Status()
                self.comm.Recv([np.empty(0, np.uint8), MPI.BYTE], MPI.ANY_SOURCE, LEFT + TAGS, status)
                self.gone.add(status.Get_source())
        if self.gone:
            rank = min(self.gone)
            raise DistBackendError(
                f"{call.name}: rank {rank} has left the group, while rank {self.rank} waits in {call.text()}"
            )

    def wait(self, call: Call, begin: Callable[[], Any]) -> None:
        """Begin something, and wait until it is done."""
        with lock:
            request = begin()
        self.poll(call, request.Test)

    def agree(self, call: Call) -> None:
        """Raise RuntimeError on all ranks unless all make the same call."""
        digests = np.empty(self.size, np.int64)
        self.wait(call, lambda: self.comm.Iallgather(np.array([call.digest]), digests))
        if (digests == call.digest).all():
            return
        own, texts = np.zeros(TEXT, np.uint8), np.empty((self.size, TEXT), np.uint8)
        said = np.frombuffer(call.text().encode()[:TEXT], np.uint8)
        own[: said.size] = said
        self.wait(call, lambda: self.comm.Iallgather([own, MPI.BYTE], [texts, MPI.BYTE]))
        lines = [f"  rank {rank}: {bytes(text).rstrip(bytes(1)).decode(errors='replace')}" for rank, text in enumerate(texts)]
        raise RuntimeError(f"{call.name}: the ranks do not make the same call:\n" + "\n".join(lines))

    # collectives

    def spread(self, call: Call, piece: np.ndarray, sizes: Sequence[int], outs: Pieces) -> None:
        self.agree(call)
        givers = [rank for rank, size in enumerate(sizes) if size]
        if len(givers) == 1:
            self.broadcast(call, piece, givers[0], sizes[givers[0]], outs[givers[0]])
        elif givers:
            whole = np.empty(sum(sizes), np.uint8)
            self.wait(call, lambda: self.comm.Iallgatherv([piece, MPI.BYTE], [whole, list(sizes), begins(sizes), MPI.BYTE]))
            divide(whole, sizes, [None if out is piece else out for out in outs])

    def broadcast(self, call: Call, piece: np.ndarray, root: int, size: int, out: np.ndarray | None) -> None:
        """Copy the bytes of one rank to all."""
        given = self.rank == root
        data = piece if given else np.empty(size, np.uint8) if out is None else out
        self.wait(call, lambda: self.comm.Ibcast([data, MPI.BYTE], root))
        if given and out is not None and out is not piece:
            out[...] = piece

    def exchange(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> None:
        self.exchanging(call, pieces, sizes, outs)()

    def exchanging(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> Callable[[], None]:
        self.agree(call)
        given, taken = sizes[self.rank].tolist(), sizes[:, self.rank].tolist()
        out = np.concatenate([piece for piece in pieces if piece is not None] or [np.empty(0, np.uint8)])
        coming = np.empty(sum(taken), np.uint8)
        there, here = [out, given, begins(given), MPI.BYTE], [coming, taken, begins(taken), MPI.BYTE]
        with lock:
            request = self.comm.Ialltoallv(there, here)

        def end() -> None:
            self.poll(call, request.Test)
            divide(coming, taken, outs)

        return end

    def missing(self, timeout: timedelta, every: bool) -> list[int]:
        """Rank 0 hears of all others, and lets them go on; a rank that it does not let go on has missed rank 0."""
        call, until = Call("monitored_barrier"), time.monotonic() + timeout.total_seconds()
        nothing = [np.empty(0, np.uint8), MPI.BYTE]
        late = set(range(1, self.size)) if self.rank == 0 else {0}
        if self.rank:
            self.wait(call, lambda: self.comm.Isend(nothing, 0, RELEASED + TAGS))
        while late and time.monotonic() < until:
            with lock:
                for rank in [each for each in late if self.comm.Iprobe(each, RELEASED + TAGS)]:
                    self.comm.Recv(nothing, rank, RELEASED + TAGS)
                    late.discard(rank)
            time.sleep(LONGEST)
        if self.rank == 0 and not late:
            for rank in range(1, self.size):
                self.wait(call, lambda to=rank: self.comm.Isend(nothing, to, RELEASED + TAGS))
        return sorted(late) if every else sorted(late)[:1]

    # messages

    def send(self, call: Call, words: str, data: np.ndarray, target: int, tag: int) -> None:
        said = words.encode()
        message = np.concatenate([np.frombuffer(HEAD.pack(len(said)) + said, np.uint8), data])
        self.wait(call, lambda: self.comm.Isend([message, MPI.BYTE], target, tag + TAGS))

    def receive(self, call: Call, source: int | None, tag: int) -> tuple[int, str, np.ndarray]:
        status = MPI.Status()
        place = MPI.ANY_SOURCE if source is None else source
        # who has left may have sent this before
        message = self.poll(call, lambda: self.comm.Improbe(place, tag + TAGS, status))
        data = np.empty(status.Get_elements(MPI.BYTE), np.uint8)
        self.wait(call, lambda: message.Irecv([data, MPI.BYTE]))
        end = HEAD.size + HEAD.unpack_from(data.data)[0]
        return status.Get_source(), data[HEAD.size : end].tobytes().decode(), data[end:].copy()

    # groups

    def sub(self, ranks: Sequence[int], call: Call, local: bool) -> Transport | None:
        if not local:
            self.agree(call)
        if self.rank not in ranks:
            return None
        with lock:
            return MPITransport(self.comm.Create_group(self.comm.Get_group().Incl(list(ranks))), self.timeout)

    def close(self) -> None:
        with lock:
            if MPI.Is_finalized():
                return
            requests = [
                self.comm.Isend([np.empty(0, np.uint8), MPI.BYTE], rank, LEFT + TAGS)
                for rank in range(self.size)
                if rank != self.rank
            ]
            MPI.Request.Waitall(requests)


class Ending:
    """What this process does at its end: if an error ends it, it has MPI stop the others, which would wait for it."""

    def __init__(self) -> None:
        self.failed, self.process = False, os.getpid()
        self.transport: MPITransport | None = None
        self.before = sys.excepthook
        sys.excepthook = self.excepted
        failing.listeners.append(self.note)
        atexit.register(self.end)

    def excepted(self, kind: Any, error: BaseException, trace: Any) -> None:
        """Note the error that ends this process."""
        self.note(error)
        self.before(kind, error, trace)

    def note(self, error: BaseException) -> None:
        """Note that an error ends this process."""
        self.failed = True

    def end(self) -> None:
        """Have all ranks stopped if an error ends this one; else let them know that it goes."""
        if os.getpid() != self.process or self.transport is None:
            return
        if self.failed:
            print(
                f"lineal.distributed: rank {self.transport.rank} has failed: MPI stops all ranks", file=sys.stderr, flush=True
            )
            # what was printed is still on its way to who started all ranks
            time.sleep(GRACE)
            MPI.COMM_WORLD.Abort(1)
        self.transport.close()


endings: list[Ending] = []
"""The one that this process has, once it has a transport."""


def world(timeout: timedelta) -> Transport:
    """Return the transport of all ranks that `mpirun` has started."""
    if not endings:
        endings.append(Ending())
    found = endings[0].transport = MPITransport(MPI.COMM_WORLD.Dup(), timeout)
    return found


def begins(sizes: Sequence[int]) -> list[int]:
    """Return where pieces of these sizes begin that lie one after the other."""
    return [0, *np.cumsum(sizes)[:-1].tolist()]


def divide(whole: np.ndarray, sizes: Sequence[int], outs: Pieces) -> None:
    """Copy pieces of these sizes to where they are wanted."""
    for begin, size, out in zip(begins(sizes), sizes, outs):
        if out is not None:
            out[...] = whole[begin : begin + size]
