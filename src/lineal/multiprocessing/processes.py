"""`spawn`: a function in several processes, started together."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from lineal.base import failing

__all__ = [
    "ProcessContext",
    "ProcessExitedException",
    "ProcessRaisedException",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]


class ProcessRaisedException(Exception):  # noqa: N818 - PyTorch's name
    """A process has raised an exception, whose traceback is the message."""

    def __init__(self, msg: str, error_index: int, error_pid: int | None):
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, error_pid


class ProcessExitedException(Exception):  # noqa: N818 - PyTorch's name
    """A process has ended with another exit code than 0, or by a signal."""

    def __init__(self, msg: str, error_index: int, error_pid: int | None, exit_code: int | None):
        super().__init__(msg)
        self.msg, self.error_index, self.pid, self.exit_code = msg, error_index, error_pid, exit_code


def call(fn: Callable[..., Any], i: int, args: tuple, errors: Any) -> None:
    """Run a function in a process of its own, and send home the traceback of what it raises."""
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        failing.tell(error)
        errors.put(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes: list[Any], errors: list[Any]):
        self.processes, self.errors = processes, errors
        self.waiting = {process.sentinel: n for n, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """Return the processes' numbers."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until a process ends; return whether all have ended well. If one fails, the others are stopped."""
        if not self.waiting:
            return True
        ended = multiprocessing.connection.wait(list(self.waiting), timeout)
        failed = [n for n in (self.waiting.pop(each) for each in ended) if self.finished(n) != 0]
        if failed:
            self.stop()
            self.complain(failed[0])
        return not self.waiting

    def finished(self, n: int) -> int | None:
        """Return the exit code of a process that has ended."""
        self.processes[n].join()
        return self.processes[n].exitcode

    def stop(self) -> None:
        """Stop the processes that still run."""
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join()

    def complain(self, n: int) -> None:
        """Raise what tells how a process has failed."""
        process = self.processes[n]
        if not self.errors[n].empty():
            text = f"\n\n-- Process {n} terminated with the following error:\n{self.errors[n].get()}"
            raise ProcessRaisedException(text, n, process.pid)
        code = process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise ProcessExitedException(f"process {n} terminated with {how}", n, process.pid, code)


def start_processes(
    fn: Callable[..., Any],
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Call `fn(i, *args)` in process i of `nprocs`; wait for all, or return their context if not to `join`.

    ProcessRaisedException has the traceback of the first that fails.
    """
    context: Any = multiprocessing.get_context(start_method)
    errors = [context.SimpleQueue() for _ in range(nprocs)]
    processes = [context.Process(target=call, args=(fn, i, args, errors[i]), daemon=daemon) for i in range(nprocs)]
    for process in processes:
        process.start()
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


spawn = start_processes


def get_all_sharing_strategies() -> set[str]:
    """Return the names of the ways in which tensors may be shared."""
    return {"file_descriptor", "file_system"}


def get_sharing_strategy() -> str:
    """Return the name of the way in which tensors are shared: by the descriptor of a file that has no name."""
    return "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Check the name of a way in which tensors may be shared; nothing changes, for no way leaves files behind."""
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(
            f"set_sharing_strategy: expected one of {sorted(get_all_sharing_strategies())}, got {new_strategy!r}"
        )
