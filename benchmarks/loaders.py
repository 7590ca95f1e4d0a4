"""Images per second that two worker processes make ready, beside PyTorch: `python benchmarks/loaders.py [--rounds 9]`.

The data set is decoded images in memory; an item is one of them as it is, or scaled, every other one flipped, and normalised.
Passes of both libraries take turns, their workers persist. Prints the most images per second of each and the median of the
ratios of neighbouring passes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import torch

import lineal
from lineal.bench.interleaved import machine

CASES = ((32, 4096, 64), (224, 384, 32))
"""Sides of the images, how many, how many in a batch."""


def loader(t: Any, images: np.ndarray, batch: int, transformed: bool) -> Any:
    """Return the loader of a library over images."""

    class Images(t.utils.data.Dataset):
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, place: int) -> tuple[Any, int]:
            image = t.from_numpy(images[place])
            if transformed:
                image = image.float().div_(255)
                image = ((image.flip(-1) if place % 2 else image) - 0.5) / 0.25
            return image, place % 10

    return t.utils.data.DataLoader(Images(), batch, num_workers=2, persistent_workers=True)


def rate(batches: Any) -> float:
    """Return the images per second of one pass."""
    start, count = time.perf_counter(), 0
    for images, _ in batches:
        count += len(images)
    return count / (time.perf_counter() - start)


def measured(side: int, count: int, batch: int, transformed: bool, rounds: int) -> tuple[float, float, float]:
    """Return the most images per second of PyTorch and of lineal, and the median ratio."""
    images = np.random.default_rng(0).integers(0, 256, (count, 3, side, side), dtype=np.uint8)
    loaders = [loader(t, images, batch, transformed) for t in (torch, lineal)]
    pairs = [[rate(each) for each in loaders] for _ in range(rounds + 1)][1:]
    theirs, mine = zip(*pairs)
    return max(theirs), max(mine), statistics.median(b / a for a, b in pairs)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(machine())
    print("| images | torch, per second | lineal, per second | median ratio |\n|---|---|---|---|")
    for side, count, batch in CASES:
        for transformed in (False, True):
            theirs, mine, ratio = measured(side, count, batch, transformed, rounds)
            name = f"3 × {side} × {side}, {'transformed' if transformed else 'as they are'}"
            print(f"| {name} | {theirs:,.0f} | {mine:,.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
