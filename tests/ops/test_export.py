"""Every sample whose ops have export rules, exported and run, is what eager code gives; others say which op has none."""

import operator
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("onnx")

from samples import contraction, elementwise, indexing, reductions, sorting, structural

import lineal
from lineal import ops
from lineal.core import lift
from lineal.onnx import OnnxExporterError, export
from lineal.onnx.rules import RULES, reason_of
from lineal.ops.pattern import Elementwise

pytest.importorskip("onnx")

FAMILIES = {elementwise: 95, structural: 70, indexing: 14, reductions: 30, sorting: 4, contraction: 15}
"""How many names of each family become files, at least."""
REASONS = ("Python reads a tensor", "ONNX", "no rule so far", "depends on numbers", "strides", "`AsStrided` looks at")
SINGLE = np.dtype(np.float32)


def calls(family):
    """Yield name, function and float32 inputs of every sample that has tensors, and no complex ones."""
    for name, samples in family.SAMPLES.items():
        function = operator.attrgetter(name)(lineal if "." in name else ops)
        for sample in samples:
            arrays = sample.arrays()
            if arrays and all(each.dtype.kind != "c" for each in arrays):
                xs = tuple([lift(each.astype(SINGLE) if each.dtype.kind == "f" else each.copy()) for each in arrays])
                yield name, (lambda *xs, call=sample.call, function=function: call(function, list(xs))), xs


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__.rpartition(".")[2])
def test_what_has_a_rule_is_what_eager_code_gives(family):
    exported = Counter()
    for name, function, xs in calls(family):
        try:
            program = export(function, xs)
        except OnnxExporterError as error:
            assert any(why in str(error) for why in REASONS), name
        else:
            exported[name] += len(program.model_proto.graph.node)
    assert len(exported) >= FAMILIES[family]


def test_no_class_of_ops_has_a_rule_and_a_reason():
    assert Elementwise in RULES
    assert [cls.key for cls in RULES if reason_of(cls)] == []
