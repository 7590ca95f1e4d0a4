"""Every op of the house says what it is: its key, its axes and shapes, and what each reader of ops finds or why it does not."""

from __future__ import annotations

import inspect
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

import lineal
from lineal.base import spec
from lineal.compiler.lowering.rules import RULES as LOWERED
from lineal.compiler.lowering.rules.table import ALL, TERMS
from lineal.core import Op, apply
from lineal.onnx.rules import OPERATORS
from lineal.onnx.rules import RULES as EXPORTED
from lineal.onnx.rules.table import REASONS
from lineal.ops.linalg.systems import Solve, SolveEx
from lineal.ops.pattern import Elementwise
from lineal.tracing import trace
from lineal.transforms.batching import MOVES
from lineal.transforms.batching import RULES as BATCHED

ROOT = Path(__file__).parents[2]
OPS = runpy.run_path(str(ROOT / "docs" / "make_ops.py"))
CONCRETE, ROWS = OPS["everything"]()
CLASSES = sorted(set(OPS["derived"](Op)), key=lambda cls: (cls.__module__, cls.__name__))
READERS = ("eager", "device", "vjp", "batch", "lowers", "exports")


def test_no_two_ops_have_one_key():
    keys = Counter([cls.key for cls in CLASSES] + [row.key for row in ROWS if type(row) is Elementwise])
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
    "Likelihood.ignored LikelihoodAdjoint.ignored CholeskyUpdate.sign Polygamma.n Spherical.n ModifiedBessel.n "
    "SparseEmbedding.padding",
    "how many elements, or the number of one, along an axis": "Range.count Linspace.count KthValue.rank TopK.count "
    "Place.length Select.place Rolled.turns Scanned.turns Taped.turns Taped.rows Rewound.turns Slice.start Slice.stop "
    "Slice.step Unfold.size Unfold.step Split.cuts Roll.shifts FftC2R.size",
    "of a matrix, the last two axes": "Eye.rows Eye.columns Diagonal.offset Tril.diagonal Triu.diagonal SolveBanded.lower "
    "SolveBanded.upper FactorBand.lower FactorBand.upper RowOrder.rows NullSpace.rank ColumnSpace.rank",
    "how long the lines of a sparse matrix are": "SparseProduct.along SparseVectorProduct.along SampledProduct.along",
    "axes counted from the end": "LayerNorm.dims",
    "how many parts the channels have": "GroupNorm.groups",
    "the divisor of a mean over everything": "TermSum.n",
    "the shape that an index counts in, not of an output": "UnravelIndex.shape",
    "places in memory, which a batch has others of": "AsStrided.size AsStrided.stride AsStrided.offset AsStrided.frame "
    "Copy.order Pack.offsets Pack.size Unpack.offset Compiled.saved",
    "for every axis, counted from the last": "Repeat.repeats",
    "which of what is made a compound gives": "Compound.returned",
    "how much goes from one process to another": "ExchangeOverRanks.table",
}
"""The whole numbers among the attributes that are no axes and no shapes, by why not."""


def test_attributes_that_are_axes_or_shapes_are_annotated_so():
    whole = {
        f"{cls.key}.{field}"
        for cls in CLASSES
        for field, kind in zip(cls.fields, cls.kinds)
        if re.search(r"\b(int|Ints)\b", kind)
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
    module = LOWERED[cls].__module__.removeprefix("lineal.compiler.lowering.rules.")
    assert module.partition(".")[0] in places(cls)


@pytest.mark.parametrize("cls", EXPORTED, ids=lambda cls: cls.key)
def test_an_export_rule_stands_in_the_file_named_after_the_ops_and_names_its_operators(cls):
    module = EXPORTED[cls].__module__.removeprefix("lineal.onnx.rules.")
    assert module in places(cls) or cls.__module__.startswith(("lineal.core", "lineal.tensors", "lineal.transforms"))
    assert OPERATORS[cls]


def test_an_op_has_an_export_rule_or_a_reason_and_not_both():
    assert not EXPORTED.keys() & REASONS.keys()


@pytest.mark.parametrize("reader", READERS)
def test_every_op_has_something_for_every_reader_or_says_why_not(reader):
    assert [op.key for op in (*CONCRETE, *ROWS) if not OPS[reader](op)] == []


def test_the_page_of_ops_is_what_the_ops_say():
    assert OPS["PAGE"].read_text(encoding="utf-8") == OPS["page"](), "run python docs/make_ops.py"


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.key)
def test_a_reason_stands_only_where_something_is_missing(cls):
    assert not (cls.no_batch and cls in BATCHED)
    assert not (cls.no_lowering and cls in LOWERED)
    assert bool(cls.no_vjp) == (not cls.differentiable or "raise RuntimeError" in refusal(cls))


def refusal(cls: type[Op]) -> str:
    """Return the one statement of a derivative rule that is no more, if nothing else goes back either."""
    if cls.pull is not Op.pull:
        return ""
    lines = inspect.getsource(cls.vjp).split(":\n", 1)[1]
    return lines if lines.lstrip().startswith(("raise", "name =")) else ""


@pytest.mark.parametrize("cls", LOWERED, ids=lambda cls: cls.key)
def test_a_rule_that_may_not_apply_says_when_it_does(cls):
    terms = TERMS[cls]
    assert set(terms.of) <= set(ALL) and terms.of
    assert "None" not in str(inspect.signature(LOWERED[cls]).return_annotation) or terms.where or terms.of != ALL
