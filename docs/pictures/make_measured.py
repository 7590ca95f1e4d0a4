"""Draw docs/pictures/measured.png from the first table of docs/measurements.md: python docs/pictures/make_measured.py"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
LABELS = {
    "linear regression 200 × 5, one step of SGD": "linear regression,\na step of SGD",
    "MLP 16-32-32-1, batch 32, one step of Adam": "small network,\na step of Adam",
    "MLP 784-256-10, batch 256, one step of Adam": "784-256-10 network,\na step of Adam",
    "gelu(x w + b) + tanh(x) / 2, 5 million float32": "elementwise,\n5 million numbers",
    "3 transformer blocks, width 128, one step of AdamW": "transformer,\na step of AdamW",
}
SERIES = (("PyTorch", 1, "#0072b2"), ("jax.jit", 2, "#e69f00"), ("lineal, compiled", 0, "#009e73"))
"""Who is drawn, its column of times, and its colour, of those that the colour-blind can tell apart."""


def rows(page: str) -> dict[str, list[float]]:
    """Return the times of the first table, in microseconds, by workload."""
    lines = page.partition("| workload | lineal | torch eager |")[2].splitlines()[2:]
    table = {}
    for line in lines:
        if not line.startswith("|"):
            break
        workload, *cells = [each.strip() for each in line.strip("|").split("|")]
        table[workload] = [float(each.replace(",", "")) for each in cells[:3]]
    return table


def main() -> None:
    """Draw the picture."""
    table = rows((HERE.parent / "measurements.md").read_text(encoding="utf-8"))
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for number, (name, column, colour) in enumerate(SERIES):
        ratios = [table[each][column] / table[each][0] for each in LABELS]
        bars = axes.bar([place + (number - 1) * 0.27 for place in range(len(LABELS))], ratios, 0.25, label=name, color=colour)
        texts = [f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if column else "1" for ratio in ratios]
        axes.bar_label(bars, texts, padding=2, fontsize=9)
    axes.set_yscale("log")
    axes.set_ylim(0.5, 400)
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.minorticks_off()
    axes.set_xticks(range(len(LABELS)), list(LABELS.values()), fontsize=9)
    axes.set_ylabel("time of a call, lineal = 1")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, loc="upper right")
    figure.savefig(HERE / "measured.png", dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()
