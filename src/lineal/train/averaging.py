"""A moving average of the weights, which often does better than the weights themselves (Polyak and Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lineal.core import no_grad
from lineal.nn import Module

__all__ = ["Average"]


class Average:
    """The exponential moving average a ← d a + (1-d) w of a model's weights; other numbers (running statistics) are copied."""

    def __init__(self, model: Module, decay: float):
        self.model, self.decay = model, decay
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the averages by the names of the weights."""
        return self.values

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the averages from a `state_dict`; ValueError if it is of another model."""
        if state_dict.keys() != self.values.keys():
            raise ValueError(f"average: expected the weights {sorted(self.values)}, got {sorted(state_dict)}")
        with no_grad():
            for name, value in state_dict.items():
                self.values[name].copy_(value)

    def update(self) -> None:
        """Take the weights as they are now into the average."""
        learned = {name for name, _ in self.model.named_parameters(remove_duplicate=False)}
        with no_grad():
            for name, value in self.model.state_dict().items():
                if name in learned:
                    self.values[name].lerp_(value, 1 - self.decay)
                else:
                    self.values[name].copy_(value)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Let the model have the averages as its weights for a while."""
        with no_grad():
            held = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
            self.model.load_state_dict(self.values)
        try:
            yield
        finally:
            self.model.load_state_dict(held)
