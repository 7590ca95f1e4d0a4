"""Random programs in parallel processes: `python tests/compiler/fuzz/run.py --seeds 0:200000 --jobs 2`.

Prints every mismatch with its seed and a small program that shows it; survives processes that crash or hang, and reports their
seeds; ends with totals. `--show SEED` prints one program and what became of it.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.comparing import Report, compared
from fuzz.objects import in_memory
from fuzz.shrinking import small
from fuzz.statements import program
from lineal.compiler import checking

BLOCK = 1000
"""How many programs a process runs."""
PATIENCE = 180
"""After how many seconds without a word a process is taken to hang."""


def worker(first: int, last: int, shrink: bool, check: bool, zeros: bool) -> None:
    """Run programs, and tell of each on standard output, a line of JSON before and one after."""
    in_memory(first // BLOCK % 4 == 3)
    with checking() if check else contextlib.nullcontext():
        several(first, last, shrink, zeros)


def several(first: int, last: int, shrink: bool, zeros: bool) -> None:
    """Run programs one after the other."""
    for seed in range(first, last):
        tell({"begun": seed})
        made = program(seed)
        try:
            report = compared(made, zeros=zeros)
        except Exception as error:
            report = Report(kind="harness", mismatch=f"{type(error).__name__}: {error}")
        if report.mismatch:
            shown = small(made) if shrink and report.kind != "harness" else made
            tell({"seed": seed, "kind": report.kind, "mismatch": report.mismatch, "program": str(shown)})
        tell({"done": seed, "native": report.native, "calls": report.calls, "why": report.why, "errors": report.errors})


def tell(what: dict) -> None:
    print(json.dumps(what), flush=True)


class Totals:
    """What became of all programs."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.started = time.monotonic()
        self.done = self.native = self.calls = self.errors = 0
        self.why: collections.Counter[str] = collections.Counter()
        self.kinds: collections.Counter[str] = collections.Counter()

    def add(self, word: dict) -> None:
        """Count one program."""
        self.done += 1
        self.native += word["native"]
        self.calls += word["calls"]
        self.errors += word["errors"]
        if word["why"]:
            self.why[word["why"][:60]] += 1

    def fault(self, seed: int, kind: str, text: str) -> None:
        """Print a mismatch, crash or hang."""
        with self.lock:
            self.kinds[kind] += 1
            print(f"==== seed {seed}: {kind}\n{text}\n", flush=True)

    def __str__(self) -> str:
        took = time.monotonic() - self.started
        lines = [f"{self.done:,} programs in {took:.0f} s, {self.native:,} ran natively ({self.calls:,} native calls);"]
        lines += [f"{self.errors:,} calls raised; {sum(self.kinds.values())} faults {dict(self.kinds)}"]
        lines += [f"  left to run eagerly: {count:6,} {why}" for why, count in self.why.most_common(12)]
        return "\n".join(lines)


def watched(blocks: queue.Queue, totals: Totals, options: list[str]) -> None:
    """Let processes run blocks of seeds, one after the other; go on after the seed at which one died."""
    while True:
        try:
            first, last = blocks.get_nowait()
        except queue.Empty:
            return
        while first < last:
            first = process(first, last, totals, options)


def process(first: int, last: int, totals: Totals, options: list[str]) -> int:
    """Run one process from a seed on; return the seed to go on from."""
    command = [sys.executable, __file__, "--worker", f"{first}:{last}", *options]
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert child.stdout is not None
        now, alarm = first, threading.Timer(PATIENCE, child.kill)
        alarm.start()
        for line in child.stdout:
            alarm.cancel()
            alarm = threading.Timer(PATIENCE, child.kill)
            alarm.start()
            now = heard(json.loads(line), totals, now)
        code = child.wait()
        alarm.cancel()
        if code == 0:
            return last
        errors.seek(0)
        reason = "hang" if code == -signal.SIGKILL else f"exit {code}"
        totals.fault(now, reason, f"block from {first}\n{program(now)}\n{errors.read()[-1500:]}")
        return now + 1


def heard(word: dict, totals: Totals, now: int) -> int:
    """Take in what a process tells; return the seed it is at."""
    if "begun" in word:
        return word["begun"]
    if "done" in word:
        totals.add(word)
        if totals.done % 5000 == 0:
            print(totals, flush=True)
    else:
        totals.fault(word["seed"], word["kind"], f"{word['mismatch']}\n{word['program']}")
    return now


def arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--seeds", default="0:2000", help="first:last")
    reader.add_argument("--jobs", type=int, default=2)
    reader.add_argument("--keep-size", action="store_true", help="print failing programs as they are")
    reader.add_argument("--checking", action="store_true", help="hold every access to memory against what is declared")
    reader.add_argument("--zeros", action="store_true", help="tell 0 from -0, whose sign in a sum depends on where it begins")
    reader.add_argument("--show", type=int)
    reader.add_argument("--worker", help=argparse.SUPPRESS)
    return reader.parse_args()


def seeds(text: str) -> tuple[int, int]:
    first, last = text.split(":")
    return int(first), int(last)


def main() -> int:
    given = arguments()
    if given.worker:
        worker(*seeds(given.worker), not given.keep_size, given.checking, given.zeros)
        return 0
    if given.show is not None:
        print(program(given.show), compared(program(given.show)), sep="\n")
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    blocks: queue.Queue = queue.Queue()
    first, last = seeds(given.seeds)
    for start in range(first, last, BLOCK):
        blocks.put((start, min(start + BLOCK, last)))
    options = [f"--{name}" for name in ("keep-size", "checking", "zeros") if getattr(given, name.replace("-", "_"))]
    totals = Totals()
    threads = [threading.Thread(target=watched, args=(blocks, totals, options)) for _ in range(given.jobs)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    print(totals)
    return bool(totals.kinds)


if __name__ == "__main__":
    sys.exit(main())
