"""Every piece of code in the texts our users learn from, with what PyTorch prints: `seed_*.txt` are doctests.

The same files run against lineal and, where it is installed, against PyTorch itself, so the expected text is PyTorch's own.
"""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

TEXTS = sorted(Path(__file__).parent.glob("*.txt"))


def failures(source: str, name: str) -> str:
    """Run the doctests in `source` and return the report of what went wrong."""
    report: list[str] = []
    test = doctest.DocTestParser().get_doctest(source, {}, name, name, 0)
    assert test.examples
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    return "".join(report)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_lineal_prints_what_pytorch_prints(path):
    assert failures(path.read_text(encoding="utf-8"), path.stem) == ""


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_the_expected_text_is_pytorchs(path):
    pytest.importorskip("torch").manual_seed(0)
    source = path.read_text(encoding="utf-8").replace("import lineal as torch", "import torch")
    assert failures(source.replace("from lineal", "from torch"), path.stem) == ""
