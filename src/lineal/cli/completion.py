"""`lineal completion`: a script by which a shell completes what is typed, made by shtab of the parsers themselves."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Iterator
from typing import Any

from lineal.base import later
from lineal.cli import main

shtab: Any = later.module("shtab")

FILES, FOLDERS = ("SCRIPT", "FILE", "PATH", "WHAT", "..."), ("DIR",)
"""How arguments are named in help where they are files, and folders."""


def run(args: argparse.Namespace) -> int:
    """Print the script for a shell and return the exit code; ValueError without shtab."""
    if importlib.util.find_spec("shtab") is None:
        raise ValueError('shtab makes the script: pip install "lineal[completion]"')
    parser = main.make_parser()
    for action in actions(parser):
        if action.metavar in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(parser, args.shell))
    return 0


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of those of its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from actions(each)
        else:
            yield action
