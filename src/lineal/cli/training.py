"""`lineal train`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineal import cli, train
from lineal.base.threads import THREAD_VARIABLES, get_num_threads, set_num_threads
from lineal.train import CHECKPOINT, Experiment, Options

RUN_OPTIONS = ("epochs", "batch_size", "lr", "optimizer", "hidden", "seed", "compiled")
INTERRUPTED = 130


def run(args: argparse.Namespace) -> int:
    """Train as the arguments say and return the exit code."""
    given = {name: getattr(args, name) for name in RUN_OPTIONS if getattr(args, name) is not None}
    out: Path = args.out
    experiment = open_run(out, given, args.resume)
    display = cli.display.for_training(experiment, quiet=args.quiet)  # type: ignore[attr-defined]
    try:
        with one_thread(), display:
            go_on(experiment, out, display)
    except KeyboardInterrupt:
        print(f"lineal train: {interruption(experiment, out)}", file=sys.stderr)
        return INTERRUPTED
    rows = result(experiment, out)
    rows += [] if args.no_plot else draw(experiment, out)
    cli.display.show_rows(rows)  # type: ignore[attr-defined]
    return 0


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


def open_run(out: Path, given: dict[str, Any], resume: bool) -> Experiment:
    """Return the run in the folder `out`, resumed or new; the folder can be written to."""
    if resume:
        if not (out / CHECKPOINT).exists():
            raise ValueError(f"--resume: there is no checkpoint {out / CHECKPOINT}; train without --resume first")
        experiment = Experiment.resume(out, given)
    else:
        experiment = Experiment(Options(**given))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out):
        pass
    return experiment


def go_on(experiment: Experiment, out: Path, display: Any) -> None:
    """Train the epochs that are missing, with a checkpoint after each."""
    while experiment.epoch < experiment.options.epochs:
        display.begin(experiment.epoch)
        line = experiment.run_epoch(display.batch)
        experiment.save(out)
        display.end(experiment.epoch, line)


def interruption(experiment: Experiment, out: Path) -> str:
    """Return what to say after Ctrl-C."""
    if experiment.saved == 0:
        return "interrupted before the first checkpoint"
    return f"interrupted; go on after epoch {experiment.saved} with: lineal train --resume --out {out}"


def result(experiment: Experiment, out: Path) -> list[tuple[str, str]]:
    """Return the final table."""
    scores = experiment.evaluate()
    samples = len(experiment.training) * experiment.epoch
    speed = samples / experiment.seconds if experiment.seconds > 0 else 0.0
    rows = [
        ("test accuracy", f"{scores.accuracy:.4f}"),
        ("test loss", f"{scores.loss:.4f}"),
        ("epochs", str(experiment.epoch)),
        ("parameters", f"{experiment.parameter_count:,}"),
        ("seconds", f"{experiment.seconds:.3f}"),
        ("samples per second", f"{speed:,.0f}"),
        ("checkpoint", str(out / CHECKPOINT)),
    ]
    return [*rows, ("compiled", str(experiment.gain))] if experiment.gain is not None else rows


def draw(experiment: Experiment, out: Path) -> list[tuple[str, str]]:
    """Draw the figures if matplotlib is there; returns lines for the table."""
    if importlib.util.find_spec("matplotlib") is None:
        return [("figures", 'none: pip install "lineal[plot]" draws them')]
    curve, matrix = out / "learning-curve.png", out / "confusion.png"
    train.figures.learning_curve(experiment.history, curve)
    train.figures.confusion(experiment.confusion(), matrix)
    return [("learning curve", str(curve)), ("confusion matrix", str(matrix))]
