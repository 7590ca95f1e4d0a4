"""The entry point: reads the command line, runs a command, turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from lineal import cli
from lineal.base.version import __version__
from lineal.cli import arguments
from lineal.data import CheckpointError

FAILURE, INTERRUPTED, CLOSED = 2, 130, 141
RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "train": lambda args: cli.training.run(args),  # type: ignore[attr-defined]
    "cache": lambda args: cli.caching.run(args),  # type: ignore[attr-defined]
    "info": lambda args: cli.info.run(),  # type: ignore[attr-defined]
    "run": lambda args: cli.script.run(args),  # type: ignore[attr-defined]
    "launch": lambda args: cli.launching.run(args),  # type: ignore[attr-defined]
    "check": lambda args: cli.checking.run(args),  # type: ignore[attr-defined]
    "advise": lambda args: cli.advising.run(args),  # type: ignore[attr-defined]
    "doctor": lambda args: cli.doctor.run(args),  # type: ignore[attr-defined]
    "bench": lambda args: cli.bench.run(args),  # type: ignore[attr-defined]
}
"""What each command does; its module is imported when it is called."""
FIRST = """first steps:
  lineal train              train a network on digits
  lineal run train.py       run a program of PyTorch's
  lineal doctor train.py    look for wrong numbers in it

exit codes of lineal's own:
  0 done, 1 found (check, advise, doctor),
  2 failed, 130 interrupted, 141 output closed
"""
"""What stands below the help of the whole command line."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILURE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def make_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="lineal", description="PyTorch's programming model in Python on NumPy.", allow_abbrev=False)
    parser.epilog, parser.formatter_class = FIRST, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"lineal {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    train = commands.add_parser(
        "train",
        help="train a network on handwritten digits, or on data of your own",
        description="Train a network on the handwritten digits that come with lineal, a folder of images, a table or arrays.",
        allow_abbrev=False,
    )
    arguments.add_training(train)
    commands.add_parser(
        "info",
        help="show versions, BLAS, threads and devices",
        description="Show what lineal runs on: versions, BLAS, threads, CPU, devices, cache.",
        allow_abbrev=False,
    )
    add_caching(commands)
    add_programs(commands)
    doctor = commands.add_parser(
        "doctor",
        help="run a script and compare each call of a compiled function with eager code",
        description="Run a script with every call of a compiled function compared with eager code and every access of its "
        "program to memory checked; note the lines where numbers stop being finite or few digits are left.",
        allow_abbrev=False,
    )
    arguments.add_examining(doctor)
    bench = commands.add_parser(
        "bench",
        help="measure compiled functions against the peers that are installed",
        description="Measure compiled functions beside PyTorch and JAX, if they are installed, in one interleaved run.",
        allow_abbrev=False,
    )
    arguments.add_measuring(bench)
    return parser


def add_caching(commands: argparse._SubParsersAction) -> None:
    """Add the command for the folder of compiled code."""
    caching = commands.add_parser(
        "cache",
        help="show, warm or clear the folder of compiled code",
        description="Show how much compiled code is kept between runs; compile what most programs need, or remove all.",
        allow_abbrev=False,
    )
    caching.add_argument("--warm", action="store_true", help="compile what eager code asks for in most programs, now")
    caching.add_argument("--clear", action="store_true", help="remove all compiled code, before anything is warmed")


def add_programs(commands: argparse._SubParsersAction) -> None:
    """Add the commands for programs that are written for PyTorch."""
    running = commands.add_parser(
        "run",
        help="run a program written for PyTorch, with lineal in the place of torch",
        description="Run a script or module in which `import torch` gives lineal; what lineal has not fails where it is used.",
        allow_abbrev=False,
    )
    arguments.add_running(running)
    launching = commands.add_parser(
        "launch",
        help="run such a program in several processes of this machine, as torchrun does",
        description="Run a script or module, as `lineal run` does, in several processes that compute together by "
        "torch.distributed.",
        allow_abbrev=False,
    )
    arguments.add_launching(launching)
    checking = commands.add_parser(
        "check",
        help="tell what a program written for PyTorch needs that lineal has not",
        description="Read programs, without running them, and print the names of torch that are missing, a line each.",
        allow_abbrev=False,
    )
    arguments.add_checking(checking)
    advising = commands.add_parser(
        "advise",
        help="run a program written for PyTorch and tell what in it is often a mistake",
        description="Run a script under watch and print, line by line, what loses digits, ends in NaN or does not train.",
        allow_abbrev=False,
    )
    arguments.add_advising(advising)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `lineal` with the given arguments (by default the process's) and return its exit code."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    try:
        code = RUN[args.command](args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return complain(args.command, "interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has gone; nothing may be written to it any more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except (CheckpointError, ValueError) as error:
        return complain(args.command, str(error), FAILURE)
    except OSError as error:
        return complain(args.command, f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), FAILURE)


def complain(command: str, message: str, code: int) -> int:
    """Print one line to stderr and return the exit code."""
    print(f"lineal {command}: {' '.join(message.split())}", file=sys.stderr)
    return code
