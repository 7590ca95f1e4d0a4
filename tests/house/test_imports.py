"""`import lineal` is light: what is slow to load waits until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lineal

SLOW = ["scipy", "llvmlite", "matplotlib", "rich", "safetensors", "ml_dtypes", "opt_einsum", "torch", "pytest"]

MODULES = 70
"""How many of its own modules `import lineal` may load: each takes about 0.15 ms, and all of them a third of NumPy's time."""


@pytest.fixture(scope="module")
def loaded():
    """Return the modules that a fresh process has loaded after `import lineal`."""
    code = "import sys, lineal; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name", SLOW)
def test_import_leaves_alone(loaded, name):
    assert name not in {each.partition(".")[0] for each in loaded}


def test_numpy_is_loaded(loaded):
    assert {"lineal", "numpy"} <= loaded


def test_files_of_functions_wait_until_one_is_used(loaded):
    assert len([name for name in loaded if name.partition(".")[0] == "lineal"]) <= MODULES
    assert not loaded & {"lineal.nn", "lineal.compiler", "lineal.ops.linalg.older", "lineal.ops.sorting.order"}


def test_a_method_takes_its_place_at_first_use():
    code = "import lineal; held = vars(lineal.Tensor.__mro__[3])['sort']; lineal.ones(2).sort(); print(type(held).__name__, "
    code += "vars(lineal.Tensor.__mro__[3])['sort'] is lineal.sort is lineal.Tensor.sort)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["Method", "True"]


def test_names_that_a_package_has_not_are_told():
    with pytest.raises(AttributeError, match=r"module 'lineal\.ops' has no attribute 'sorted'"):
        lineal.ops.sorted  # noqa: B018
    assert not hasattr(lineal.Tensor, "sorted")


def test_threads_that_use_a_method_at_first_get_the_same():
    code = "import threading, lineal; xs = []; start = threading.Barrier(8)\n"
    code += "def use(): start.wait(); xs.append(lineal.tensor([2.0, 1.0]).sort().values.tolist())\n"
    code += "threads = [threading.Thread(target=use) for _ in range(8)]; [each.start() for each in threads]\n"
    code += "[each.join() for each in threads]; print(xs == [[1.0, 2.0]] * 8)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True"


def test_import_is_silent():
    done = subprocess.run([sys.executable, "-c", "import lineal"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
