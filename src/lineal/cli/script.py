"""`lineal run`: a program for PyTorch, with lineal in the place of `torch`."""

from __future__ import annotations

import argparse
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from lineal.base import failing
from lineal.cli.standing import standing_in
from lineal.compiler import CompiledFunction
from lineal.compiler.calling.function import making
from lineal.porting.finder import install
from lineal.porting.missing import MissingNameError
from lineal.porting.usage import usage

FAILED = 1


def run(args: argparse.Namespace) -> int:
    """Run the script or the module; return its exit code, 1 if it fails."""
    if args.json and not args.report:
        raise ValueError("--json: it is the report that can be JSON, so give --report, too")
    if not args.module and not Path(args.script).is_file():
        raise FileNotFoundError(2, "No such file", args.script)
    install()
    folder = Path.cwd() if args.module else Path(args.script).resolve().parent
    made: list[CompiledFunction] = []
    token = making.set(maker(made, args.compile))
    try:
        with standing_in(args.script, folder, args.arguments):
            code = outcome(args)
    finally:
        making.reset(token)
    if args.report:
        sys.stdout.flush()
        found = report(made)
        print(json.dumps(found, ensure_ascii=False) if args.json else "\n".join(lines(found)), file=sys.stderr)
    return code


def maker(made: list[CompiledFunction], native: bool) -> Any:
    """Return what makes compiled functions: without `native`, what is marked stays as it is."""

    def make(function: Any) -> Any:
        if not native:
            return function
        made.append(CompiledFunction(function))
        return made[-1]

    return make


def outcome(args: argparse.Namespace) -> int:
    """Run the program as `__main__` and return the exit code that Python would give."""
    try:
        if args.module:
            runpy.run_module(args.script, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(args.script, run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return FAILED if isinstance(stop.code, str) else int(stop.code or 0)
    except BrokenPipeError:
        raise
    except MissingNameError as error:
        print(f"lineal run: {user_place(error.__traceback__)}: {error}", file=sys.stderr)
        return FAILED
    except Exception as error:
        failing.tell(error)
        traceback.print_exception(error.with_traceback(users(error.__traceback__)))
        return FAILED
    return 0


def users(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the program's first line on, without those of what runs it."""
    first = trace
    while first is not None and is_ours(first.tb_frame):
        first = first.tb_next
    return trace if first is None else first


def user_place(trace: TracebackType | None) -> str:
    """Return the last line of a traceback that is the program's, as `train.py:12`."""
    place = "?"
    while trace is not None:
        if not is_ours(trace.tb_frame):
            place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def is_ours(frame: FrameType) -> bool:
    """Return whether lineal or what runs scripts and imports is at work, and not the program."""
    filename = frame.f_code.co_filename
    return filename.startswith((os.path.dirname(os.path.dirname(__file__)), "<frozen ")) or filename == runpy.__file__


def report(made: list[CompiledFunction]) -> dict[str, Any]:
    """Return which names of PyTorch's were used, which were missing and where, and what became of compiled functions."""
    unused = {name: place for name, place in usage.imported.items() if name not in usage.missing}
    compiled = [line for each in made for line in told(each)]
    return {"used": sorted(usage.used), "missing": dict(usage.missing), "not_used": unused, "compiled": compiled}


def lines(report: dict[str, Any]) -> list[str]:
    """Return a report in words."""
    found = [f"used {len(report['used'])} names: {' '.join(report['used'])}"]
    found += [f"missing: {name}, asked for at {place}" for name, place in report["missing"].items()]
    found += [f"not there, imported at {place} and not used: {name}" for name, place in report["not_used"].items()]
    return found + [f"compiled {line}" for line in report["compiled"]]


def told(function: CompiledFunction) -> list[str]:
    """Return the lines that say how a compiled function runs: its programs with their host steps, or why it is eager."""
    name = getattr(function, "__name__", type(function.function).__name__)
    if function.eager is not None:
        return [f"{name}: runs eagerly: {function.eager}"]
    programs = [each for several in function.programs.values() for each in several]
    hosts = sorted({step for each in programs for step in each.host_steps()})
    return [f"{name}: {len(programs)} programs, host steps: {', '.join(hosts) or 'none'}"]
