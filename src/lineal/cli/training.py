"""`lineal train`."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineal import cli, train
from lineal.base.threads import THREAD_VARIABLES, get_num_threads, set_num_threads
from lineal.train.callbacks import Callback
from lineal.train.experiment import Experiment
from lineal.train.logs import CSVLog, JSONLog, TensorBoard
from lineal.train.options import Options
from lineal.train.resuming import CHECKPOINT

RUN_OPTIONS = tuple(field.name for field in dataclasses.fields(Options))
INTERRUPTED = 130


def run(args: argparse.Namespace) -> int:
    """Train as the arguments say and return the exit code."""
    given = {name: getattr(args, name) for name in RUN_OPTIONS if getattr(args, name) is not None}
    out: Path = args.out
    shown = cli.display.for_training(args.quiet)  # type: ignore[attr-defined]
    experiment = open_run(out, given, args.resume, [*shown, *logs(args.log or (), out)])
    try:
        with one_thread():
            experiment.run(args.resume)
    except KeyboardInterrupt:
        print(f"lineal train: {interruption(experiment, out)}", file=sys.stderr)
        return INTERRUPTED
    rows = result(experiment, out)
    rows += [] if args.no_plot else draw(experiment, out)
    cli.display.show_rows(rows)  # type: ignore[attr-defined]
    return 0


def logs(kinds: Sequence[str], out: Path) -> list[Callback]:
    """Return what keeps the numbers of a run in files of the folder `out`."""
    makers: dict[str, Callable[[], Callback]] = {
        "csv": lambda: CSVLog(out / "history.csv"),
        "jsonl": lambda: JSONLog(out / "steps.jsonl"),
        "tensorboard": lambda: TensorBoard(out / "events"),
    }
    return [makers[kind]() for kind in kinds]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread, unless the environment says how many.

    The matrices are small: a second thread gains nothing, costs much where others use the processors, and would make
    the last bits depend on the machine's number of them.
    """
    before = get_num_threads()
    if not any(name in os.environ for name in THREAD_VARIABLES):
        set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(before)


def open_run(out: Path, given: dict[str, Any], resume: bool, callbacks: Sequence[Callback] = ()) -> Experiment:
    """Return the run in the folder `out`, to be resumed or new; the folder can be written to."""
    if resume:
        if not (out / CHECKPOINT).exists():
            raise ValueError(f"--resume: there is no checkpoint {out / CHECKPOINT}; train without --resume first")
        experiment = Experiment.resumed(out, given, callbacks)
    else:
        experiment = Experiment(Options(**given), out, callbacks)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out):
        pass
    return experiment


def interruption(experiment: Experiment, out: Path) -> str:
    """Return what to say after Ctrl-C."""
    saved = experiment.trainer.saved
    if saved == 0:
        return "interrupted before the first checkpoint"
    return f"interrupted; go on after epoch {saved} with: lineal train --resume --out {out}"


def result(experiment: Experiment, out: Path) -> list[tuple[str, str]]:
    """Return the final table."""
    scores, progress = experiment.evaluate(), experiment.trainer.progress
    speed = progress.samples / progress.seconds if progress.seconds > 0 else 0.0
    rows = [
        *((f"test {name}", f"{value:.4f}") for name, value in sorted(scores.items())),
        ("epochs", str(progress.epoch)),
        ("parameters", f"{experiment.parameter_count:,}"),
        ("seconds", f"{progress.seconds:.3f}"),
        ("samples per second", f"{speed:,.0f}"),
        ("checkpoint", str(out / CHECKPOINT)),
    ]
    if progress.stopped is not None:
        rows.append(("stopped", progress.stopped))
    trainer = experiment.trainer
    if trainer.gain is not None:
        rows.append(("compiled", str(trainer.gain)))
    elif trainer.config.compiled and trainer.prepared.reason is not None:
        rows.append(("not compiled", trainer.prepared.reason))
    return rows


def draw(experiment: Experiment, out: Path) -> list[tuple[str, str]]:
    """Draw the figures if matplotlib is there; returns lines for the table."""
    if importlib.util.find_spec("matplotlib") is None:
        return [("figures", 'none: pip install "lineal[plot]" draws them')]
    curve, matrix = out / "learning-curve.png", out / "confusion.png"
    train.figures.learning_curve(experiment.history, curve)
    drawn = [("learning curve", str(curve))]
    if experiment.source.classes is not None:
        train.figures.confusion(experiment.confusion(), matrix)
        drawn.append(("confusion matrix", str(matrix)))
    return drawn
