"""Collectives of two ranks, beside PyTorch's gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
PROGRAM = Path(__file__).with_name("gloo.py")


@pytest.mark.parity
def test_collectives_give_what_gloo_gives(tmp_path):
    tmp_path.chmod(0o700)
    given = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    processes = [
        subprocess.Popen([sys.executable, str(PROGRAM), str(rank)], env=given, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    texts = [each.communicate(timeout=200)[0] for each in processes]
    assert texts == ["", ""]
