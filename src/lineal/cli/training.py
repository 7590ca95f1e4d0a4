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
from lineal.train.ratefinder import find_rate
from lineal.train.resuming import CHECKPOINT
from lineal.train.seeds import over_seeds

RUN_OPTIONS = tuple(field.name for field in dataclasses.fields(Options))
INTERRUPTED = 130


def run(args: argparse.Namespace) -> int:
    """Train as the arguments say and return the exit code."""
    given = {name: getattr(args, name) for name in RUN_OPTIONS if getattr(args, name) is not None}
    out: Path = args.out
    if args.find_lr:
        return find_lr(Options(**given), out, args.no_plot, args.json)
    if args.seeds is not None:
        return run_seeds(Options(**given), out, args.seeds, args.json)
    display: Any = cli.display  # type: ignore[attr-defined]
    shown = display.for_training(args.quiet or args.json)
    experiment = open_run(out, given, args.resume, [*shown, *logs(args.log or (), out)])
    try:
        with one_thread():
            experiment.run(args.resume)
    except KeyboardInterrupt:
        print(f"lineal train: {interruption(experiment, out)}", file=sys.stderr)
        return INTERRUPTED
    found = result(experiment, out)
    drawn = [] if args.no_plot else draw(experiment, out)
    if args.json:
        display.show_json({**found, "figures": [path for _, path in drawn if Path(path).exists()]})
    else:
        display.show_rows([*rows(found), *drawn])
    return 0


def find_lr(options: Options, out: Path, plain: bool, as_json: bool) -> int:
    """Try learning rates, show the one at which the loss falls fastest, and return the exit code."""
    experiment = Experiment(options)
    with one_thread():
        found = find_rate(experiment.trainer, experiment.loader)
    told = [("learning rate", f"{found.suggestion:.1e}"), ("tried", f"{found.rates[0]:.1e} to {found.rates[-1]:.1e}")]
    if not plain and importlib.util.find_spec("matplotlib") is not None:
        out.mkdir(parents=True, exist_ok=True)
        train.figures.rate_range(found.rates, found.losses, found.suggestion, out / "learning-rate.png")
        told.append(("picture", str(out / "learning-rate.png")))
    display: Any = cli.display  # type: ignore[attr-defined]
    if as_json:
        display.show_json({"learning_rate": found.suggestion, "rates": list(found.rates), "losses": list(found.losses)})
    else:
        display.show_rows(told)
    return 0


def run_seeds(options: Options, out: Path, count: int, as_json: bool) -> int:
    """Make a run for each of so many seeds, in folders of their own, show how results are spread, and return the exit code."""

    def run_one(seed: int) -> dict[str, float]:
        experiment = Experiment(dataclasses.replace(options, seed=seed), out / f"seed-{seed}")
        experiment.run()
        return experiment.evaluate()

    with one_thread():
        spreads = over_seeds(run_one, range(options.seed, options.seed + count))
    display: Any = cli.display  # type: ignore[attr-defined]
    if as_json:
        display.show_json({"test": {name: each._asdict() for name, each in sorted(spreads.items())}})
    else:
        display.show_rows([(f"test {name}", str(each)) for name, each in sorted(spreads.items())])
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


def result(experiment: Experiment, out: Path) -> dict[str, Any]:
    """Return how the run went, by name; `compiled` says what it gained, or `not_compiled` why it ran eagerly."""
    progress, trainer = experiment.trainer.progress, experiment.trainer
    found: dict[str, Any] = {
        "test": dict(sorted(experiment.evaluate().items())),
        "epochs": progress.epoch,
        "parameters": experiment.parameter_count,
        "seconds": progress.seconds,
        "samples_per_second": progress.samples / progress.seconds if progress.seconds > 0 else 0.0,
        "checkpoint": str(out / CHECKPOINT),
    }
    if progress.stopped is not None:
        found["stopped"] = progress.stopped
    if trainer.gain is not None:
        found["compiled"] = str(trainer.gain)
    elif trainer.config.compiled and trainer.how.startswith("eagerly: "):
        found["not_compiled"] = trainer.how.removeprefix("eagerly: ")
    return found


FORMS = {"epochs": "{}", "parameters": "{:,}", "seconds": "{:.3f}", "samples_per_second": "{:,.0f}"}
"""How the numbers of a run are written in the final table."""


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the final table."""
    scores = [(f"test {name}", f"{value:.4f}") for name, value in found["test"].items()]
    others = {name: value for name, value in found.items() if name != "test"}
    return scores + [(name.replace("_", " "), FORMS.get(name, "{}").format(value)) for name, value in others.items()]


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
