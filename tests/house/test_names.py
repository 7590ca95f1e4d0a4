"""Exports, `__all__`, docstrings and the page of names agree."""

from __future__ import annotations

import ast
import importlib
import inspect
import runpy
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

import lineal
from lineal import ops

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "lineal"
NAMES = runpy.run_path(str(ROOT / "docs" / "make_names.py"))
REFERENCE = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
NAMESPACES: dict[str, ModuleType] = NAMES["namespaces"]()
EXPECTED = {
    "lineal",
    "lineal.accelerator",
    "lineal.amp",
    "lineal.array_api",
    "lineal.array_api.fft",
    "lineal.array_api.linalg",
    "lineal.autograd",
    "lineal.autograd.forward_ad",
    "lineal.autograd.function",
    "lineal.autograd.functional",
    "lineal.autograd.graph",
    "lineal.backends",
    "lineal.cpu",
    "lineal.cuda",
    "lineal.data",
    "lineal.data.vision",
    "lineal.data.vision.datasets",
    "lineal.data.vision.transforms",
    "lineal.data.vision.transforms.functional",
    "lineal.distributed",
    "lineal.distributions",
    "lineal.fft",
    "lineal.func",
    "lineal.futures",
    "lineal.fx",
    "lineal.hub",
    "lineal.jit",
    "lineal.library",
    "lineal.linalg",
    "lineal.memory",
    "lineal.models",
    "lineal.mps",
    "lineal.multiprocessing",
    "lineal.nn",
    "lineal.nn.functional",
    "lineal.nn.init",
    "lineal.nn.utils",
    "lineal.nn.utils.parametrizations",
    "lineal.nn.utils.parametrize",
    "lineal.nn.utils.prune",
    "lineal.nn.utils.rnn",
    "lineal.nn.utils.stateless",
    "lineal.optim",
    "lineal.optim.lr_scheduler",
    "lineal.optim.swa_utils",
    "lineal.overrides",
    "lineal.profiler",
    "lineal.quasirandom",
    "lineal.random",
    "lineal.serialization",
    "lineal.signal",
    "lineal.signal.windows",
    "lineal.onnx",
    "lineal.solvers",
    "lineal.solvers.preconditioners",
    "lineal.sparse",
    "lineal.special",
    "lineal.testing",
    "lineal.train",
    "lineal.types",
    "lineal.utils",
    "lineal.utils.benchmark",
    "lineal.utils.checkpoint",
    "lineal.utils.data",
    "lineal.utils.data.dataloader",
    "lineal.utils.data.dataset",
    "lineal.utils.data.distributed",
    "lineal.utils.data.sampler",
    "lineal.utils.dlpack",
    "lineal.utils.hooks",
    "lineal.utils.pytree",
    "lineal.utils.tensorboard",
    "lineal.utils.treepaths",
    "lineal.version",
    "lineal.xpu",
}


def starred(path: Path) -> list[str]:
    """Return the modules whose names a file takes over with a star, be it for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [each for node in tree.body for each in (node.body if isinstance(node, ast.If) else [node])]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return [node.module for node in imports if [each.name for each in node.names] == ["*"] and node.module]


STARRED = sorted({name for path in PACKAGE.rglob("*.py") for name in starred(path)})
LEAVES = [name for name in STARRED if not starred(Path(importlib.import_module(name).__file__ or ""))]


def test_the_namespaces_are_those_users_expect():
    # A folder's own files would show up here if a star took them along.
    extra = set(NAMESPACES) - EXPECTED - {f"lineal.backends.{each}" for each in dir(lineal.backends)}
    assert extra == set()
    reached = {id(module) for module in NAMESPACES.values()}
    assert [name for name in EXPECTED if id(importlib.import_module(name)) not in reached] == []


@pytest.mark.parametrize("name", LEAVES)
def test_a_module_taken_over_with_a_star_says_what_is_public(name):
    module = importlib.import_module(name)
    listed = module.__all__
    assert [each for each in listed if not hasattr(module, each)] == []
    assert [each for each, times in Counter(listed).items() if times > 1] == []


@pytest.mark.parametrize("name", sorted(NAMESPACES))
def test_what_a_namespace_lists_exists_once(name):
    module = NAMESPACES[name]
    listed = list(getattr(module, "__all__", []))
    assert [each for each in listed if not hasattr(module, each)] == []
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(("package", "places"), [(lineal, lineal._elsewhere), (ops, ops._functions)], ids=["lineal", "ops"])
def test_names_that_are_imported_at_first_use_are_where_they_are_looked_for(package, places):
    for place in starred(Path(package.__file__)):
        inner = place.removeprefix(f"{package.__name__}.")
        assert inner in places or place in sys.modules, place
        if inner in places:
            assert sorted(places[inner].split()) == sorted(importlib.import_module(place).__all__), place
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


def test_no_name_of_lineal_comes_from_two_places():
    places: dict[str, set[str]] = {}
    for leaf in LEAVES:
        if leaf.startswith(("lineal.ops.", "lineal.tensors.")):
            for name in importlib.import_module(leaf).__all__:
                places.setdefault(name, set()).add(leaf)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
    sources = {name: importlib.import_module(leaf) for name, (leaf, *_) in places.items()}
    hidden = [name for name, module in sources.items() if getattr(lineal, name) != getattr(module, name)]
    assert hidden == []


def undocumented(name: str) -> list[str]:
    """Return the functions and classes of a namespace that say nothing about themselves."""
    module = NAMESPACES[name]
    values = {each: getattr(module, each) for each in NAMES["members"](module)}
    return [each for each, value in values.items() if callable(value) and not documented(value)]


def documented(value: object) -> bool:
    """Return whether a callable, or the class of lineal that it is an instance of, says what it is."""
    if isinstance(value, type) or inspect.isroutine(value):
        return bool(inspect.getdoc(value))
    return type(value).__module__.startswith("lineal.") and bool(inspect.getdoc(value))


@pytest.mark.parametrize("name", sorted(NAMESPACES))
def test_public_functions_and_classes_have_docstrings(name):
    assert undocumented(name) == []


def test_the_page_of_names_is_what_is_exported():
    assert NAMES["PAGE"].read_text(encoding="utf-8") == NAMES["page"](), "run python docs/make_names.py"


def test_the_reference_is_what_the_source_says():
    folder, pages = REFERENCE["FOLDER"], REFERENCE["pages"]()
    assert {path.name for path in folder.iterdir()} == pages.keys(), "run python docs/make_api.py"
    stale = [name for name, text in pages.items() if (folder / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run python docs/make_api.py"


def test_all_that_can_be_called_says_what_it_does():
    spaces = {**NAMESPACES, "lineal.Tensor": lineal.Tensor}
    silent = {
        f"{name}.{each}"
        for name, space in spaces.items()
        for each, thing in REFERENCE["things"](space)
        if not REFERENCE["words"](thing)
    }
    assert silent == set()
