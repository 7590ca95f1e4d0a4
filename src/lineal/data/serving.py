"""The life of a worker process of a data loader."""

from __future__ import annotations

import os
import random
import threading
import time
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

import numpy as np

from lineal.base.threads import set_num_threads
from lineal.data import parcels
from lineal.data.fetching import Ended
from lineal.data.streams import numpy_words
from lineal.data.workers import Duty, Job, message
from lineal.ops.random.generator import default_generator

__all__ = ["Ending", "Failure", "serve"]


WATCH = 0.1
"""How many seconds pass until a worker that was told to end looks whether the main process still lives."""


class Ending:
    """Sent where there are no further items."""


class Failure:
    """Sent for an error: its type, if it can be pickled, and its text."""

    def __init__(self, kind: type[BaseException], text: str):
        self.kind, self.text = kind, text


def serve(connection: Connection, job: Job, number: int) -> None:
    """Do tasks that come through the connection until its other end is closed."""
    # one thread each: there are as many workers as the user wants threads
    set_num_threads(1)
    seed = seeded(job.base_seed, number)
    tasks: SimpleQueue[Any] = SimpleQueue()
    # by a thread of its own, so that neither side waits to be read by the other
    threading.Thread(target=take, args=(connection, tasks), daemon=True).start()
    duty = Duty(job, number)
    try:
        duty.begin(job.dataset, seed, own_process=True)
        for (wanted,) in iter(tasks.get, None):
            answer(connection, duty, wanted)
    except (KeyboardInterrupt, ConnectionError):
        # the main process was interrupted as well, or waits for nothing any more
        pass


def take(connection: Connection, tasks: SimpleQueue[Any]) -> None:
    """Put tasks into the queue as they come, and None when there will be no more; end with the main process."""
    parent, starter = parent_process(), os.getppid()
    try:
        while True:
            tasks.put((connection.recv(),))
    except (EOFError, OSError):
        pass
    finally:
        tasks.put(None)
    while os.getppid() == starter and (parent is None or parent.is_alive()):
        # this thread ends with the process, as soon as it has done what it is doing
        time.sleep(WATCH)
    # nobody waits for it
    os._exit(1)


def seeded(base_seed: int, number: int) -> int:
    """Seed the default generators of Python, NumPy and lineal as PyTorch does; returns lineal's seed."""
    seed = base_seed + number
    # a thread may have held it when this process was forked
    default_generator.lock = threading.Lock()
    default_generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(numpy_words(base_seed, number))
    return seed


def answer(connection: Connection, duty: Duty, wanted: Any) -> None:
    """Send what became of a task."""
    try:
        outcome = duty(wanted)
    except Ended:
        outcome = Ending()
    except Exception as error:
        return fail(connection, error, duty.number)
    try:
        parcels.send(connection, outcome)
    except ConnectionError:
        raise
    except Exception as error:
        fail(connection, error, duty.number)


def fail(connection: Connection, error: BaseException, number: int) -> None:
    """Send an error; of one whose type is known to this process alone, the text."""
    text = message(error, f"in DataLoader worker process {number}")
    try:
        parcels.send(connection, Failure(type(error), text))
    except ConnectionError:
        raise
    except Exception:
        parcels.send(connection, Failure(RuntimeError, text))
