"""Libraries written for PyTorch run on lineal: those of `pip install lineal[libraries]`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("libraries")


@pytest.mark.parametrize("name", ["einops", "opt_einsum", "torchdiffeq", "torchmetrics", "tensorboardX"])
def test_a_library_works(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} comes with lineal[libraries] alone")
    program = [sys.executable, "-m", "lineal", "run", str(PROGRAMS / f"{name.lower()}_works.py")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == f"{name} works", done.stderr
