"""`SummaryWriter`: curves, texts, histograms and images of a run, for TensorBoard."""

from __future__ import annotations

import os
import socket
import time
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

from lineal.base.errors import UnsupportedError
from lineal.utils.tensorboard import summaries
from lineal.utils.tensorboard.records import field, record

__all__ = ["SummaryWriter"]

numbers = count()


class Events:
    """A file of events."""

    def __init__(self, folder: str, suffix: str):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(numbers)}{suffix}"
        self.file = Path(folder, name).open("ab")  # noqa: SIM115 - the writer closes it
        version = field(1, time.time()) + field(3, "brain.Event:2")
        self.file.write(record(version + field(10, field(1, "lineal.utils.tensorboard"))))
        self.file.flush()

    def add(self, summary: bytes, step: int | None, walltime: float | None) -> None:
        """Write an event that shows a summary."""
        event = field(1, float(time.time() if walltime is None else walltime)) + field(2, int(step or 0))
        self.file.write(record(event + field(5, summary)))

    def purge(self, step: int) -> None:
        """Tell TensorBoard to leave out what earlier files have from a step on: a session starts there."""
        begin = field(1, time.time()) + field(2, step)
        self.file.write(record(begin + field(3, "brain.Event:2")) + record(begin + field(7, field(1, 1))))
        self.file.flush()


class SummaryWriter:
    """Writes what happens in a run to a file in `log_dir`, by default a folder of its own in ./runs.

    Of a run that was stopped and goes on, TensorBoard leaves out what it has from step `purge_step` on.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ):
        now = datetime.now().strftime("%b%d_%H-%M-%S")
        self.log_dir = os.fspath(log_dir) if log_dir else os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.suffix = filename_suffix
        self.flush_secs, self.flushed = flush_secs, time.monotonic()
        self.files: dict[str, Events] = {}
        if purge_step is None:
            self._file(self.log_dir)
        else:
            self._file(self.log_dir).purge(purge_step)

    def get_logdir(self) -> str:
        """Return the folder of the file."""
        return self.log_dir

    def _file(self, folder: str) -> Events:
        if folder not in self.files:
            self.files[folder] = Events(folder, self.suffix)
        return self.files[folder]

    def _add(self, summary: bytes, step: int | None, walltime: float | None, folder: str | None = None) -> None:
        self._file(folder or self.log_dir).add(summary, step, walltime)
        if time.monotonic() - self.flushed > self.flush_secs:
            self.flush()

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add a point of a curve; it is kept in float32."""
        self._add(summaries.scalar(tag, scalar_value), global_step, walltime)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: dict[str, Any], global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Add points of several curves that share a figure: each curve is a run in a folder of its own."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag}_{tag}".replace("/", "_"))
            self._add(summaries.scalar(main_tag, value), global_step, walltime, folder)

    def add_text(self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None) -> None:
        """Add a text, in Markdown."""
        self._add(summaries.text(tag, text_string), global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add how numbers are distributed; `bins` are those of `numpy.histogram`, or a tenth wider from one to the next."""
        self._add(summaries.histogram(tag, values, bins), global_step, walltime)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: float | None = None, dataformats: str = "CHW"
    ) -> None:
        """Add an image, bytes or floats from 0 to 1, whose axes `dataformats` names."""
        self._add(summaries.image(tag, img_tensor, dataformats), global_step, walltime)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to add a graph, an embedding, audio, a video, a mesh, a figure, a curve or hyperparameters."""
        raise UnsupportedError("SummaryWriter: lineal writes scalars, texts, histograms and images, and nothing else")

    add_graph = add_embedding = add_audio = add_video = add_mesh = add_figure = add_pr_curve = add_hparams = add_images = (
        _refuse
    )

    def flush(self) -> None:
        """Write what is waiting to be written."""
        for each in self.files.values():
            each.file.flush()
        self.flushed = time.monotonic()

    def close(self) -> None:
        """Close the files."""
        for each in self.files.values():
            each.file.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
