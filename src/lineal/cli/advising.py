"""`lineal advise`: what a program for PyTorch does that is often a mistake."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lineal.cli import display
from lineal.cli.script import maker, outcome
from lineal.cli.standing import standing_in
from lineal.compiler.calling.function import making
from lineal.insight import Adviser
from lineal.porting.finder import install

FOUND = 1


def run(args: argparse.Namespace) -> int:
    """Run the script under watch and print the advice; return its exit code if it fails, else 1 if there is advice, or 0."""
    if not Path(args.script).is_file():
        raise FileNotFoundError(2, "No such file", args.script)
    install()
    token, adviser = making.set(maker([], False)), Adviser()
    try:
        surroundings = standing_in(args.script, Path(args.script).resolve().parent, args.arguments)
        with display.stdout_apart(args.json), adviser, surroundings:
            code = outcome(args)
    finally:
        making.reset(token)
    sys.stdout.flush()
    if args.json:
        display.show_json({"exit_code": code, "advice": [each._asdict() for each in adviser.advices]})
    else:
        print(f"\n{adviser.advices}")
    return code or (FOUND if adviser.advices else 0)
