"""assert_close, make_tensor, and a contract that catches broken ops."""

import numpy as np
import pytest

import lineal as torch
from lineal.core import Op, apply
from lineal.core.op import Plan
from lineal.testing import Sample, assert_allclose, assert_close, check_op, make_tensor


def test_close_values_pass():
    assert_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    assert_close({"a": [torch.ones(2), 3], "b": (None, 1.5)}, {"a": [torch.ones(2), 3], "b": (None, 1.5)})
    assert_close(torch.tensor([np.nan]), torch.tensor([np.nan]), equal_nan=True)
    assert_close(torch.tensor([1 + 1j]), torch.tensor([1 + 1j]))


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]), r"not close!\n\nMismatched elements: 1 / 2 \(50.0%\)"),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]), r"Greatest absolute difference: 0.0999\d* at index \(1,\)"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "Tensor-likes are not equal!"),
        (torch.ones(2), torch.ones(3), r"'shape' do not match: \[2\] != \[3\]"),
        (torch.ones(2), torch.ones(2).double(), "'dtype' do not match: torch.float32 != torch.float64"),
        (torch.tensor([np.nan]), torch.tensor([np.nan]), "not close"),
        ([torch.ones(1)], [torch.ones(1), torch.ones(1)], "length of the sequences mismatch: 1 != 2"),
        ({"a": 1}, {"b": 1}, r"missing \['b'\], additional \['a'\]"),
        ({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]}, r"Scalars are not close![\s\S]*item \['a'\]\[1\]"),
    ],
)
def test_differences_are_described(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected)


def test_options():
    assert_close(torch.ones(2), torch.ones(2).double(), check_dtype=False)
    assert_close(torch.tensor([1.0]), torch.tensor([1.1]), rtol=0, atol=0.2)
    with pytest.raises(ValueError, match="both"):
        assert_close(torch.ones(1), torch.ones(1), rtol=1.0)
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close("a", torch.ones(1))
    with pytest.raises(AssertionError, match=r"^mine$"):
        assert_close(torch.zeros(1), torch.ones(1), msg="mine")
    assert_allclose(torch.tensor([np.nan]), np.array([np.nan]))


def test_make_tensor():
    x = make_tensor(3, 4, dtype=torch.float32, low=1, high=2, requires_grad=True, noncontiguous=True)
    assert x.shape == (3, 4) and x.requires_grad and not x.is_contiguous() and bool(((x >= 1) & (x < 2)).all())
    assert make_tensor((5,), dtype=torch.int64).dtype == torch.int64
    assert make_tensor((5,), dtype=torch.complex64).dtype == torch.complex64


class Cube(Op):
    """y = x³, with flaws to choose from."""

    flaw: str = ""
    keeps = "0"

    def plan(self, needs):
        return Plan(set(), 1) if self.flaw == "keeps" else super().plan(needs)

    def eager(self, xp, x):
        if self.flaw == "input":
            x *= 1.5
        return x**3 + (1e-3 if self.flaw == "value" else 0)

    def remember(self, node, xs, value):
        super().remember(node, xs, value)
        node.kept = list(xs)

    def vjp(self, needs, g, y, x):
        x = x.detach() if self.flaw == "second" else x
        return (g * x * x * (4 if self.flaw == "first" else 3),)


@pytest.mark.parametrize("flaw", ["value", "first", "second", "keeps", "input"])
def test_the_contract_catches(flaw):
    sample = Sample(np.array([0.5, 1.5, -2.0]), reference=lambda x: x**3)
    check_op(lambda x: apply(Cube(), x), sample)
    with pytest.raises(Exception) as caught:
        check_op(lambda x: apply(Cube(flaw), x), sample)
    clause = {"value": "value", "first": "first", "second": "second", "keeps": "keeps", "input": "value"}[flaw]
    assert f"check_{clause}" in "".join(caught.value.__notes__)
