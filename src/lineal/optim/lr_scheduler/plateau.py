"""The scheduler that waits until a measured value stops improving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal.optim.lr_scheduler.base import LRScheduler
from lineal.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """Multiply the rate by `factor` once the value given to `step` has not improved for more than `patience` epochs.

    Better is smaller for the mode "min", greater for "max", by the share `threshold` of the best value ("rel") or by
    `threshold` itself ("abs"). After a change, `cooldown` epochs do not count. Changes below `eps` are left out.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: expected factor below 1.0, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode {mode} is unknown: expected min or max")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"ReduceLROnPlateau: threshold mode {threshold_mode} is unknown: expected rel or abs")
        groups = len(optimizer.param_groups)
        bounds: list[float] = list(min_lr) if isinstance(min_lr, Sequence) else [min_lr] * groups
        if len(bounds) != groups:
            raise ValueError(f"ReduceLROnPlateau: expected {groups} min_lrs, got {len(bounds)}")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lrs = bounds
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self.rates()
        self.reset()

    def reset(self) -> None:
        """Forget the best value and the epochs since."""
        self.best = math.inf if self.mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def get_lr(self) -> list[float]:
        return self.rates()

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Hear the value of this epoch and set the groups' rates."""
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(value, self.best):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self.rates()

    def _reduce(self) -> None:
        for group, least in zip(self.optimizer.param_groups, self.min_lrs):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                self.put(group, new)

    def is_better(self, value: float, best: float) -> bool:
        """Return whether `value` improves on `best` by more than the threshold."""
        margin = self.threshold * (abs(best) if self.threshold_mode == "rel" and math.isfinite(best) else 1.0)
        return value < best - margin if self.mode == "min" else value > best + margin
