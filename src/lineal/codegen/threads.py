"""The process's fork-join pool: threads that run emitted code side by side, the caller among them.

Workers are Python threads that live in emitted code and never hold the GIL; they start when the first region runs, wait for the
next one spinning for some microseconds, then sleep. One region runs at a time; a second caller, or a region inside a region,
runs its function alone. After a fork the child starts its own workers when it needs them.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Iterator

from lineal.base import threads as setting
from lineal.codegen.engine import Engine, engine
from lineal.codegen.once import once
from lineal.codegen.poolcode import FIELDS, SIZE, PoolWriter

# rounds of waiting before a worker sleeps; a round takes 10 to 50 ns
SPINS = 4000
NAMES = ("worker", "try_fork", "fork", "share", "stop", "acquire")


def wanted() -> int:
    """Return the number of threads to use: set_num_threads's, else OMP_NUM_THREADS, else the processors of this process."""
    if setting.Threads.chosen is not None:
        return setting.Threads.chosen
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(given) if given.isdigit() and int(given) > 0 else setting.available()


class Pool:
    """A fork-join pool; `address` and `library["fork"]` are what emitted code needs to use it."""

    def __init__(self, using: Engine):
        self.library = using.build(PoolWriter(using.target).text(), NAMES)
        self.memory = ctypes.create_string_buffer(SIZE + 64)
        self.address = (ctypes.addressof(self.memory) + 63) & -64
        self.threads: list[threading.Thread] = []
        state = ctypes.c_void_p
        self.worker = ctypes.CFUNCTYPE(None, state, ctypes.c_int32, ctypes.c_int32)(self.library["worker"])
        self.fork = ctypes.CFUNCTYPE(None, state, ctypes.c_void_p, ctypes.c_void_p)(self.library["fork"])
        self.stop = ctypes.CFUNCTYPE(None, state)(self.library["stop"])
        self.acquire = ctypes.CFUNCTYPE(ctypes.c_int32, state)(self.library["acquire"])
        self.start_callback = ctypes.CFUNCTYPE(None)(self.start)
        self.move_callback = ctypes.CFUNCTYPE(None)(self.keep_off)
        self.followed: int | None = None
        """The setting that the workers were last held against."""
        self.reset()

    def field(self, name: str) -> ctypes.c_int32:
        return ctypes.c_int32.from_address(self.address + FIELDS[name])

    def reset(self) -> None:
        """Forget all workers and regions: the state of a new process."""
        ctypes.memset(self.address, 0, SIZE)
        self.threads = []
        self.field("workers").value = -1
        start = ctypes.cast(self.start_callback, ctypes.c_void_p).value
        ctypes.c_void_p.from_address(self.address + FIELDS["start"]).value = start

    @property
    def count(self) -> int:
        """How many threads a region has, or will have."""
        workers = self.field("workers").value
        return wanted() if workers < 0 else workers + 1

    def start(self) -> None:
        """Start the workers; called by the first region, which holds the pool."""
        self.followed = setting.Threads.chosen
        count = wanted()
        generation = self.field("generation").value
        enough = count <= setting.available()
        self.field("spins").value = SPINS if enough else 0
        moved = ctypes.cast(self.move_callback, ctypes.c_void_p).value if enough else None
        ctypes.c_void_p.from_address(self.address + FIELDS["moved"]).value = moved
        self.field("place").value = -1
        for number in range(1, count):
            thread = threading.Thread(
                target=self.worker, args=(self.address, number, generation), name=f"lineal-{number}", daemon=True
            )
            thread.start()
            self.threads.append(thread)
        self.field("workers").value = count - 1

    def keep_off(self) -> None:
        """Let the workers use the processors of this thread other than the one it runs on.

        Linux often wakes a thread on the processor of the one that wakes it. There a worker waits for the caller, who meanwhile
        does all the work itself: a sum of 4 million numbers took 260 µs instead of 140.
        """
        others = os.sched_getaffinity(0) - {self.field("place").value}
        for thread in self.threads if others else ():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread.native_id, others)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def held(self, patience: float) -> Iterator[bool]:
        """Hold the pool, so that no region runs; yield False if after so many seconds one still does."""
        until = time.monotonic() + patience
        while not self.acquire(self.address):
            if time.monotonic() > until:
                yield False
                return
            time.sleep(1e-5)
        try:
            yield True
        finally:
            self.field("busy").value = 0

    def end(self, patience: float = 60.0) -> None:
        """End the workers, unless a region runs for longer; the next region starts them again, as many as are then wanted."""
        with self.held(patience) as ours:
            if not ours:
                return
            if self.threads:
                self.stop(self.address)
                for thread in self.threads:
                    thread.join()
            self.threads = []
            self.field("stop").value = 0
            self.field("workers").value = -1

    def follow(self) -> None:
        """Take over a number of threads that has been set since the workers started."""
        chosen = setting.Threads.chosen
        if chosen == self.followed:
            return
        if self.field("workers").value >= 0 and self.count != wanted():
            self.end()
        else:
            self.followed = chosen

    def run(self, function: int, argument: int = 0) -> None:
        """Call the native function at an address, function(argument, number, count), once in every thread."""
        self.follow()
        self.fork(self.address, function, argument)

    def symbols(self) -> dict[str, int]:
        """Return what emitted code binds to use the pool: call lineal_fork(lineal_pool, function, argument)."""
        library = self.library
        forks = {f"lineal_{name}": library[name] for name in ("fork", "try_fork", "share")}
        return {**forks, "lineal_pool": self.address}


@once
def pool() -> Pool:
    """Return the process's pool."""
    made = Pool(engine())
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=made.reset)
    # the code must not be unloaded under a worker that still spins in it
    atexit.register(made.end, 1.0)
    return made
