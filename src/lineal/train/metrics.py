"""Metrics: objects that are told of outputs and targets batch by batch (`update`) and then say a number (`compute`).

An object of torchmetrics has the same three methods and may stand beside them. Class metrics take scores (n, classes, …), or
scores (n) of two classes that are positive for the second, and labels of the remaining shape.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import no_grad
from lineal.nn import functional
from lineal.tensors import from_numpy

__all__ = ["AUC", "F1", "Accuracy", "ConfusionMatrix", "Mean", "MeanSquaredError", "Metric", "Perplexity"]


class Metric:
    """The base of metrics: a subclass sets its counts in `reset`, adds to them in `update` and makes a number of them."""

    def __init__(self) -> None:
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget all batches."""

    @abstractmethod
    def update(self, outputs: Any, targets: Any) -> None:
        """Take in one batch."""

    @abstractmethod
    def compute(self) -> Any:
        """Return the metric over all batches so far; NaN if there were none."""

    def state_dict(self) -> dict[str, Any]:
        """Return the counts, as a checkpoint can hold them."""
        return {name: from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the counts that `state_dict` returned."""
        for name, value in state_dict.items():
            setattr(self, name, value.numpy().copy() if isinstance(getattr(self, name), np.ndarray) else value)


class Mean(Metric):
    """The mean of numbers, each of which counts as often as there are samples in its batch."""

    def reset(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, outputs: float, targets: int = 1) -> None:
        """Take in a number that stands for `targets` samples."""
        self.total += outputs * targets
        self.count += targets

    def compute(self) -> float:
        return divided(self.total, self.count)


class Accuracy(Metric):
    """The share of targets that are among the `top_k` classes of the highest scores."""

    def __init__(self, top_k: int = 1):
        if top_k < 1:
            raise ValueError(f"Accuracy: expected top_k of 1 or more, got {top_k}")
        super().__init__()
        self.top_k = top_k

    def reset(self) -> None:
        self.hits, self.count = 0, 0

    @no_grad()
    def update(self, outputs: Tensor, targets: Tensor) -> None:
        check(self, outputs, targets)
        if self.top_k == 1 or outputs.ndim == targets.ndim:
            hits = chosen(outputs, targets).eq(targets)
        else:
            hits = outputs.topk(min(self.top_k, outputs.shape[1]), 1).indices.eq(targets.unsqueeze(1)).any(1)
        self.hits += int(hits.sum())
        self.count += targets.numel()

    def compute(self) -> float:
        return divided(self.hits, self.count)


class ConfusionMatrix(Metric):
    """How often each true class (row) was taken for each class (column): an int64 tensor (classes, classes)."""

    def __init__(self, classes: int):
        if classes < 2:
            raise ValueError(f"{type(self).__name__}: expected 2 classes or more, got {classes}")
        self.classes = classes
        super().__init__()

    def reset(self) -> None:
        self.counts = np.zeros((self.classes, self.classes), np.int64)

    @no_grad()
    def update(self, outputs: Tensor, targets: Tensor) -> None:
        check(self, outputs, targets)
        pairs = [each.numpy().reshape(-1) for each in (targets, chosen(outputs, targets))]
        for what, labels in zip(("targets", "classes of scores"), pairs):
            if labels.size and not (0 <= labels.min() and labels.max() < self.classes):
                raise ValueError(
                    f"{type(self).__name__}: expected {what} from 0 to {self.classes - 1}, got {labels.min()} to {labels.max()}"
                )
        np.add.at(self.counts, tuple(each.astype(np.int64) for each in pairs), 1)

    def compute(self) -> Any:
        return from_numpy(self.counts.copy())


class F1(ConfusionMatrix):
    """2 tp / (2 tp + fp + fn), for each class ("none"), their mean ("macro"), or of all counts together ("micro").

    A class of which there are no targets and no guesses counts as 0 in the vector, and not at all in the mean.
    """

    def __init__(self, classes: int, average: str = "macro"):
        if average not in ("macro", "micro", "none"):
            raise ValueError(f"F1: expected average to be macro, micro or none, got {average!r}")
        self.average = average
        super().__init__(classes)

    def compute(self) -> Any:
        hits, size = np.diag(self.counts), self.counts.sum(0) + self.counts.sum(1)
        if self.average == "micro":
            return divided(2 * hits.sum(), size.sum())
        each = np.divide(2 * hits, size, out=np.zeros(self.classes), where=size > 0)
        if self.average == "none":
            return from_numpy(each)
        return float(each[size > 0].mean()) if size.any() else math.nan


class AUC(Metric):
    """The area under the ROC curve: the chance that a sample of a class scores higher than one of another.

    Of several classes it is the mean over each against all others; NaN if there is no such pair. All scores are kept until
    `reset`, in float64. Hanley and McNeil (1982): it is the rank sum of the positive samples.
    """

    def reset(self) -> None:
        self.scores, self.labels = np.zeros((0, 1)), np.zeros(0, np.int64)

    @no_grad()
    def update(self, outputs: Tensor, targets: Tensor) -> None:
        check(self, outputs, targets)
        scores = outputs.double().numpy().reshape(len(targets), -1)
        if not len(self.labels):
            self.scores = np.zeros((0, scores.shape[1]))
        self.scores = np.concatenate([self.scores, scores])
        self.labels = np.concatenate([self.labels, targets.numpy().astype(np.int64)])

    def compute(self) -> float:
        classes = self.scores.shape[1]
        if classes <= 2:
            return area(self.scores[:, -1] - (self.scores[:, 0] if classes == 2 else 0), self.labels == 1)
        each = [area(self.scores[:, label], self.labels == label) for label in range(classes)]
        return float(np.mean([value for value in each if not math.isnan(value)] or [math.nan]))


class Perplexity(Metric):
    """exp of the mean of -log p(target), from scores (n, classes, …) or (n, …, classes) before softmax."""

    def __init__(self, ignore_index: int = -100):
        self.ignore_index = ignore_index
        super().__init__()

    def reset(self) -> None:
        self.total, self.count = 0.0, 0

    @no_grad()
    def update(self, outputs: Tensor, targets: Tensor) -> None:
        last = outputs.shape[:-1] == targets.shape
        scores = (outputs if last else outputs.movedim(1, -1)).flatten(0, -2)
        labels = targets.flatten()
        loss = functional.cross_entropy(scores.double(), labels, reduction="sum", ignore_index=self.ignore_index)
        self.total += float(loss)
        self.count += int(labels.ne(self.ignore_index).sum())

    def compute(self) -> float:
        mean = divided(self.total, self.count)
        return math.inf if mean > 709 else math.exp(mean)


class MeanSquaredError(Metric):
    """The mean of (output - target)²."""

    def reset(self) -> None:
        self.total, self.count = 0.0, 0

    @no_grad()
    def update(self, outputs: Tensor, targets: Tensor) -> None:
        if outputs.shape != targets.shape:
            raise ValueError(
                f"MeanSquaredError: expected outputs and targets of one shape, got {[*outputs.shape]} and {[*targets.shape]}"
            )
        self.total += float((outputs.double() - targets.double()).square().sum())
        self.count += targets.numel()

    def compute(self) -> float:
        return divided(self.total, self.count)


def divided(total: Any, count: Any) -> float:
    """Return a mean; NaN of nothing."""
    return float(total) / int(count) if count else math.nan


def chosen(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the class of the highest score, or of two classes the one on whose side of 0 the score is."""
    return outputs.argmax(1) if outputs.ndim > targets.ndim else outputs.gt(0).long()


def check(metric: Metric, outputs: Tensor, targets: Tensor) -> None:
    """Refuse scores and labels whose shapes do not fit."""
    if outputs.shape != targets.shape and (*outputs.shape[:1], *outputs.shape[2:]) != tuple(targets.shape):
        raise ValueError(
            f"{type(metric).__name__}: expected scores (n, classes, …) and labels (n, …), "
            f"got shapes {[*outputs.shape]} and {[*targets.shape]}"
        )


def area(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the area under the ROC curve of one class against the rest, ties counting a half."""
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others or np.isnan(scores).any():
        return math.nan
    _, places, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(sizes) - (sizes - 1) / 2
    return float((ranks[places][positive].sum() - count * (count + 1) / 2) / (count * others))
