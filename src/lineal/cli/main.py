"""The entry point: reads the command line, runs a command, turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from lineal import cli
from lineal.base.version import __version__
from lineal.cli.commands import COMMANDS, FIRST_STEPS
from lineal.data import CheckpointError

DONE, FOUND, FAILURE, INTERRUPTED, CLOSED = 0, 1, 2, 130, 141
EXIT_CODES = {
    DONE: "done",
    FOUND: "check, advise or doctor has found something",
    FAILURE: "a mistake in the command line, or a failure",
    INTERRUPTED: "interrupted from the keyboard",
    CLOSED: "who read the output has gone",
}
"""The exit codes that are lineal's own; `run`, `launch` and `advise` pass on those of the program."""
ABOUT = "PyTorch's programming model in Python on NumPy."
GAP, COLUMN = 2, 30
"""Letters between columns, and how wide the second one is at least."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILURE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def make_parser() -> Parser:
    """Return the parser of the whole command line, whose help is as wide as the terminal."""
    formatter = argparse.RawDescriptionHelpFormatter
    codes = ("exit codes of lineal's own:", *paired({str(code): words for code, words in EXIT_CODES.items()}))
    epilog = "\n".join(["first steps:", *paired(FIRST_STEPS), "", *codes])
    parser = Parser(
        prog="lineal", description=textwrap.fill(ABOUT, width()), epilog=epilog, formatter_class=formatter, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"lineal {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Parser)
    for each in COMMANDS:
        own = commands.add_parser(
            each.name,
            help=each.help,
            description=textwrap.fill(each.description, width()),
            epilog="\n".join(["examples:", *(f"  {line}" for line in each.examples)]),
            formatter_class=formatter,
            allow_abbrev=False,
        )
        each.options(own)
    return parser


def width() -> int:
    """Return how many letters a line of help may have."""
    return max(shutil.get_terminal_size().columns - GAP, 20)


def paired(texts: Mapping[str, str]) -> Iterable[str]:
    """Yield the lines of names with what they mean: in two columns, or each below its name where the terminal is narrow."""
    column = max(map(len, texts)) + 2 * GAP
    narrow = width() < column + COLUMN
    for name, words in texts.items():
        margin = " " * (2 * GAP if narrow else column)
        first = margin if narrow else f"{'':{GAP}}{name:<{column - GAP}}"
        yield from [f"{'':{GAP}}{name}"] if narrow else []
        yield textwrap.fill(words, width(), initial_indent=first, subsequent_indent=margin)


def welcome() -> str:
    """Return what `lineal` says by itself: what one can do, and what most people begin with."""
    lines = [textwrap.fill(f"lineal {__version__}: {ABOUT}", width()), "", "Begin with", *paired(FIRST_STEPS)]
    lines += ["", "All commands", *paired({each.name: each.help for each in COMMANDS})]
    return "\n".join([*lines, "", textwrap.fill("lineal COMMAND --help tells what a command takes, with examples.", width())])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `lineal` with the given arguments (by default the process's) and return its exit code."""
    args = make_parser().parse_args(argv)
    if args.command is None:
        print(welcome())
        return DONE
    try:
        module = next(each.module for each in COMMANDS if each.name == args.command)
        code = getattr(cli, module).run(args)
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
