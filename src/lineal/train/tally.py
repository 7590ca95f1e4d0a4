"""What one pass over data amounts to: the mean loss and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineal.tensors import Tensor
from lineal.train.metrics import Mean
from lineal.train.step import Judged, size_of

__all__ = ["Tally"]


class Tally:
    """The mean loss and the metrics of a pass, batch by batch."""

    def __init__(self, metrics: Mapping[str, Any]):
        self.loss, self.metrics = Mean(), metrics
        self.reset()

    @property
    def samples(self) -> int:
        """How many samples there were."""
        return self.loss.count

    def reset(self) -> None:
        """Forget all batches."""
        self.loss.reset()
        for metric in self.metrics.values():
            metric.reset()

    def add(self, batch: Any, judged: Judged) -> float:
        """Take in a batch and what the objective says of it; return its loss."""
        loss = float(judged.loss)
        self.loss.update(loss, size_of(batch))
        for metric in self.metrics.values():
            metric.update(judged.outputs, judged.targets)
        return loss

    def line(self, prefix: str = "") -> dict[str, float]:
        """Return the numbers so far by name; metrics that are no single number are left out."""
        values = {"loss": self.loss.compute()} | {name: metric.compute() for name, metric in self.metrics.items()}
        return {prefix + name: float(value) for name, value in values.items() if is_number(value)}

    def state_dict(self) -> dict[str, Any]:
        """Return what has been counted, as far as the metrics tell."""
        known = {name: each.state_dict() for name, each in self.metrics.items() if hasattr(each, "state_dict")}
        return {"loss": self.loss.state_dict(), "metrics": known}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` returned."""
        self.loss.load_state_dict(state_dict["loss"])
        for name, state in state_dict["metrics"].items():
            self.metrics[name].load_state_dict(state)


def is_number(value: Any) -> bool:
    """Return whether a metric's value is one number."""
    return value.ndim == 0 if isinstance(value, Tensor) else isinstance(value, (int, float))
