"""Every example runs, prints what it found, and arrives at a known end."""

from __future__ import annotations

import re
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


@case
def pca_digits(result):
    assert list(result["kept"].values()) == sorted(result["kept"].values())
    assert result["kept"][10] == pytest.approx(0.738, abs=0.01)
    assert result["difference"] < 0.01
    assert result["accuracy"] > 0.98


@case
def gaussian_process(result):
    for found in result.values():
        assert found["after"] > found["before"] + 20
        assert 0.1 < found["noise"] < 0.2
        assert found["inside"] > 0.9


@case
def kalman_filter(result):
    assert result["push"] == pytest.approx(0.3, rel=0.1)
    assert result["blur"] == pytest.approx(2.0, rel=0.1)
    assert result["learned"] < result["guessed"] < result["seen"]


@case
def polynomial_fitting(result):
    errors = result["errors"]
    seen, elsewhere = zip(*errors.values())
    assert seen[0] > seen[1] > seen[2] < seen[3]
    assert min(elsewhere) == errors["degree 3"][1] < errors["degree 12, ridge"][1] < 0.1 * errors["degree 12"][1]
    ordinary, total = result["slopes"]
    assert ordinary < 1.4
    assert total == pytest.approx(1.5, abs=0.05)


@case
def digits_cnn(result):
    assert result["accuracy"] >= 0.985
    assert result["history"][-1] < 0.1


@case
def char_transformer(result):
    assert result["losses"][0] > 4
    assert result["bits"] < 3.2
    assert len(result["sample"]) == 164


@case
def lstm_series(result):
    assert result["error"] < 0.85 * result["yesterday"]


@case
def vae_digits(result):
    assert result["history"][-1] < 25.5
    assert result["unseen"] < 25.8
    assert result["agreed"] > 0.6


@case
def matrix_factorisation(result):
    assert result["error"] < 0.4 < 1.2 < result["alone"]


@case
def logistic_regression(result):
    torch.testing.assert_close(result["weights"], result["exact"], atol=1e-4, rtol=0)
    truth = torch.tensor([1.5, -2.0, 0.0, 0.5], dtype=torch.float64)
    assert ((result["weights"] - truth).abs() < 3 * result["spread"]).all()


@case
def neural_ode(result):
    assert result["losses"][-1] < 0.01 * result["losses"][0]
    assert result["error"] < 0.3


@case
def pole_balancing(result):
    assert sum(result["lengths"][-5:]) > 5 * sum(result["lengths"][:5])


QUICKLY = {
    "digits_cnn": ({"epochs": 2}, lambda result: result["history"][-1] < result["history"][0]),
    "char_transformer": ({"steps": 5}, lambda result: result["losses"][-1] < result["losses"][0]),
    "lstm_series": ({"epochs": 2}, lambda result: result["history"][-1] < result["history"][0]),
    "vae_digits": ({"epochs": 3}, lambda result: result["history"][-1] < result["history"][0]),
    "neural_ode": ({"steps": 20}, lambda result: result["losses"][-1] < result["losses"][0]),
    "pole_balancing": ({"rounds": 10}, lambda result: max(result["lengths"]) > result["lengths"][0]),
}
"""How an example that takes longer runs in a few seconds, and what must hold then; the whole of it is slow."""


def test_examples_that_take_longer_are_on_their_page_with_a_picture():
    page = EXAMPLES.parent / "docs" / "examples.md"
    text = page.read_text(encoding="utf-8")
    for name in QUICKLY:
        assert f"../examples/{name}.py" in text
        assert f"pictures/{name}.png" in text
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [each for each in links if not (page.parent / each).exists()] == []


def test_every_example_is_checked():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(CASES)


@pytest.mark.parametrize("compiled", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["compiled", "eager"])
@pytest.mark.parametrize("name", QUICKLY)
def test_an_example_learns_in_a_few_steps(name, compiled, capsys):
    given, holds = QUICKLY[name]
    assert holds(runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](**given, compiled=compiled))


@pytest.mark.parametrize("name", [pytest.param(each, marks=[pytest.mark.slow] if each in QUICKLY else []) for each in CASES])
def test_example(name, capsys):
    result = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]()
    CASES[name](result)
    assert 1 <= len(capsys.readouterr().out.splitlines()) <= 20


@pytest.mark.parametrize(
    "name", ["pca_digits", "gaussian_process", "kalman_filter", "polynomial_fitting", "matrix_factorisation"]
)
def test_an_example_draws_its_picture(name, tmp_path):
    pytest.importorskip("matplotlib")
    runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](str(tmp_path / "picture.png"))
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["mlp_scratch", "softmax_regression_concise"])
def test_an_example_gives_the_same_numbers_again(name):
    main = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]
    assert main() == main()
