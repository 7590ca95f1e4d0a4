"""Every op of the house says what it is: a key of its own."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator

import pytest

import lineal
from lineal.core import Op, apply
from lineal.ops.linalg.systems import Solve, SolveEx
from lineal.ops.pattern import Elementwise
from lineal.tracing import trace

for info in pkgutil.walk_packages(lineal.__path__, "lineal."):
    if not info.name.endswith("__main__"):
        importlib.import_module(info.name)


def derived(cls: type[Op]) -> Iterator[type[Op]]:
    for each in cls.__subclasses__():
        if each.__module__.startswith("lineal."):
            yield each
            yield from derived(each)


CLASSES = sorted(set(derived(Op)), key=lambda cls: (cls.__module__, cls.__name__))
ROWS = [each for each in gc.get_objects() if type(each) is Elementwise]


def test_no_two_ops_have_one_key():
    keys = Counter([cls.key for cls in CLASSES] + [row.key for row in ROWS])
    assert {key: count for key, count in keys.items() if count > 1} == {}
    assert len(CLASSES) > 150 and len(ROWS) > 100


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_key_is_a_name(cls):
    assert cls.key.isidentifier() and not hasattr(cls, "name")


def test_two_ops_of_one_printed_name_are_told_apart_in_a_graph():
    A, b = lineal.eye(2), lineal.ones(2, 1)
    _, graph = trace(lambda A, b: (apply(Solve(), A, b), apply(SolveEx(), A, b)), A, b)
    assert [each.op.key for each in graph] == ["Solve", "SolveEx"]
    assert Solve().grad_name == SolveEx().grad_name == "LinalgSolveExBackward0"
