"""The picture of how residuals fell, drawn by matplotlib without a display."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineal.base import later
from lineal.solvers.reports import Report

# matplotlib may be absent
matplotlib_figure: Any = later.module("matplotlib.figure")
matplotlib_agg: Any = later.module("matplotlib.backends.backend_agg")

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's, which people tell apart who see colours otherwise."""
STYLES = ("-", "--", ":", "-.")


def convergence(reports: Mapping[str, Report], path: Path | None) -> Any:
    """Draw the residuals of solves, each by the first one's norm, and mark the true ones at the end."""
    figure = matplotlib_figure.Figure(figsize=(6.4, 4), layout="constrained")
    matplotlib_agg.FigureCanvasAgg(figure)
    ax = figure.subplots()
    for place, (name, report) in enumerate(reports.items()):
        first = next((each for each in report.residuals if each > 0), 1.0)
        colour, style = COLOURS[place % len(COLOURS)], STYLES[place // len(COLOURS) % len(STYLES)]
        label = name if report.converged else f"{name} ({report.status})"
        ax.semilogy([each / first for each in report.residuals], color=colour, linestyle=style, label=label)
        ax.plot(report.iterations, report.residual / first, color=colour, marker="o" if report.converged else "x")
    ax.set(xlabel="iterations", ylabel="‖b − A x‖ / ‖b − A x₀‖")
    ax.grid(alpha=0.3)
    if reports:
        ax.legend(frameon=False)
    if path is not None:
        figure.savefig(path)
    return figure
