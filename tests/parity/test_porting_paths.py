"""The table of paths knows every module that lineal and PyTorch have under one path."""

import importlib.util
import pkgutil

import pytest

import lineal
from lineal.porting.paths import PATHS

pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity


def test_no_module_of_both_is_missing_in_the_table():
    names = [each.name.removeprefix("lineal.") for each in pkgutil.walk_packages(lineal.__path__, "lineal.")]
    public = [name for name in names if not name.startswith(("codegen.", "compiler.", "ops.", "porting", "as_torch"))]
    both = [name for name in public if found(f"torch.{name}")]
    # torch.ops finds kernels by name, lineal.ops is the folder of the mathematics
    assert sorted(set(both) - PATHS.keys() - {"ops"}) == []


def test_every_path_of_the_table_is_one_of_pytorchs():
    assert [path for path in PATHS if path and not found(f"torch.{path}")] == []


def found(path):
    """Return whether PyTorch has a module of this path."""
    try:
        return importlib.util.find_spec(path) is not None
    except ValueError:  # it is imported, and has no spec
        return True
    except (ImportError, AttributeError):
        return False
