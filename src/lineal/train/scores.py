"""How well a classifier does: loss, accuracy, confusion."""

from __future__ import annotations

from typing import Any, NamedTuple

from lineal.base import dtypes
from lineal.core import no_grad
from lineal.data import DataLoader
from lineal.nn import Module
from lineal.ops import zeros


class Scores(NamedTuple):
    """The mean loss and the accuracy over a number of samples."""

    loss: float
    accuracy: float


class Tally:
    """Adds up losses and hits batch by batch."""

    def __init__(self) -> None:
        self.samples = 0
        self.loss = 0.0
        self.hits = 0

    def add(self, loss: Any, scores: Any, labels: Any) -> None:
        """Count one batch, whose mean loss is `loss`."""
        count = labels.shape[0]
        self.samples += count
        self.loss += float(loss.detach()) * count
        self.hits += int(scores.detach().argmax(1).eq(labels).sum())

    def scores(self) -> Scores:
        """Return the means so far."""
        count = max(self.samples, 1)
        return Scores(self.loss / count, self.hits / count)


@no_grad()
def evaluate(model: Module, criterion: Any, dataset: Any, batch_size: int = 512) -> Scores:
    """Return the model's scores on a data set, in evaluation mode."""
    model.eval()
    tally = Tally()
    for images, labels in DataLoader(dataset, batch_size):
        scores = model(images)
        tally.add(criterion(scores, labels), scores, labels)
    model.train()
    return tally.scores()


@no_grad()
def confusion_matrix(model: Module, dataset: Any, classes: int, batch_size: int = 512) -> Any:
    """Return how often each true class (row) was taken for each class (column), as an int64 tensor."""
    model.eval()
    counts = zeros(classes * classes, dtype=dtypes.int64)
    for images, labels in DataLoader(dataset, batch_size):
        pairs = labels * classes + model(images).argmax(1)
        counts += pairs.bincount(minlength=classes * classes)
    model.train()
    return counts.reshape(classes, classes)
