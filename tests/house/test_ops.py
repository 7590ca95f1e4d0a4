"""Every op of the house says what it is: a key of its own, and which of its attributes are axes and shapes."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator

import pytest

import lineal
from lineal.base import spec
from lineal.compiler.rules import RULES as LOWERED
from lineal.core import Op, apply
from lineal.ops.linalg.systems import Solve, SolveEx
from lineal.ops.pattern import Elementwise
from lineal.tracing import trace
from lineal.transforms.batching import MOVES
from lineal.transforms.batching import RULES as BATCHED

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


PLAIN = {
    "a number that is counted with or compared": "HistC.bins Edges.bins BinCount.least Integers.low Integers.high "
    "Likelihood.ignored LikelihoodAdjoint.ignored CholeskyUpdate.sign Polygamma.n Spherical.n",
    "how many elements, or the number of one, along an axis": "Range.count Linspace.count KthValue.rank TopK.count "
    "Place.length Select.place Slice.start Slice.stop Slice.step Unfold.size Unfold.step Split.cuts Roll.shifts",
    "of a matrix, the last two axes": "Eye.rows Eye.columns Diagonal.offset Tril.diagonal Triu.diagonal SolveBanded.lower "
    "SolveBanded.upper FactorBand.lower FactorBand.upper RowOrder.rows NullSpace.rank ColumnSpace.rank",
    "axes counted from the end": "LayerNorm.dims",
    "the divisor of a mean over everything": "SquaredDifferences.n",
    "the shape that an index counts in, not of an output": "UnravelIndex.shape",
    "places in memory, which a batch has others of": "AsStrided.size AsStrided.stride AsStrided.offset AsStrided.frame "
    "Pack.offsets Pack.size Unpack.offset Compiled.saved",
    "for every axis, of ops that have no rule for batches": "Crop.ranges Repeat.repeats",
}
"""The whole numbers among the attributes that are no axes and no shapes, by why not."""


def test_attributes_that_are_axes_or_shapes_are_annotated_so():
    whole = {
        f"{cls.key}.{field}"
        for cls in CLASSES
        for field, kind in zip(cls.fields, cls.kinds)
        if re.search(r"\b(int|Ints|Ranges)\b", kind)
    }
    assert whole == {each for fields in PLAIN.values() for each in fields.split()}


def test_the_types_of_axes_and_shapes_are_those_that_batching_moves():
    kinds = {kind.removesuffix(" | None") for cls in CLASSES for kind in cls.kinds}
    assert set(MOVES) <= kinds
    assert all(hasattr(spec, kind) for kind in set(MOVES) - {"ViewOp"})


def places(cls: type[Op]) -> list[str]:
    """Return the names of the folders and the file that an op stands in; a row's is wherever its family stands."""
    return ["elementwise"] if cls is Elementwise else cls.__module__.split(".")[1:]


@pytest.mark.parametrize("cls", BATCHED, ids=lambda cls: cls.key)
def test_a_batch_rule_stands_in_the_file_named_after_the_ops(cls):
    module = BATCHED[cls].__module__.removeprefix("lineal.transforms.batching.")
    assert module == "moving" or module in places(cls)


@pytest.mark.parametrize("cls", LOWERED, ids=lambda cls: cls.key)
def test_a_rule_of_the_compiler_stands_in_the_file_named_after_the_ops(cls):
    module = LOWERED[cls].__module__.removeprefix("lineal.compiler.rules.")
    assert module.partition(".")[0] in places(cls)
