"""What notebooks show: HTML of tensors, modules, traces and reports, in which nothing that is given can be a tag."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

import lineal
from lineal import nn, solvers
from lineal.base.notebook import Text, table
from lineal.insight.advice.steps import Advice, Advices
from lineal.profiler import kernels

EVIL = "<script>alert('\"&')</script><img src=x onerror=alert(1)>"
TAGS = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre", "details", "summary", "b"}


class Reader(HTMLParser):
    """Keeps what a page says, and sees that every tag is one of ours and is closed in turn."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS and {name for name, _ in attrs} <= {"style", "open"}, (tag, attrs)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return "".join(self.words)


def read(thing) -> Reader:
    return Reader(thing._repr_html_())


def test_a_table_escapes_and_puts_numbers_to_the_right():
    page = table(("name", EVIL), [(EVIL, 1.5), ("b", "2")], EVIL)
    assert Reader(page).rows == [["name", EVIL], [EVIL, "1.5"], ["b", "2"]]
    assert page.count("text-align:right") == 3
    assert Reader(table(("a", "b"), [])).rows == [["a", "b"]]


def test_tensors_have_shape_dtype_and_numbers():
    told = read(lineal.tensor([[1.5, -2.0], [0.0, 3.0]]))
    assert "shape (2, 2) · float32 · cpu" in told.text
    assert [[each.strip() for each in row] for row in told.rows] == [
        ["", "0", "1"],
        ["0", "1.5000", "-2.0000"],
        ["1", "0.0000", "3.0000"],
    ]
    evil = type(EVIL, (lineal.Tensor,), {})
    assert EVIL in read(lineal.ones(2).as_subclass(evil)).text
    for empty in (lineal.zeros(0, 3), lineal.tensor(2.0)):
        assert str(tuple(empty.shape)) in read(empty).text


@pytest.mark.parametrize(
    "make", [lambda x: x.to_sparse(), lambda x: x.to_sparse_csr(), lambda x: lineal.empty(3, device="meta")]
)
def test_tensors_without_a_table_show_their_text(make):
    y = make(lineal.eye(3))
    assert read(y).text == repr(y)


def test_modules_are_trees_with_parameters():
    model = nn.Sequential(nn.Linear(3, 4), nn.ModuleDict({EVIL.replace(".", ""): nn.Linear(4, 1)}))
    told = read(model).text
    assert "21 parameters" in told and "16 parameters" in told and "in_features=3, out_features=4" in told
    assert f"{EVIL}: Linear" in told
    model[0].requires_grad_(False)
    assert "21 parameters, 16 of them fixed" in read(model).text
    tied = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    tied.append(tied[0])
    assert "6 parameters" in read(tied).text and "12 parameters" not in read(tied).text
    assert "others without a shape yet" in read(nn.LazyLinear(3)).text

    class Odd(nn.Module):
        def extra_repr(self):
            return EVIL

    assert EVIL in read(Odd()).text
    model.register_module("none", None)
    assert "none" not in read(model).text


def test_traces_and_what_they_became():
    _, graph = lineal.tracing.trace(lambda x: (x * 2).sum(), lineal.ones(3))
    assert read(graph).text == str(graph)
    told = lineal.explain(lambda x: (x * 2).sum(), memory=True)(lineal.ones(3))
    assert isinstance(told, str) and read(told).text == told and "bytes of memory during a call" in told
    step = lineal.compile(lambda x: lineal.softmax(x * 2, -1))
    for _ in range(3):
        step(lineal.ones(3, 4))
    found = kernels(step, lineal.ones(3, 4))
    assert read(found).rows[0][0] == "Kernel" and len(read(found).rows) == len(found) + 1
    assert str(found).splitlines()[0].split()[0] == "Kernel"


def test_reports_of_solves():
    A = lineal.diag(lineal.tensor([1.0, 2.0, 3.0], dtype=lineal.float64))
    _, report = solvers.solve(A, lineal.ones(3, dtype=lineal.float64), return_info=True)
    told = read(report)
    assert told.rows[1][1:4] == [report.method, "converged", str(report.iterations)]
    several = solvers.Report("cg", "maxiter", 1e-6, advice=EVIL, columns=(report, report))
    assert len(read(several).rows) == 3 and EVIL in read(several).text


def test_reports_of_memory_layers_and_advice():
    summary = lineal.memory.summary()
    assert isinstance(summary, str) and read(summary).text == summary
    layers = lineal.summary(nn.Sequential(nn.Linear(2, 3)), (4, 2))
    assert len(read(layers).rows) == 3 and "Total params: 9" in read(layers).text
    assert read(Advices([Advice("kind", EVIL, "do")])).rows[1] == ["kind", EVIL, "do"]
    assert Reader(Text(EVIL)._repr_html_()).text == EVIL
