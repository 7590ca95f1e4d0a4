"""`lineal bug-report`: what a report of a fault needs, in one file without paths that name people."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineal import cli
from lineal.base.threads import THREAD_VARIABLES

NAME = "lineal-bug-report"
NAMES = r"(?:[A-Za-z]:)?[\\/](?:{0}+[\\/])+({0}+)"
"""An absolute path of more than one name, by the letters that names may have."""
PATHS = re.compile(r"(?<![\w:/.~>…])" + NAMES.format(r"[\w.+@~-]"))
QUOTED = re.compile("([\"'])" + NAMES.format(r"[^\"'\\/\n]") + r"\1")
"""Paths in quotes, in which blanks may be."""
LONG = 120
"""How many seconds a script has under the doctor."""


def run(args: argparse.Namespace) -> int:
    """Write the report, say where, and return the exit code: 0, whatever the doctor found."""
    if args.script is not None and not args.script.is_file():
        raise FileNotFoundError(2, "No such file", str(args.script))
    found = facts(args.seed, args.script, args.arguments)
    text = json.dumps(found, indent=2, ensure_ascii=False) if args.json else markdown(found)
    path = args.out or Path(f"{NAME}.{'json' if args.json else 'md'}")
    if str(path) == "-":
        print(text)
        return 0
    path.write_text(text + "\n", encoding="utf-8")
    print(
        f"{path}: read it, add what you expected, and send it; docs/reporting.md says where faults come from", file=sys.stderr
    )
    return 0


def facts(seed: int, script: Path | None, arguments: list[str]) -> dict[str, Any]:
    """Return what is reported, without what names a person or a place."""
    names = [*THREAD_VARIABLES, *(name for name in sorted(os.environ) if name.startswith("LINEAL_"))]
    found: dict[str, Any] = {
        "versions": dict(cli.info.facts()),  # type: ignore[attr-defined]
        "environment": {name: os.environ[name] for name in names if name in os.environ},
        "seed": seed,
    }
    if script is not None:
        found["script"] = script.read_text(encoding="utf-8", errors="replace")
        found["doctor"] = examined(seed, script, arguments)
    return anonymous(found)


def examined(seed: int, script: Path, arguments: list[str]) -> str:
    """Return what the doctor, in a process of its own which may crash, says of a script, and its exit code."""
    command = [sys.executable, "-m", "lineal", "doctor", "--seed", str(seed), str(script), *arguments]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONG, check=False)
    except subprocess.TimeoutExpired as late:
        return f"{(late.stdout or b'').decode(errors='replace')}\nstopped after {LONG} seconds"
    return f"{done.stdout.decode(errors='replace').strip()}\nexit code {done.returncode}"


def anonymous(data: Any) -> Any:
    """Return data in which absolute paths, which often name people and what they work at, are cut to their last name."""
    if isinstance(data, Mapping):
        return {name: anonymous(each) for name, each in data.items()}
    if not isinstance(data, str):
        return data
    # these may have blanks in them
    for place in (str(Path.cwd()), str(Path.home())):
        data = data.replace(place, "/~") if len(place) > 1 else data
    return PATHS.sub(r"…/\1", QUOTED.sub(r"\1…/\2\1", data))


def markdown(found: Mapping[str, Any]) -> str:
    """Return the report as text for an issue."""
    lines = ["# lineal: a report", "", "**What came out, and what should have come out:**", ""]
    for title in ("versions", "environment"):
        lines += [f"## {title.capitalize()}", "", *(f"* {name}: {value}" for name, value in found[title].items()), ""]
    lines += [f"Seed: {found['seed']}", ""]
    for title, language in (("script", "python"), ("doctor", "text")):
        if title in found:
            fence = "`" * (3 + max(map(len, re.findall("`{3,}", found[title])), default=0))
            lines += [f"## {title.capitalize()}", "", f"{fence}{language}", found[title].rstrip(), fence, ""]
    return "\n".join(lines).rstrip()
