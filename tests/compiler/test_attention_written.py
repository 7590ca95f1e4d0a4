"""Attention that is written out becomes one op: the numbers stay, NaN too, and what others read is left alone."""

import math

import numpy as np
import pytest
from test_rewrites import eager, normal, results

import lineal
from lineal.compiler import compile, explain
from lineal.compiler.passes import without
from lineal.compiler.rewrites import attentions

GIVEN = [normal(2, 30, 8), normal(2, 40, 8), normal(2, 40, 5)]
HIDDEN = lineal.tensor(np.random.default_rng(1).random((30, 40)) < 0.5)
ADDED = lineal.tensor(normal(30, 40))


def later(q, k):
    """Return a mask of the keys after a query."""
    return lineal.ones(q.shape[-2], k.shape[-2], dtype=lineal.bool).triu(1)


FORMS = {
    "plain": lambda q, k, v: (q @ k.mT / math.sqrt(8)).softmax(-1) @ v,
    "queries scaled": lambda q, k, v: lineal.softmax((q * 0.3) @ k.transpose(-2, -1), -1) @ v,
    "einsum": lambda q, k, v: lineal.einsum("bls,bse->ble", (0.3 * lineal.einsum("ble,bse->bls", q, k)).softmax(-1), v),
    "hidden": lambda q, k, v: ((q @ k.mT) * 0.3).masked_fill(HIDDEN, -math.inf).softmax(-1) @ v,
    "chosen": lambda q, k, v: lineal.where(HIDDEN, q @ k.mT, -math.inf).softmax(-1) @ v,
    "added": lambda q, k, v: (q @ k.mT / 3 + ADDED).softmax(-1) @ v,
    "causal": lambda q, k, v: (q @ k.mT / 3).masked_fill(later(q, k), -math.inf).softmax(-1) @ v,
    "causal, added": lambda q, k, v: (q @ k.mT + lineal.full((30, 40), -math.inf).triu(1).to(q.dtype)).softmax(-1) @ v,
    "causal, below": lambda q, k, v: (q @ k.mT).masked_fill(lineal.ones(30, 40).tril() == 0, -math.inf).softmax(-1) @ v,
    "two with one cotangent": lambda q, k, v: (q @ k.mT).softmax(-1) @ v + (q @ k.mT * 0.1).softmax(-1) @ v,
    "two": lambda q, k, v: (lambda y: (y @ k.mT).softmax(-1) @ v)((q @ k.mT).softmax(-1) @ k),
}


@pytest.fixture(autouse=True)
def always(monkeypatch):
    monkeypatch.setattr(attentions, "worth", lambda *given: True)


def scored(form):
    """Return a loss of an attention."""
    return lambda *xs: (form(*xs) * (1 + xs[0][..., :1])).square().sum()


@pytest.mark.parametrize("inside", [False, True], ids=["apart", "inside"])
@pytest.mark.parametrize("name", FORMS)
def test_attention_written_out_is_one_op(name, inside):
    function = scored(FORMS[name])
    with lineal.compiler.checking():
        found, listing = results(function, GIVEN, inside)
    assert "attention" in listing
    assert "softmax" not in listing.lower()
    for one, other in zip(found, eager(function, GIVEN)):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


LEFT = {
    "weights are read": lambda q, k, v: (lambda p: (p @ v).sum() + p.square().sum())((q @ k.mT).softmax(-1)),
    "scores are read": lambda q, k, v: (lambda s: (s.softmax(-1) @ v).sum() + s.square().sum())(q @ k.mT),
    "along queries": lambda q, k, v: ((q @ k.mT).softmax(-2) @ v).square().sum(),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_others_read_is_left(name):
    found, listing = results(LEFT[name], GIVEN, True)
    assert "attention" not in listing
    for one, other in zip(found, eager(LEFT[name], GIVEN)):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_the_rewrite_can_be_turned_off():
    with without("attention"):
        assert "attention" not in results(scored(FORMS["plain"]), GIVEN, True)[1]


@pytest.mark.parametrize("name", ["hidden", "added", "causal"])
def test_what_is_not_a_number_stays_so(name):
    q, k, v = (each.copy() for each in GIVEN)
    k[0, 3], v[1, 39, 2] = np.inf, np.inf
    empty = HIDDEN.clone()
    empty[4] = True
    form = FORMS[name] if name != "hidden" else lambda q, k, v: (q @ k.mT).masked_fill(empty, -math.inf).softmax(-1) @ v
    xs = [lineal.tensor(each) for each in (q, k, v)]
    compiled = compile(form)
    for _ in range(3):
        np.testing.assert_array_equal(np.isnan(compiled(*xs).numpy()), np.isnan(form(*xs).numpy()))
    assert "attention" in explain(compiled)(*xs) or name == "causal"
