"""Whole epochs of training, loading included: `python benchmarks/train.py [--quick] [--rounds N] [--only NAME] [--no-start]`.

An MLP, a CNN and a variational autoencoder on the handwritten digits, a character transformer and an LSTM on made data: lineal
eager and compiled, PyTorch (`pip install torch==2.13.0`) eager, each in a process of its own, which take turns. Then the first
step after a start: a new process imports, builds a network, and takes steps until they run as they will (lineal compiled: from
its cache on disk). Ratios are PyTorch's median over lineal's.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sides import SIDES, Side, answer

from lineal.bench.interleaved import machine
from lineal.data import handwritten

Epoch = Callable[[], None]
Run = tuple[Any, tuple[Any, ...], Callable[..., Any]]
"""A model, the tensors of its data, and its loss of a batch."""

BATCH = 64


def digits(t: Any) -> tuple[Any, Any]:
    """Return images and labels with a library."""
    with np.load(handwritten.FILE) as stored:
        images, labels = stored["images"].astype(np.float32) / 16, stored["labels"].astype(np.int64)
    return t.from_numpy(images), t.from_numpy(labels)


def mlp(t: Any) -> Run:
    """A perceptron 64-128-64-10."""
    nn = t.nn
    layers = [nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)]
    model = nn.Sequential(*layers)
    return model, digits(t), lambda images, labels: nn.functional.cross_entropy(model(images), labels)


def cnn(t: Any) -> Run:
    """Two blocks of convolution, batch norm and pooling."""
    nn, layers, before = t.nn, [], 1
    for after in (32, 64):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        before = after
    model = nn.Sequential(nn.Unflatten(1, (1, 8)), *layers, nn.Flatten(), nn.Dropout(0.25), nn.Linear(256, 10))
    return model, digits(t), lambda images, labels: nn.functional.cross_entropy(model(images), labels)


def gpt(t: Any) -> Run:
    """A transformer of two layers of width 64, on windows of 64 letters."""
    nn, width, length, letters = t.nn, 64, 64, 90
    layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
    parts = {"letters": nn.Embedding(letters, width), "places": nn.Embedding(length, width), "out": nn.Linear(width, letters)}
    model = nn.ModuleDict({**parts, "blocks": nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)})
    mask, places = nn.Transformer.generate_square_subsequent_mask(length), t.arange(length)

    def loss(windows: Any) -> Any:
        h = model["blocks"](model["letters"](windows[:, :-1]) + model["places"](places), mask=mask, is_causal=True)
        return nn.functional.cross_entropy(model["out"](h).flatten(0, 1), windows[:, 1:].flatten())

    windows = np.random.default_rng(0).integers(0, letters, (8 * BATCH // 2, length + 1))
    return model, (t.from_numpy(windows),), loss


def lstm(t: Any) -> Run:
    """An LSTM of width 32 over 60 moments, and 24 moments ahead."""
    nn = t.nn
    model = nn.ModuleDict({"lstm": nn.LSTM(1, 32, batch_first=True), "out": nn.Linear(32, 24)})

    def loss(rows: Any) -> Any:
        states, _ = model["lstm"](rows[:, :60, None])
        return nn.functional.mse_loss(model["out"](states[:, -1]), rows[:, 60:])

    values = np.sin(np.arange(700) / 4) + 0.1 * np.random.default_rng(0).standard_normal(700)
    rows = np.lib.stride_tricks.sliding_window_view(values.astype(np.float32), 84)
    return model, (t.from_numpy(rows.copy()),), loss


def vae(t: Any) -> Run:
    """A variational autoencoder 64-128-2-128-128-64."""
    nn = t.nn
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 4))
    layers = [nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64)]
    model = nn.ModuleDict({"encoder": encoder, "decoder": nn.Sequential(*layers)})

    def loss(images: Any) -> Any:
        mean, log_variance = model["encoder"](images).chunk(2, 1)
        logits = model["decoder"](mean + t.exp(0.5 * log_variance) * t.randn_like(mean))
        pixels = nn.functional.binary_cross_entropy_with_logits(logits, images.flatten(1), reduction="sum")
        return (pixels + 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()) / len(images)

    return model, digits(t)[:1], loss


RUNS = {"MLP": mlp, "CNN": cnn, "char-GPT": gpt, "LSTM": lstm, "VAE": vae}


def epoch_of(t: Any, run: Callable[[Any], Run], compiled: bool) -> Epoch:
    """Return one epoch of a run with a library: its batches in random order, a step of Adam for each, the mean loss."""
    t.manual_seed(0)
    model, tensors, loss_of = run(t)
    optimizer = t.optim.Adam(model.parameters(), lr=1e-3)
    loader = t.utils.data.DataLoader(t.utils.data.TensorDataset(*tensors), BATCH, shuffle=True, drop_last=True)

    def step(*batch: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = t.compile(step) if compiled else step

    def epoch() -> None:
        mean = sum(step(*batch).item() for batch in loader) / len(loader)
        assert math.isfinite(mean)

    return epoch


def serve(side: str) -> None:
    """Be the process of one side: tell the library's version, then the seconds of an epoch for each name that is asked for."""
    library, compiled = SIDES[side]
    t = importlib.import_module(library)
    print(json.dumps(t.__version__), flush=True)
    answer({name: lambda run=run: epoch_of(t, run, compiled) for name, run in RUNS.items()})


def start(side: str) -> None:
    """Be a process that has just been started: import, build the MLP, take four steps, and tell that they are done."""
    library, compiled = SIDES[side]
    t = importlib.import_module(library)
    nn = t.nn
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = t.optim.Adam(model.parameters(), lr=1e-3)
    x, y = t.randn(64, 64), t.randint(0, 10, (64,))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = t.compile(step) if compiled else step
    for _ in range(4):
        step(x, y).item()


def started(rounds: int) -> dict[str, list[float]]:
    """Return the seconds from a start to four steps, for each side, in turn, without the first, which fills caches."""
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds + 1):
            for side, seconds in found.items():
                begin = time.perf_counter()
                command = [sys.executable, __file__, "--start", side]
                if subprocess.run(command, env={**os.environ, "LINEAL_CACHE": folder}, check=False).returncode == 0:
                    seconds.append(time.perf_counter() - begin)
    return {side: seconds[1:] for side, seconds in found.items() if len(seconds) > 1}


def row(times: dict[str, list[float]], scale: float) -> list[str]:
    """Return the cells of a row: quartile, median, quartile, then PyTorch's median over lineal's."""
    cells = []
    for side in SIDES:
        if len(times.get(side, ())) < 2:
            cells.append("-")
            continue
        low, middle, high = (each * scale for each in statistics.quantiles(times[side], n=4, method="inclusive"))
        places = 2 if middle < 10 else 0
        cells.append(" ".join(f"{each:.{places}f}" for each in (low, middle, high)))
    medians = {side: statistics.median(each) for side, each in times.items() if each}
    theirs = medians.get("PyTorch", math.nan)
    return cells + [f"{theirs / medians[side]:.2f}" if side in medians else "-" for side in list(SIDES)[:2]]


def report(given: argparse.Namespace) -> None:
    """Measure, and print the table."""
    rounds = 5 if given.quick else given.rounds
    sides = {name: side for name in SIDES if (side := Side(__file__, name)).version}
    console = Console(width=130)
    versions = ", ".join(f"{name} {side.version}" for name, side in sides.items())
    console.print(f"{machine()}, NumPy {np.__version__}; {versions}; {rounds} rounds, quartile median quartile")
    table = Table("epoch", *(f"{name}, ms" for name in SIDES), *(f"PyTorch / {name}" for name in list(SIDES)[:2]))
    for name in [each for each in RUNS if (given.only or "") in each]:
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side, process in sides.items():
                times[side].append(process.seconds(name))
        table.add_row(name, *row(times, 1e3))
    if not given.no_start:
        table.add_row("start, s", *row(started(3 if given.quick else 7), 1))
    console.print(table)


def main() -> None:
    """Read the arguments and measure, or be the process of a side."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--quick", action="store_true", help="5 rounds")
    reader.add_argument("--rounds", type=int, default=15)
    reader.add_argument("--only", help="runs whose name has this in it")
    reader.add_argument("--no-start", action="store_true", help="leave out the first steps after a start")
    reader.add_argument("--serve", help=argparse.SUPPRESS)
    reader.add_argument("--start", help=argparse.SUPPRESS)
    given = reader.parse_args()
    if given.serve:
        serve(given.serve)
    elif given.start:
        start(given.start)
    else:
        report(given)


if __name__ == "__main__":
    main()
