"""Schedulers that lower the rate along a curve."""

from __future__ import annotations

import math

from lineal.optim.lr_scheduler.base import LRScheduler, within_step
from lineal.optim.optimizer import Optimizer


class ExponentialLR(LRScheduler):
    """Multiply the rate by `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[float]:
        return self._rates_() if self._is_initial else [rate * self.gamma for rate in self._rates_()]

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Lower the rate to `eta_min` along half a cosine of `T_max` epochs.

    Loshchilov and Hutter (2017), arXiv:1608.03983. Each
    rate follows from the one before, so that a rate changed from outside keeps its factor.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[float]:
        epoch, span = self.last_epoch, self.T_max
        if self._is_initial:
            return self._rates_()
        if (epoch - 1 - span) % (2 * span) == 0:
            # At the bottom the ratio to the epoch before would be 0/0: the first step up is taken from the base.
            rise = (1 - math.cos(math.pi / span)) / 2
            return [rate + (base - self.eta_min) * rise for rate, base in zip(self._rates_(), self.base_lrs)]
        ratio = (1 + math.cos(math.pi * epoch / span)) / (1 + math.cos(math.pi * (epoch - 1) / span))
        return [ratio * (rate - self.eta_min) + self.eta_min for rate in self._rates_()]

    def _at_(self, base: float, epoch: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2

    def _get_closed_form_lr(self) -> list[float]:
        return [self._at_(base, self.last_epoch) for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Lower the rate to 0 along (1 - epoch/total_iters)^power."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1):
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[float]:
        epoch, span = self.last_epoch, self.total_iters
        if self._is_initial or epoch > span:
            return self._rates_()
        factor = ((1.0 - epoch / span) / (1.0 - (epoch - 1) / span)) ** self.power
        return [rate * factor for rate in self._rates_()]

    def _get_closed_form_lr(self) -> list[float]:
        share = min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (1.0 - share) ** self.power for base in self.base_lrs]
