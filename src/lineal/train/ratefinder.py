"""Which learning rate to begin with: the loss while the rate grows from step to step (Smith 2017, arXiv:1506.01186)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from lineal.train.order import generators_of
from lineal.train.preparation import Held
from lineal.train.randomness import random_state, set_random_state
from lineal.train.trainer import Trainer

__all__ = ["RateRange", "find_rate"]

SMOOTHING, DIVERGED = 0.9, 4.0
"""How much of the smoothed loss stays from step to step; how many times the least loss is too much to go on."""


class RateRange(NamedTuple):
    """The rates that were tried, the smoothed losses they led to, and the rate at which the loss fell fastest."""

    rates: list[float]
    losses: list[float]
    suggestion: float


def find_rate(trainer: Trainer, training: Iterable[Any], low: float = 1e-6, high: float = 1.0, steps: int = 100) -> RateRange:
    """Try rates from `low` to `high`, a step each, until the loss is four times its least; leave the trainer as it was.

    ValueError if the rates are no range, or the loss never falls.
    """
    if not 0 < low < high < math.inf or steps < 10:
        raise ValueError(f"find_rate: expected 0 < low < high and 10 steps or more, got {low}, {high} and {steps}")
    held, groups = Held(trainer.step), trainer.optimizer.param_groups
    generators = generators_of(training)
    random = random_state(generators)
    before = [group["lr"] for group in groups]
    training_mode = trainer.model.training
    trainer.model.train()
    try:
        rates, losses = tried(trainer, training, [low * (high / low) ** (step / (steps - 1)) for step in range(steps)])
    finally:
        held.restore()
        set_random_state(random, generators)
        for group, rate in zip(groups, before):
            group["lr"] = rate
        trainer.model.train(training_mode)
    return RateRange(rates, losses, steepest(rates, losses))


def tried(trainer: Trainer, training: Iterable[Any], rates: list[float]) -> tuple[list[float], list[float]]:
    """Make a step with each rate; return the rates, and the means of the losses so far, the newer weighing more."""
    mean, least = 0.0, math.inf
    done, losses = [], []
    for step, (rate, batch) in enumerate(zip(rates, endless(training)), 1):
        for group in trainer.optimizer.param_groups:
            group["lr"] = rate
        (judged,) = trainer.step([batch])
        mean = SMOOTHING * mean + (1 - SMOOTHING) * float(judged.loss)
        smoothed = mean / (1 - SMOOTHING**step)
        if not smoothed < DIVERGED * least:
            break
        least = min(least, smoothed)
        done.append(rate)
        losses.append(smoothed)
    return done, losses


def endless(training: Iterable[Any]) -> Iterator[Any]:
    """Yield batches, pass after pass."""
    while True:
        batch = None
        for batch in training:
            yield batch
        if batch is None:
            raise ValueError("find_rate: the loader has no batches")


def steepest(rates: list[float], losses: list[float]) -> float:
    """Return the rate at which the loss falls fastest as the rate grows; ValueError if it never falls."""
    falls = [(losses[place + 1] - losses[place - 1], rates[place]) for place in range(1, len(rates) - 1)]
    fall, rate = min(falls, default=(0.0, 0.0))
    if fall >= 0:
        raise ValueError(f"find_rate: the loss never falls between {rates[0]:.1e} and {rates[-1]:.1e}: try other rates")
    return rate
