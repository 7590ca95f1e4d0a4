"""Metrics: the numbers of their definitions, however the samples come in batches."""

from __future__ import annotations

import itertools
import math

import pytest

import lineal as torch
from lineal.train import AUC, F1, Accuracy, ConfusionMatrix, Mean, MeanSquaredError, Perplexity

CLASSES = 4


def told(metric, scores, labels, size=13):
    for start in range(0, len(labels), size):
        metric.update(scores[start : start + size], labels[start : start + size])
    return metric.compute()


@pytest.fixture
def samples():
    """Scores with ties, and labels, of which one class is missing among the guesses."""
    scores = (torch.randn(60, CLASSES) * 4).round() / 4
    scores[:, 3] = -9.0
    return scores, torch.randint(0, CLASSES, (60,))


def pairs_won(scores, positive):
    """Return the share of pairs in which the positive sample scores higher."""
    mine, others = scores[positive].tolist(), scores[~positive].tolist()
    won = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(mine, others)]
    return sum(won) / len(won)


def test_what_is_counted(samples):
    scores, labels = samples
    guesses = scores.argmax(1)
    matrix = told(ConfusionMatrix(CLASSES), scores, labels)
    for label, guess in itertools.product(range(CLASSES), repeat=2):
        assert matrix[label, guess] == ((labels == label) & (guesses == guess)).sum()
    assert told(Accuracy(), scores, labels) == (guesses == labels).double().mean()
    best = scores.sort(1, descending=True, stable=True).indices[:, :2]
    assert told(Accuracy(2), scores, labels) == pytest.approx((best == labels[:, None]).any(1).double().mean().item(), abs=0.1)
    each = [2 * matrix[k, k] / (matrix[k].sum() + matrix[:, k].sum()) for k in range(CLASSES)]
    assert told(F1(CLASSES, "none"), scores, labels).tolist() == pytest.approx([x.item() for x in each])
    assert told(F1(CLASSES), scores, labels) == pytest.approx(sum(each).item() / CLASSES)
    assert told(F1(CLASSES, "micro"), scores, labels) == told(Accuracy(), scores, labels)


def test_the_area_is_the_share_of_pairs_in_order(samples):
    scores, labels = samples
    each = [pairs_won(scores[:, k], labels == k) for k in range(CLASSES)]
    assert told(AUC(), scores, labels) == pytest.approx(sum(each) / CLASSES)
    two = labels.clamp(max=1)
    assert told(AUC(), scores[:, 0], two) == pytest.approx(pairs_won(scores[:, 0], two == 1))
    assert told(AUC(), scores[:, :2], two) == pytest.approx(pairs_won(scores[:, 1] - scores[:, 0], two == 1))
    assert math.isnan(told(AUC(), scores[:, 0], torch.ones(60).long()))


@pytest.mark.parametrize("classes_last", [True, False])
def test_perplexity_is_the_inverse_geometric_mean_of_what_was_expected(classes_last):
    scores, labels = torch.randn(6, 5, CLASSES), torch.randint(0, CLASSES, (6, 5))
    expected = torch.softmax(scores.double(), -1).gather(2, labels[..., None]).log().flatten()
    labels[0, 0] = -100
    shown = scores if classes_last else scores.movedim(2, 1)
    assert told(Perplexity(), shown, labels, 4) == pytest.approx(math.exp(-expected[1:].mean().item()))


def test_means():
    mean = Mean()
    mean.update(1.0, 3)
    mean.update(5.0, 1)
    assert mean.compute() == 2.0
    assert told(MeanSquaredError(), torch.arange(4.0), torch.zeros(4), 3) == 3.5


METRICS = [Accuracy(), Accuracy(2), ConfusionMatrix(CLASSES), F1(CLASSES), AUC(), Perplexity()]


@pytest.mark.parametrize("metric", METRICS, ids=lambda each: type(each).__name__)
def test_a_metric_is_saved_and_reset(metric, samples, tmp_path):
    scores, labels = samples
    metric.reset()
    if not isinstance(metric, ConfusionMatrix) or isinstance(metric, F1):
        assert math.isnan(metric.compute())
    metric.update(scores[:30], labels[:30])
    torch.save(metric.state_dict(), tmp_path / "state")
    whole = told(metric, scores[30:], labels[30:])
    metric.reset()
    metric.load_state_dict(torch.load(tmp_path / "state"))
    assert torch.equal(torch.as_tensor(told(metric, scores[30:], labels[30:])), torch.as_tensor(whole))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"Accuracy: expected scores .* got shapes \[3, 4\] and \[2\]"):
        Accuracy().update(torch.zeros(3, 4), torch.zeros(2).long())
    with pytest.raises(ValueError, match="ConfusionMatrix: expected targets from 0 to 1, got 0 to 5"):
        ConfusionMatrix(2).update(torch.zeros(2, 2), torch.tensor([0, 5]))
    with pytest.raises(ValueError, match="MeanSquaredError: expected outputs and targets of one shape"):
        MeanSquaredError().update(torch.zeros(3, 1), torch.zeros(3))
    for make in (lambda: Accuracy(0), lambda: ConfusionMatrix(1), lambda: F1(3, "weighted")):
        with pytest.raises(ValueError, match="expected"):
            make()
