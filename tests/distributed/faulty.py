"""Two ranks of which one goes wrong, in the way that the command line names."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta

import lineal as torch
from lineal import distributed as dist


def main(how: str, backend: str) -> None:
    """Let rank 1 go wrong; rank 0 prints what it hears of that, and after how many seconds."""
    timeout = timedelta(seconds=0.5 if how == "late" else 60)
    dist.init_process_group(backend, timeout=timeout)
    dist.barrier()
    if dist.get_rank() == 1:
        if how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "raises":
            raise KeyError("lost")
        time.sleep(5 if how == "late" else 0)
        return
    begin = time.monotonic()
    if how == "monitored":
        call = lambda: dist.monitored_barrier(timeout=timedelta(seconds=0.2))
    elif how == "messages":
        call = lambda: dist.recv(torch.ones(1), 1)
    else:
        call = lambda: dist.all_reduce(torch.ones(1))
    try:
        call()
    except RuntimeError as error:
        print(type(error).__name__, error, f"after {time.monotonic() - begin}")
        return


main(*sys.argv[1:])
