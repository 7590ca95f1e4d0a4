"""Pictures: what is joined to what, where boxes lie, and the files."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

import lineal
from lineal import nn
from lineal.insight.drawing.diagram import Diagram
from lineal.insight.drawing.layers import placed


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.scale = nn.Parameter(lineal.ones(4))

    def forward(self, x):
        return (self.inner(x) + x) * self.scale


def titles(drawing) -> list[str]:
    return [each.lines[0] for each in drawing.diagram.boxes]


def joined(drawing) -> set[tuple[str, str]]:
    names = titles(drawing)
    return {(names[each.source], names[each.target]) for each in drawing.diagram.arrows.values()}


def test_a_model_is_drawn_as_it_runs():
    drawing = lineal.draw(Residual(), lineal.randn(2, 4))
    ways = {("input 0", "0: Linear"), ("0: Linear", "1: ReLU"), ("1: ReLU", "add"), ("input 0", "add"), ("add", "mul")}
    assert ways <= joined(drawing) and ("mul", "output 0") in joined(drawing)
    linear = drawing.diagram.boxes[titles(drawing).index("0: Linear")]
    assert linear.clusters == ("inner: Sequential",) and "scale" in titles(drawing)
    assert all(each.label == "2×4" for each in drawing.diagram.arrows.values() if "scale" not in each.label and each.target < 3)


def test_deep_models_can_be_drawn_in_few_boxes():
    drawing = lineal.draw(Residual(), lineal.randn(2, 4), depth=1)
    assert "inner: Sequential" in titles(drawing) and "0: Linear" not in titles(drawing)


def test_a_history_is_drawn_with_the_names_of_its_leaves():
    model = Residual()
    drawing = lineal.draw(model(lineal.randn(2, 4)).sum(), params=dict(model.named_parameters()))
    assert ("inner.0.weight", "AddmmBackward0") in joined(drawing) and ("SumBackward0", "tensor") in joined(drawing)
    with pytest.raises(RuntimeError, match="does not require grad"):
        lineal.draw(lineal.ones(2))


def test_functions_and_traces_are_drawn():
    function = lambda x: lineal.softmax(x @ x.T, -1)
    assert ("MatMul", "Softmax") in joined(lineal.draw(function, lineal.randn(3, 3)))
    _, graph = lineal.tracing.trace(function, lineal.randn(3, 3))
    assert ("MatMul", "Softmax") in joined(lineal.draw(graph))
    with pytest.raises(TypeError, match="expected a module"):
        lineal.draw(3)


def test_files(tmp_path):
    drawing = lineal.draw(Residual(), lineal.randn(2, 4))
    for name, start in {"a.svg": "<svg", "a.html": "<!doctype html>", "a.dot": "digraph {"}.items():
        drawing.save(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)
    root = ElementTree.fromstring(drawing.svg)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(titles(drawing)) <= set(texts) and drawing._repr_svg_() == drawing.svg
    assert drawing.dot.count("->") == len(drawing.diagram.arrows) and 'subgraph "cluster' in drawing.dot
    with pytest.raises(ValueError, match="ends in"):
        drawing.save(tmp_path / "a.png")


def test_boxes_do_not_overlap_and_arrows_lead_down():
    diagram = Diagram()
    for number in range(40):
        diagram.add("op", "x" * (number % 7 + 1))
    for number in range(1, 40):
        for before in {number // 2, number // 3, max(0, number - 5)}:
            diagram.join(before, number)
    widths = [20.0 + 10 * (n % 7) for n in range(40)]
    placement, x = placed(diagram, widths)
    assert all(placement.layer[source] < placement.layer[target] for source, target in diagram.arrows)
    for row in placement.rows:
        for left, right in pairwise(row):
            assert x[right] - x[left] >= (placement.widths[left] + placement.widths[right]) / 2
    for source, target in placement.pairs:
        assert placement.layer[target] == placement.layer[source] + 1


def test_an_empty_diagram_is_a_picture_too():
    assert lineal.draw(lambda: None).svg.startswith("<svg")
