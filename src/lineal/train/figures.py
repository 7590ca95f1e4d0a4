"""The pictures of a run, drawn by matplotlib without a display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE = "#0072b2", "#d55e00"


def learning_curve(history: Sequence[dict[str, float]], path: Path) -> None:
    """Draw loss and metrics, training and test, over the epochs into a PNG file."""
    names = [name for name in history[0] if not name.startswith("test_")] if history else ["loss"]
    figure = Figure(figsize=(4.5 * len(names), 3.6), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    epochs = range(1, len(history) + 1)
    for ax, name in zip(axes, names):
        for key, colour, label in ((name, BLUE, "training"), (f"test_{name}", ORANGE, "test")):
            if not history or key not in history[0]:
                continue
            ax.plot(epochs, [line[key] for line in history], color=colour, label=label, marker=".")
        ax.set(xlabel="epoch", title=name)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
    axes[0].set_ylim(bottom=0)
    draw(figure, path)


def confusion(matrix: Any, path: Path) -> None:
    """Draw a confusion matrix (rows: what the sample is, columns: what it was taken for) into a PNG file."""
    counts = matrix.tolist()
    classes = range(len(counts))
    figure = Figure(figsize=(5, 5), layout="constrained")
    ax = figure.subplots()
    ax.imshow([[count / max(sum(row), 1) for count in row] for row in counts], cmap="Blues", vmin=0, vmax=1)
    for true, row in enumerate(counts):
        for taken, count in enumerate(row):
            if count:
                ax.text(taken, true, count, ha="center", va="center", color="white" if true == taken else "black")
    correct = sum(counts[each][each] for each in classes)
    total = sum(map(sum, counts))
    ax.set(xlabel="taken for", ylabel="is", xticks=classes, yticks=classes, title=f"{correct} of {total} right")
    draw(figure, path)


def rate_range(rates: Sequence[float], losses: Sequence[float], suggestion: float, path: Path) -> None:
    """Draw the losses that growing learning rates led to into a PNG file."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    ax = figure.subplots()
    ax.plot(rates, losses, color=BLUE)
    ax.axvline(suggestion, color=ORANGE, linewidth=0.8, label=f"falls fastest at {suggestion:.1e}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
    ax.legend(frameon=False)
    draw(figure, path)


def comparison(found: dict[str, dict[str, float]], path: Path) -> None:
    """Draw how many times faster lineal is than each peer, by workload, into a PNG file."""
    peers = sorted({peer for seconds in found.values() for peer in seconds} - {"lineal"})
    figure = Figure(figsize=(8, 0.6 + 0.5 * len(found)), layout="constrained")
    ax = figure.subplots()
    for place, peer in enumerate(peers):
        rows = [(row, seconds[peer] / seconds["lineal"]) for row, seconds in enumerate(found.values()) if peer in seconds]
        ax.barh([row + place * 0.8 / len(peers) for row, _ in rows], [ratio for _, ratio in rows], 0.8 / len(peers), label=peer)
    ax.set_yticks(range(len(found)), list(found))
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set(xscale="log", xlabel="times the seconds of lineal compiled")
    ax.invert_yaxis()
    ax.legend(frameon=False)
    draw(figure, path)


def draw(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG file."""
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=120)
