"""Figures of the course: the label of a figure is the text for those who do not see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from sphinx_gallery.scrapers import figure_rst


def scraper(block: Any, variables: dict[str, Any], gallery: dict[str, Any]) -> str:
    """Save the open figures and return the text that shows them; ValueError if one has no label (`figure.set_label`)."""
    shown = []
    for number, path in zip(plt.get_fignums(), variables["image_path_iterator"], strict=False):
        figure = plt.figure(number)
        if not figure.get_label():
            raise ValueError(f"{variables['src_file']}: figure {number} has no label to say what it shows")
        figure.savefig(path, dpi=110)
        shown.append(figure_rst([str(Path(path))], gallery["src_dir"], figure.get_label()))
    plt.close("all")
    return "\n".join(shown)
