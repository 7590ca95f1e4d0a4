"""`lineal check`: what a program for PyTorch asks for that lineal has not, before it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from lineal import cli
from lineal.porting.reading import findings

FOUND = 1


def run(args: argparse.Namespace) -> int:
    """Print what is missing, a line each; return 1 if anything is, else 0."""
    found = [each for path in files(args.paths) for each in findings(path)]
    if args.json:
        cli.display.show_json({"missing": [each._asdict() for each in found]})  # type: ignore[attr-defined]
    else:
        print("\n".join(map(str, found)) or "nothing is missing")
    return FOUND if found else 0


def files(paths: list[Path]) -> list[Path]:
    """Return the Python files that are named, or lie in the folders that are."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(2, "No such file or folder", str(path))
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found
