"""`lineal doctor`."""

from __future__ import annotations

import argparse
import dataclasses
import runpy
import traceback

from lineal import manual_seed
from lineal.cli import display
from lineal.cli.standing import standing_in
from lineal.porting.finder import install
from lineal.testing.doctor import Doctor

FOUND, FAILED = 1, 2


def run(args: argparse.Namespace) -> int:
    """Run the script under a doctor and show what it found; return 0 if nothing, 1 if something, 2 if the script failed."""
    if not args.script.is_file():
        raise FileNotFoundError(2, "No such file", str(args.script))
    install()
    manual_seed(args.seed)
    code, doctor = 0, Doctor()
    try:
        surroundings = standing_in(str(args.script), args.script.resolve().parent, args.arguments)
        with display.stdout_apart(args.json), doctor, surroundings:
            runpy.run_path(str(args.script), run_name="__main__")
    except SystemExit as stop:
        code = FAILED if stop.code not in (None, 0) else 0
    except Exception:
        traceback.print_exc()
        code = FAILED
    if args.json:
        found = [{**dataclasses.asdict(each), "fault": each.fault} for each in doctor.findings]
        counts = {"calls": doctor.calls, "compared": doctor.compared}
        display.show_json({"seed": args.seed, "script_failed": code == FAILED, **counts, "findings": found})
    else:
        print(f"\n{doctor.report()}")
        print(f"seed {args.seed}" + ("; how to report a fault: docs/reporting.md" if doctor.faults else ""))
    return code or (FOUND if doctor.findings else 0)
