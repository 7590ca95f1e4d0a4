"""What the commands show: a live bar on a terminal, plain lines in a pipe, tables on both."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table
from rich.text import Text

from lineal.train import Experiment
from lineal.train.scores import Tally

NARROW = 24
"""The columns that a table needs beside its names."""


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def begin(self, epoch: int) -> None:
        """Called when the epoch after `epoch` begins."""

    def batch(self, tally: Tally) -> None:
        """Hear of one more batch."""

    def end(self, epoch: int, line: dict[str, float]) -> None:
        """Called when `epoch` is done."""


class Lines(Silence):
    """One line for each epoch, for output that is no terminal."""

    def __init__(self, epochs: int):
        self.epochs = epochs

    def end(self, epoch: int, line: dict[str, float]) -> None:
        width = len(str(self.epochs))
        print(
            f"epoch {epoch:>{width}}/{self.epochs} loss {line['loss']:.4f} acc {line['accuracy']:.4f} "
            f"test {line['test_accuracy']:.4f}",
            flush=True,
        )


class Bar(Silence):
    """A live bar over all epochs with loss and accuracy as they go."""

    def __init__(self, console: Console, experiment: Experiment):
        epochs, batches = experiment.options.epochs, len(experiment.loader)
        self.epochs = epochs
        self.width = len(str(epochs))
        self.progress = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(None, complete_style="cyan", finished_style="green", table_column=Column(ratio=1, min_width=4)),
            TextColumn("{task.fields[scores]}", table_column=Column(no_wrap=True)),
            console=console,
            expand=True,
        )
        self.test = ""
        self.task = self.progress.add_task(
            self.title(experiment.epoch), total=epochs * batches, completed=experiment.epoch * batches, scores=""
        )

    def title(self, epoch: int) -> str:
        """Return the words before the bar."""
        return f"epoch {epoch:>{self.width}}/{self.epochs}"

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.progress.stop()

    def begin(self, epoch: int) -> None:
        self.progress.update(self.task, description=self.title(epoch + 1))

    def batch(self, tally: Tally) -> None:
        loss, accuracy = tally.scores()
        self.progress.update(self.task, advance=1, scores=f"loss {loss:.3f} acc {accuracy:.3f}{self.test}")

    def end(self, epoch: int, line: dict[str, float]) -> None:
        self.test = f" test {line['test_accuracy']:.3f}"
        self.progress.update(self.task, scores=f"loss {line['loss']:.3f} acc {line['accuracy']:.3f}{self.test}")


def for_training(experiment: Experiment, quiet: bool) -> Silence:
    """Return what shows the progress of a run on this output."""
    console = Console(highlight=False)
    if quiet or experiment.epoch >= experiment.options.epochs:
        return Silence()
    return Bar(console, experiment) if console.is_interactive else Lines(experiment.options.epochs)


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and values: as a table on a terminal, as one line each in a pipe or where a table has no room."""
    console = Console(highlight=False)
    width = max(len(name) for name, _ in rows)
    if not console.is_terminal or console.width < width + NARROW:
        for name, value in rows:
            print(f"{name:<{width}}  {value}")
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(table)
