"""`lineal launch`: a program in several processes of one machine, which find each other by `torch.distributed`.

Each runs under `lineal run`, with what `torchrun` tells its processes in the environment. When one fails, the others have some
seconds to notice that, and say so, before they are stopped.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from lineal.base.threads import available

__all__ = ["run"]

GRACE, PATIENCE = 4.0, 5.0
"""How many seconds the others have after one has failed, and then to end before they are killed."""
POLL = 0.02
FIRST_PORT, PORTS = 29500, 20000
"""Ports only tell runs apart here: nobody listens at them."""


def environment(args: argparse.Namespace, rank: int, port: int) -> Mapping[str, str]:
    """Return the environment of a process."""
    count = args.processes
    told = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": count,
        "LOCAL_WORLD_SIZE": count,
        "GROUP_RANK": 0,
        "GROUP_WORLD_SIZE": 1,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    threads = os.environ.get("OMP_NUM_THREADS") or max(1, available() // count)
    return {**os.environ, "OMP_NUM_THREADS": str(threads), **{name: str(value) for name, value in told.items()}}


def run(args: argparse.Namespace) -> int:
    """Run the program in all processes; return the exit code of the first that fails, 0 if none does."""
    port = args.port or FIRST_PORT + secrets.randbelow(PORTS)
    command = [sys.executable, "-m", "lineal", "run", *(["-m"] if args.module else []), args.script, *args.arguments]
    processes: list[subprocess.Popen] = []
    asked = signal.signal(signal.SIGTERM, interrupted)
    try:
        for rank in range(args.processes):
            processes.append(subprocess.Popen(command, env=environment(args, rank, port)))
        return watched(processes)
    finally:
        stop(processes)
        signal.signal(signal.SIGTERM, asked)


def interrupted(number: int, frame: object) -> None:
    """End as by the keyboard: the processes are stopped on the way out."""
    raise KeyboardInterrupt


def watched(processes: list[subprocess.Popen]) -> int:
    """Wait for all processes; return the exit code of the first that fails, after the others have ended or had their time."""
    failed = None
    until = float("inf")
    while any(each.poll() is None for each in processes) and time.monotonic() < until:
        if failed is None:
            failed = next((each for each in processes if each.poll()), None)
            until = float("inf") if failed is None else time.monotonic() + GRACE
        time.sleep(POLL)
    failed = failed or next((each for each in processes if each.poll()), None)
    if failed is None:
        return 0
    # who ends first need not be who failed first: the others may be faster to end
    told = [f"rank {rank} ({how(each.returncode)})" for rank, each in enumerate(processes) if each.poll()]
    print(f"lineal launch: ended with an error: {', '.join(told)}", file=sys.stderr)
    code = failed.returncode
    return 128 - code if code < 0 else code


def how(code: int) -> str:
    """Return in words how a process has ended."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def stop(processes: list[subprocess.Popen]) -> None:
    """Stop the processes that still run."""
    for each in processes:
        if each.poll() is None:
            each.terminate()
    until = time.monotonic() + PATIENCE
    for each in processes:
        try:
            each.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()
