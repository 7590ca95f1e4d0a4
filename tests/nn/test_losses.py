"""Losses against formulas in NumPy, their gradients against differences."""

import math

import numpy as np
import pytest

import lineal
import lineal.nn.functional as F
from lineal import nn

X = np.array([[0.2, -1.0, 3.0], [1.5, 0.3, -0.7], [0.0, 0.0, 0.1], [2.0, -2.0, 0.5]])
LABELS = np.array([2, 0, 1, 1])
WEIGHTS = np.array([0.5, 2.0, 1.0])


def log_softmax(x):
    shifted = x - x.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def slope(loss, x, step=1e-6):
    """The derivative of `loss` by `x`, by central differences."""
    grad = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        grad[place] = (loss(lineal.tensor(up)).item() - loss(lineal.tensor(down)).item()) / (2 * step)
    return grad


def check_slope(loss, x):
    leaf = lineal.tensor(x, requires_grad=True)
    loss(leaf).backward()
    np.testing.assert_allclose(leaf.grad.numpy(), slope(loss, x), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_of_class_indices(reduction, weighted):
    weight = WEIGHTS if weighted else np.ones(3)
    each = -log_softmax(X)[np.arange(4), LABELS] * weight[LABELS]
    expected = {"none": each, "sum": each.sum(), "mean": each.sum() / weight[LABELS].sum()}[reduction]
    loss = nn.CrossEntropyLoss(lineal.tensor(weight) if weighted else None, reduction=reduction)
    found = loss(lineal.tensor(X), lineal.tensor(LABELS))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    check_slope(lambda x: loss(x, lineal.tensor(LABELS)).sum(), X)


@pytest.mark.parametrize("weighted", [False, True])
def test_label_smoothing_mixes_with_the_uniform_distribution(weighted):
    weight = WEIGHTS if weighted else np.ones(3)
    epsilon = 0.3
    targets = np.eye(3)[LABELS] * (1 - epsilon) + epsilon / 3
    each = -(log_softmax(X) * targets * weight).sum(1)
    loss = nn.CrossEntropyLoss(lineal.tensor(weight) if weighted else None, label_smoothing=epsilon)
    found = loss(lineal.tensor(X), lineal.tensor(LABELS)).item()
    assert found == pytest.approx(each.sum() / weight[LABELS].sum(), rel=1e-12)
    check_slope(lambda x: loss(x, lineal.tensor(LABELS)), X)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_cross_entropy_of_probabilities(reduction):
    targets = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.1, 0.8, 0.1]])
    each = -(log_softmax(X) * targets * WEIGHTS).sum(1)
    expected = {"none": each, "mean": each.mean(), "sum": each.sum()}[reduction]
    found = F.cross_entropy(lineal.tensor(X), lineal.tensor(targets), lineal.tensor(WEIGHTS), reduction=reduction)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    smooth = F.cross_entropy(lineal.tensor(X), lineal.tensor(targets), label_smoothing=1.0).item()
    assert smooth == pytest.approx(-log_softmax(X).mean(), rel=1e-12)


def test_ignored_targets_count_for_nothing():
    labels = lineal.tensor([2, -100, 1, -100])
    x = lineal.tensor(X, requires_grad=True)
    loss = F.cross_entropy(x, labels)
    assert loss.item() == pytest.approx(-log_softmax(X)[[0, 2], [2, 1]].mean(), rel=1e-12)
    loss.backward()
    assert not x.grad[1].any()
    each = F.cross_entropy(x.detach(), labels, reduction="none", label_smoothing=0.5)
    assert each[1].item() == each[3].item() == 0.0
    assert F.cross_entropy(x.detach(), lineal.tensor(LABELS), ignore_index=1).item() == pytest.approx(
        -log_softmax(X)[[0, 1], [2, 0]].mean(), rel=1e-12
    )
    assert math.isnan(F.cross_entropy(x.detach(), lineal.full((4,), -100)).item())


def test_cross_entropy_without_batch_and_with_more_dimensions():
    one = F.cross_entropy(lineal.tensor(X[0]), lineal.tensor(2)).item()
    assert one == pytest.approx(-log_softmax(X)[0, 2], rel=1e-12)
    images = lineal.tensor(np.stack([X.T, X.T]))
    labels = lineal.tensor(np.stack([LABELS, LABELS]))
    each = F.cross_entropy(images, labels, lineal.tensor(WEIGHTS), reduction="none")
    expected = -log_softmax(X)[np.arange(4), LABELS] * WEIGHTS[LABELS]
    np.testing.assert_allclose(each.numpy(), [expected, expected], rtol=1e-12)


def test_cross_entropy_of_huge_scores_is_finite():
    x = lineal.tensor([[1e4, -1e4]], requires_grad=True)
    loss = F.cross_entropy(x, lineal.tensor([1]))
    loss.backward()
    assert loss.item() == 2e4
    assert x.grad.tolist() == [[1.0, -1.0]]


def test_cross_entropy_without_classes():
    assert F.cross_entropy(lineal.ones(2, 0), lineal.ones(2, 0), label_smoothing=0.1).item() == 0
    assert F.cross_entropy(lineal.ones(0, 0), lineal.zeros(0, dtype=lineal.int64), label_smoothing=0.1).isnan()


def test_nll_loss_picks_the_log_probabilities():
    log_p = lineal.tensor(log_softmax(X))
    found = nn.NLLLoss(lineal.tensor(WEIGHTS))(log_p, lineal.tensor(LABELS)).item()
    expected = -(log_softmax(X)[np.arange(4), LABELS] * WEIGHTS[LABELS]).sum() / WEIGHTS[LABELS].sum()
    assert found == pytest.approx(expected, rel=1e-12)
    same = F.nll_loss(log_p, lineal.tensor(LABELS.astype(np.uint8)), lineal.tensor(WEIGHTS)).item()
    assert same == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize(
    ("target", "options", "error", "message"),
    [
        ([0, 1, 2], {}, ValueError, "batch_size"),
        ([0, 1, 5, 0], {}, IndexError, "out of bounds"),
        ([0, 1, -1, 0], {}, IndexError, "out of bounds"),
        ([0.0, 1.0, 1.0, 0.0], {}, RuntimeError, "int64 or uint8"),
        ([0, 1, 2, 0], {"weight": [1.0]}, RuntimeError, "each of 3 classes"),
        ([0, 1, 2, 0], {"reduction": "median"}, ValueError, "median is not a valid value"),
        ([0, 1, 2, 0], {"label_smoothing": 2.0}, RuntimeError, r"between 0\.0 and 1\.0"),
    ],
)
def test_refused_targets(target, options, error, message):
    if "weight" in options:
        options = {"weight": lineal.tensor(options["weight"], dtype=lineal.float64)}
    with pytest.raises(error, match=message):
        F.cross_entropy(lineal.tensor(X), lineal.tensor(target), **options)


@pytest.mark.parametrize(
    ("layer", "formula"), [(nn.MSELoss, lambda a, b: (a - b) ** 2), (nn.L1Loss, lambda a, b: np.abs(a - b))]
)
def test_losses_of_differences(layer, formula):
    target = X[::-1].copy() + 0.05
    each = formula(X, target)
    for reduction, expected in (("none", each), ("mean", each.mean()), ("sum", each.sum())):
        found = layer(reduction=reduction)(lineal.tensor(X), lineal.tensor(target))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    check_slope(lambda x: layer()(x, lineal.tensor(target)), X)


def test_differences_that_broadcast_warn_and_weights_weigh():
    with pytest.warns(UserWarning, match="target size"):
        loss = F.mse_loss(lineal.ones(2, 3), lineal.zeros(3))
    assert loss.item() == 1.0
    weighted = F.mse_loss(lineal.tensor([1.0, 3.0]), lineal.zeros(2), weight=lineal.tensor([3.0, 1.0]))
    assert weighted.item() == (3 * 1 + 1 * 9) / 4


P = np.array([[0.2, 0.9], [0.5, 0.01]])
T = np.array([[0.0, 1.0], [0.3, 1.0]])


def test_binary_cross_entropy():
    each = -(T * np.log(P) + (1 - T) * np.log(1 - P))
    for reduction, expected in (("none", each), ("mean", each.mean()), ("sum", each.sum())):
        found = nn.BCELoss(reduction=reduction)(lineal.tensor(P), lineal.tensor(T))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    weighted = nn.BCELoss(lineal.tensor([2.0, 3.0], dtype=lineal.float64))(lineal.tensor(P), lineal.tensor(T))
    assert weighted.item() == pytest.approx((each * [2.0, 3.0]).mean(), rel=1e-12)
    check_slope(lambda x: F.binary_cross_entropy(x, lineal.tensor(T)), P)
    check_slope(lambda t: F.binary_cross_entropy(lineal.tensor(P), t), P.T.copy())


def test_certain_predictions_have_finite_losses_and_slopes():
    x = lineal.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    losses = F.binary_cross_entropy(x, lineal.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert losses.tolist() == [0.0, 0.0, 100.0, 100.0]
    losses.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0.0, 0.0, -1e12, 1e12], rtol=1e-6)


def test_binary_cross_entropy_with_logits():
    sigma = 1 / (1 + np.exp(-X[:2, :2]))
    positive = np.array([2.0, 0.5])
    each = -(positive * T * np.log(sigma) + (1 - T) * np.log(1 - sigma))
    loss = nn.BCEWithLogitsLoss(pos_weight=lineal.tensor(positive))
    assert loss(lineal.tensor(X[:2, :2]), lineal.tensor(T)).item() == pytest.approx(each.mean(), rel=1e-12)
    check_slope(lambda x: loss(x, lineal.tensor(T)), X[:2, :2].copy())


def test_huge_logits_do_not_overflow():
    x = lineal.tensor([1000.0, -1000.0, 0.0], requires_grad=True)
    losses = F.binary_cross_entropy_with_logits(x, lineal.tensor([0.0, 1.0, 1.0]), reduction="none")
    np.testing.assert_allclose(losses.detach().numpy(), [1000.0, 1000.0, math.log(2)], rtol=1e-6)
    losses.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [1.0, -1.0, -0.5], rtol=1e-6)


def test_binary_losses_refuse_what_makes_no_sense():
    for loss in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match="same size"):
            loss(lineal.full((2, 3), 0.5), lineal.zeros(3))
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        F.binary_cross_entropy(lineal.tensor([1.5]), lineal.tensor([1.0]))


def test_the_retired_switches_still_mean_what_they_meant():
    with pytest.warns(UserWarning, match="reduction='sum'"):
        loss = nn.MSELoss(size_average=False)
    assert loss(lineal.ones(3), lineal.zeros(3)).item() == 3.0
