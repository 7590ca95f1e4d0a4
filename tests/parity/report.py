"""Print how far each op agrees with PyTorch: `python tests/parity/report.py --op add --fail-only --traceback`."""

import argparse
import collections
import sys

from checks import KINDS, Finding, examine, examine_errors
from names import FAMILIES, FAMILY_OF
from reference import DTYPES, dtypes_of, full_name, op_db, torch


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="only this family (may be repeated)")
    parser.add_argument("--op", action="append", help="only this op: add, div.floor_rounding (may be repeated)")
    parser.add_argument("--dtype", action="append", choices=[*DTYPES, "bfloat16"], help="only this dtype (may be repeated)")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this check (may be repeated)")
    parser.add_argument("--fail-only", action="store_true", help="leave out ops without failures")
    parser.add_argument("--traceback", action="store_true", help="print the traceback of every failure shown")
    parser.add_argument("--failures", type=int, help="failures shown per op (1; all different ones with --op)")
    return parser.parse_args()


def wanted(options):
    for op in sorted((op for op in op_db if op.name in FAMILY_OF), key=full_name):
        family = FAMILY_OF[op.name]
        named = not options.op or op.name in options.op or full_name(op) in options.op
        if named and (not options.family or family in options.family):
            yield family, op


def findings(op, dtypes):
    """Return every finding of an op; a crash of the harness itself becomes one too."""
    found = []
    for dtype in dtypes:
        if getattr(torch, dtype) in op.dtypes:
            found += guarded(op, dtype, lambda dtype=dtype: list(examine(op, dtype)))
    return found + guarded(op, "any", lambda: list(examine_errors(op)))


def guarded(op, dtype, work):
    try:
        return work()
    except Exception as crash:
        return [Finding(full_name(op), dtype, "value", "fail", "(harness)", f"{type(crash).__name__}: {crash}")]


def row(name, found):
    """Return one line: samples tried, then ok/tried for each kind of check."""
    cells = []
    for kind in KINDS:
        statuses = [one.status for one in found if one.kind == kind and one.status in ("ok", "fail")]
        good = statuses.count("ok")
        mark = " " if good == len(statuses) else "!"
        cells.append(f"{good}/{len(statuses)}{mark}".rjust(10) if statuses else "".rjust(10))
    return f"{name[:26]:26}{''.join(cells)}"


def show_failures(found, most, with_trace):
    seen = set()
    for one in found:
        key = (one.kind, one.message)
        if one.status != "fail" or key in seen:
            continue
        seen.add(key)
        if len(seen) > most:
            continue
        print(f"    [{one.dtype} {one.kind}] {one.call[:200]}\n        {one.message[:400]}")
        if with_trace:
            print("        " + one.trace.replace("\n", "\n        "))
    if len(seen) > most:
        print(f"    … and {len(seen) - most} other kinds of failure (--op, --failures)")


def show_families(tally):
    print(f"\n{'family':14}{'ops':>6}{'green':>7}{'checks':>9}{'ok':>9}{'failed':>8}{'meant':>7}{'skipped':>9}")
    for family, counts in [*tally.items(), ("all", sum(tally.values(), collections.Counter()))]:
        checks = sum(counts[status] for status in ("ok", "fail"))
        line = f"{family:14}{counts['ops']:6}{counts['green']:7}{checks:9}{counts['ok']:9}{counts['fail']:8}"
        print(f"{line}{counts['meant']:7}{counts['skip']:9}")


def main():
    options = arguments()
    most = options.failures or (12 if options.op else 1)
    tally = collections.defaultdict(collections.Counter)
    print(f"{'op':26}{''.join(kind.rjust(9) + ' ' for kind in KINDS)}")
    for family, op in wanted(options):
        found = [one for one in findings(op, options.dtype or dtypes_of(op)) if not options.kind or one.kind in options.kind]
        failed = any(one.status == "fail" for one in found)
        tally[family].update(one.status for one in found)
        tally[family].update(ops=1, green=int(not failed))
        if failed or not options.fail_only:
            print(row(full_name(op), found), flush=True)
            show_failures(found, most, options.traceback)
    show_families(tally)
    return int(any(counts["fail"] for counts in tally.values()))


if __name__ == "__main__":
    sys.exit(main())
