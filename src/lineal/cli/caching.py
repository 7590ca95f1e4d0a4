"""`lineal cache`."""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import lineal
from lineal import cli
from lineal.codegen.cache import LIMIT, MOST, Cache, default_folder
from lineal.core.opening import opening
from lineal.nn import functional

SIDES = (64, 1024)
"""Matrices of as many rows and columns as what is warmed is called with: few and many threads."""


def run(args: argparse.Namespace) -> int:
    """Clear or warm the cache if that is asked, and show it; return the exit code."""
    folder = default_folder()
    if folder is None:
        raise ValueError("there is no folder for compiled code: set LINEAL_CACHE or XDG_CACHE_HOME")
    cache = Cache(folder)
    display: Any = cli.display  # type: ignore[attr-defined]
    rows = [("folder", str(folder))]
    data: dict[str, Any] = {"folder": str(folder)}
    if args.clear:
        data["removed"] = cleared(cache)
        rows.append(("removed", f"{data['removed']:,} files"))
    if args.warm:
        began = time.perf_counter()
        warm()
        data["seconds"] = time.perf_counter() - began
        rows.append(("warmed", f"in {data['seconds']:.1f} s"))
    if args.json:
        sizes = [size for _, size, _ in cache.entries()]
        display.show_json({**data, "pieces": len(sizes), "bytes": sum(sizes), "most_pieces": MOST, "most_bytes": LIMIT})
    else:
        display.show_rows([*rows, ("holds", held(cache))])
    return 0


def held(cache: Cache) -> str:
    """Return how much a cache holds, and may hold."""
    sizes = [size for _, size, _ in cache.entries()]
    return f"{len(sizes):,} of {MOST:,} pieces of code, {sum(sizes) / 1e6:.1f} of {LIMIT / 1e6:.0f} MB"


def cleared(cache: Cache) -> int:
    """Remove all entries; return how many there were."""
    paths = [path for _, _, path in cache.entries()]
    for path in paths:
        os.unlink(path)
    return len(paths)


def warm() -> None:
    """Let everything be compiled that eager code asks for sooner or later, whatever the program."""
    opening.prepare()
    for dtype in (lineal.float32, lineal.float64):
        for side in SIDES:
            x = lineal.randn(side, side, dtype=dtype, requires_grad=True)
            target = lineal.arange(side) % side
            for y in (x.exp(), x.tanh(), x.softmax(-1), functional.gelu(x), functional.silu(x)):
                (y.sum() + x.mean(0).var() + x.amax(-1).sum() + functional.mse_loss(y, x * 2)).backward()
            row = lineal.ones(side, dtype=dtype, requires_grad=True)
            y = functional.layer_norm(x, (side,), row, row)
            functional.cross_entropy(functional.linear(y, x, row), target).backward()
            for work in (x.detach().cumsum, x.detach().topk):
                work(1)
            for made in (functional.dropout(x.detach()), x.detach().T):
                made.contiguous()
