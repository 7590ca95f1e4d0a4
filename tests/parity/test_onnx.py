"""`onnx.export` takes PyTorch's arguments, in its order; what its defaults are where they differ."""

import inspect

import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity
OTHERS = {"verify": (True, False)}
"""The defaults that differ: lineal's and PyTorch's."""


def defaults(function):
    """Return the parameters of a function with their defaults; of enumerations the number."""
    found = inspect.signature(function).parameters
    number = lambda each: getattr(each, "value", each) if hasattr(type(each), "__members__") else each
    return {name: number(each.default) for name, each in found.items()}


def test_export_has_the_parameters_of_pytorch():
    own, wanted = defaults(lineal.onnx.export), defaults(torch.onnx.export)
    assert [*own] == [*wanted]
    differ = {name: (own[name], wanted[name]) for name in own if own[name] is not wanted[name] and own[name] != wanted[name]}
    assert {name: pair for name, pair in differ.items() if name not in ("training", "operator_export_type")} == OTHERS
