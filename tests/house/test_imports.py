"""`import lineal` is light: what is slow to load waits until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = ["scipy", "llvmlite", "matplotlib", "rich", "safetensors", "ml_dtypes", "opt_einsum", "torch", "pytest"]

PROBE = """
import sys
import lineal
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def loaded():
    """Return the top-level modules that a fresh process has loaded after `import lineal`."""
    return set(subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name", SLOW)
def test_import_leaves_alone(loaded, name):
    assert name not in loaded


def test_numpy_is_loaded(loaded):
    assert {"lineal", "numpy"} <= loaded


def test_import_is_silent():
    done = subprocess.run([sys.executable, "-c", "import lineal"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
