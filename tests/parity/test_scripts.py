"""The scripts of `tests/scripts` under lineal and under PyTorch: the same loss curves from the same weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

SCRIPTS = Path(__file__).parents[1] / "scripts"
EXPECTED = json.loads((SCRIPTS / "curves.json").read_text(encoding="utf-8"))


def curves(*options):
    """Return the losses of all scripts, run in a process of their own."""
    command = [sys.executable, SCRIPTS / "driver.py", "--same", *options]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return dict(map(json.loads, told.stdout.splitlines()))


@pytest.fixture(scope="module")
def both():
    return curves(), curves("--torch")


@pytest.mark.parametrize("script", EXPECTED)
def test_a_script_has_the_same_losses(both, script):
    mine, theirs = (each[script] for each in both)
    assert mine == pytest.approx(theirs, rel=1e-4, abs=1e-6)
    assert [theirs[0], theirs[len(theirs) // 2], theirs[-1]] == pytest.approx(EXPECTED[script], rel=1e-4, abs=1e-6)
