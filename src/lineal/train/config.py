"""What a `Trainer` is told: how long, how often, how carefully."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FREE = ("epochs", "save_every", "find_nan")
"""What may change when a run is resumed: it decides where a run ends and what is looked at, not what its steps do."""
AMP = ("bfloat16", "float16")


@dataclass(frozen=True)
class Config:
    """The settings of a training run; ValueError names a value that makes no sense.

    `accumulate` batches make one step of the optimizer, whose gradient is that of their mean loss. `clip_norm` and
    `clip_value` limit the gradient, in that order. `average` is the decay of an exponential moving average of the weights,
    with which the model is then evaluated. `amp` names the dtype of autocast, `recompute` the submodules whose inner values
    the backward pass computes again. `schedule_every` says when the schedule steps: "epoch" or "step". `save_every` is the
    number of steps between checkpoints within an epoch; there is one at the end of each epoch anyway. `seed` None leaves the
    random state as it is. `find_nan` stops a run whose loss is not finite, and says which op and line made it so; for that it
    keeps a copy of weights and optimizer.
    """

    epochs: int = 10
    max_steps: int | None = None
    accumulate: int = 1
    clip_norm: float | None = None
    clip_value: float | None = None
    average: float | None = None
    amp: str | None = None
    recompute: tuple[str, ...] = ()
    compiled: bool = True
    schedule_every: str = "epoch"
    save_every: int | None = None
    seed: int | None = None
    find_nan: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "recompute", tuple(self.recompute))
        for name in ("epochs", "accumulate"):
            require(name, getattr(self, name), "a positive int", is_count)
        for name in ("max_steps", "save_every"):
            require(name, getattr(self, name), "a positive int or None", optional(is_count))
        for name in ("clip_norm", "clip_value"):
            require(name, getattr(self, name), "a positive number or None", optional(is_positive))
        for name in ("compiled", "find_nan"):
            require(name, getattr(self, name), "a bool", lambda value: isinstance(value, bool))
        require("average", self.average, "a number between 0 and 1, or None", optional(lambda x: is_positive(x) and x < 1))
        require("amp", self.amp, f"one of {', '.join(AMP)}, or None", lambda value: value is None or value in AMP)
        require("schedule_every", self.schedule_every, "epoch or step", lambda value: value in ("epoch", "step"))
        require("seed", self.seed, "an int from 0 to 2**63 - 1, or None", optional(is_seed))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as a dict that a checkpoint can hold."""
        return dataclasses.asdict(self)

    def check_resumes(self, stored: dict[str, Any]) -> None:
        """Refuse to go on with a run that had other settings: ValueError names the first that differs."""
        for name, value in self.as_dict().items():
            before = stored.get(name, value)
            if name not in FREE and before != value:
                raise ValueError(f"{name}: the run to resume has {before!r}, got {value!r}; train afresh without resume")


def is_int(value: Any) -> bool:
    """Return whether `value` is an int and no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Return whether `value` is a positive int."""
    return is_int(value) and value > 0


def is_seed(value: Any) -> bool:
    """Return whether `value` is an int that seeds a generator."""
    return is_int(value) and 0 <= value < 2**63


def is_positive(value: Any) -> bool:
    """Return whether `value` is a positive, finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


def optional(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a condition that None meets too."""
    return lambda value: value is None or holds(value)


def require(name: str, value: Any, expected: str, holds: Callable[[Any], bool]) -> None:
    """Refuse an option's value."""
    if not holds(value):
        raise ValueError(f"{name}: expected {expected}, got {value!r}")
