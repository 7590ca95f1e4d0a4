"""Every example runs, prints what it found, and arrives at a known end."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import lineal as torch

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = 5.0
CASES = {}


def case(check):
    """Enter a check under the name of its example."""
    CASES[check.__name__] = check
    return check


@case
def tensors_and_broadcasting(result):
    torch.testing.assert_close(result["standard"].mean(dim=0), torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(result["standard"].std(dim=0), torch.ones(3))
    torch.testing.assert_close(result["parts"].sum(dim=1), torch.ones(4))
    assert torch.equal(result["distances"], result["distances"].T)
    assert result["distances"].max().item() == pytest.approx(155**0.5)
    assert result["pair"] == (2, 3)
    assert result["warmer"][2].tolist() == [14.0, 21.0, 16.0]
    assert result["hot"].tolist() == [22.0, 21.0, 25.0]


@case
def least_squares(result):
    truth = torch.tensor([0.8, -1.2, 2.5], dtype=torch.float64)
    for name, weights in result.items():
        torch.testing.assert_close(weights, result["numpy"], atol=1e-9, rtol=0, msg=name)
        torch.testing.assert_close(weights, truth, atol=0.01, rtol=0)


@case
def control_flow_gradients(result):
    assert result[0.3] == pytest.approx((0.3 * 2**12, 2**12))
    assert result[-0.3] == pytest.approx((-0.3 * 100 * 2**12, 100 * 2**12))
    assert result[1500.0] == (1500.0, 1.0)
    assert result["heron"] == pytest.approx((2**0.5, 2**-1.5, -(2**-3.5)), rel=1e-12)


@case
def softmax_regression_scratch(result):
    assert result["accuracy"] >= 0.94
    assert result["loss"] < 0.25


@case
def softmax_regression_concise(result):
    assert result["accuracy"] >= 0.94
    assert result["loss"] < 0.25


@case
def mlp_scratch(result):
    assert result["accuracy"] >= 0.95
    assert result["loss"] < 0.2


@case
def mlp_concise(result):
    assert result["accuracy"] >= 0.95
    assert result["history"][-1] < 0.15 < 1.5 < result["history"][0]


@case
def jacobian_table(result):
    assert len(result["errors"]) == 14
    assert max(result["errors"].values()) < 1e-12
    # By a (4, 2) matrix: a number, a vector of 3, a (3, 5) matrix. Then a (3, 4) matrix by a number and by a vector of 4.
    assert result["shapes"] == {
        "number by matrix": ((2, 4), (4, 2)),
        "vector by matrix": ((3, 2, 4), (4, 2, 3)),
        "matrix by matrix": ((3, 5, 2, 4), (4, 2, 5, 3)),
        "matrix by number": ((3, 4), (4, 3)),
        "matrix by vector": ((3, 4, 4), (4, 4, 3)),
    }


def test_every_example_is_checked():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_example(name, capsys):
    result = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]()
    CASES[name](result)
    assert 1 <= len(capsys.readouterr().out.splitlines()) <= 20


@pytest.mark.parametrize("name", ["mlp_scratch", "softmax_regression_concise"])
def test_an_example_gives_the_same_numbers_again(name):
    main = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]
    assert main() == main()
