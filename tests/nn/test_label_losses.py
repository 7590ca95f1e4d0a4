"""Losses of margins and of label sequences against what loops over their definitions give."""

import itertools

import numpy as np
import pytest

import lineal
from lineal.nn import functional as F

rng = np.random.default_rng(0)
scores, classes = rng.normal(size=(4, 5)), np.array([0, 4, 2, 1])


@pytest.mark.parametrize("p", [1, 2])
def test_multi_margin_loss_is_the_sum_over_other_classes(p):
    wanted = [sum(max(0, 1 - row[t] + row[i]) ** p for i in range(5) if i != t) / 5 for row, t in zip(scores, classes)]
    found = F.multi_margin_loss(lineal.tensor(scores), lineal.tensor(classes), p, reduction="none")
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)
    with pytest.raises(RuntimeError, match="multi_margin_loss: target out of range"):
        F.multi_margin_loss(lineal.tensor(scores), lineal.tensor(classes + 1))


def test_multilabel_margin_loss_reads_labels_up_to_the_first_negative_one():
    targets = np.array([[0, 3, -1, 2, 1], [1, -1, 0, 0, 0], [-1, 0, 0, 0, 0], [4, 3, 2, 1, 0]])
    wanted = []
    for row, target in zip(scores, targets):
        labels = list(itertools.takewhile(lambda each: each >= 0, target))
        wanted.append(sum(max(0, 1 - (row[j] - row[i])) for j in labels for i in range(5) if i not in labels) / 5)
    found = F.multilabel_margin_loss(lineal.tensor(scores), lineal.tensor(targets), reduction="none")
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def spelt(log_p, target):
    """Return minus the log of the sum over all paths that spell the target."""
    total = 0.0
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        if [label for label, _ in itertools.groupby(path) if label] == list(target):
            total += np.exp(sum(row[label] for row, label in zip(log_p, path)))
    return -np.log(total) if total else np.inf


def test_ctc_loss_is_the_sum_over_all_paths():
    x = lineal.tensor(rng.normal(size=(5, 4, 4))).log_softmax(2)
    targets, times, sizes = np.array([[1, 2, 2], [3, 1, 0], [0, 0, 0], [1, 1, 1]]), [5, 4, 2, 4], [3, 2, 0, 3]
    wanted = [spelt(x.numpy()[:t, n], targets[n, :s]) for n, (t, s) in enumerate(zip(times, sizes))]
    found = F.ctc_loss(x, lineal.tensor(targets), lineal.tensor(times), lineal.tensor(sizes), reduction="none")
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-10)
    joined = lineal.tensor(np.concatenate([row[:size] for row, size in zip(targets, sizes)]))
    np.testing.assert_array_equal(F.ctc_loss(x, joined, times, sizes, reduction="none").numpy(), found.numpy())
    assert F.ctc_loss(x, joined, times, sizes, reduction="sum", zero_infinity=True).isfinite()
    assert F.ctc_loss(x[:, 2], targets=lineal.tensor([], dtype=lineal.int64), input_lengths=[0], target_lengths=[0]) == 0


def test_both_derivatives_of_ctc_loss():
    x = lineal.tensor(rng.normal(size=(3, 1, 3)), requires_grad=True)
    loss = lambda x: F.ctc_loss(x.log_softmax(2), lineal.tensor([[1, 2]]), [3], [2])
    assert lineal.autograd.gradcheck(loss, (x,))
    assert lineal.autograd.gradgradcheck(loss, (x,))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_are_what_their_rows_are_one_by_one(mode):
    table, indices, offsets = rng.normal(size=(6, 3)), np.array([1, 2, 4, 5, 4, 3]), [0, 2, 2, 5]
    combine = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    parts = [table[each] for each in np.split(indices, offsets[1:])]
    wanted = [combine(part, 0) if len(part) else np.zeros(3) for part in parts]
    found = F.embedding_bag(lineal.tensor(indices), lineal.tensor(table), lineal.tensor(offsets), mode=mode)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)
    rows = F.embedding_bag(lineal.tensor(indices.reshape(2, 3)), lineal.tensor(table), mode=mode, padding_idx=4)
    np.testing.assert_allclose(rows.numpy(), [combine(table[[1, 2]], 0), combine(table[[5, 3]], 0)], rtol=1e-12)


def test_of_equal_largest_rows_of_a_bag_the_first_takes_the_derivative():
    """As PyTorch 2.13 does; an empty bag gives 0, and a bag with NaN gives NaN."""
    table = lineal.tensor([[1.0, 2.0], [1.0, 0.0], [1.0, 2.0], [float("nan"), 0.0]], requires_grad=True)
    y = F.embedding_bag(lineal.tensor([0, 1, 2, 0, 3, 1]), table, lineal.tensor([0, 4, 4]), mode="max")
    y[0].sum().backward()
    assert y[:2].tolist() == [[1, 2], [0, 0]] and y[2].isnan().tolist() == [True, False]
    assert table.grad.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_the_last_offset_may_be_the_end_and_there_may_be_no_bags(mode):
    table, indices = lineal.tensor([[1.0], [2.0], [5.0]], requires_grad=True), lineal.tensor([0, 1])
    y = F.embedding_bag(indices, table, lineal.tensor([0, 1, 2]), mode=mode, include_last_offset=True)
    y.sum().backward()
    assert y.tolist() == [[1], [2]] and table.grad.tolist() == [[1], [1], [0]]
    nothing = lineal.tensor([], dtype=lineal.int64)
    assert F.embedding_bag(nothing, table, nothing, mode=mode).shape == (0, 1)


def test_offsets_that_do_not_begin_at_0_are_refused():
    with pytest.raises(RuntimeError, match=r"embedding_bag: .*offsets"):
        F.embedding_bag(lineal.tensor([0, 1, 2]), lineal.ones(3, 2), lineal.tensor([1, 2]))


def test_linear_cross_entropy_takes_vectors_and_matrices_alone():
    y = F.linear_cross_entropy(lineal.ones(2, 0), lineal.ones(4, 3, 0), lineal.tensor([[0, 1, 2], [3, 0, 1]]))
    np.testing.assert_allclose(y.item(), np.log(4), rtol=1e-6)
    with pytest.raises(RuntimeError, match="linear_cross_entropy: expected input with dimensionality 1 or 2, got 3"):
        F.linear_cross_entropy(lineal.ones(2, 4, 3), lineal.ones(4, 3), lineal.zeros(2, 4, dtype=lineal.int64))
