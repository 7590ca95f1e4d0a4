"""What a training run is told: sizes, optimizer, seed."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

OPTIMIZERS = ("adam", "sgd")
DEFAULT_LR = {"adam": 2e-3, "sgd": 0.05}


@dataclass(frozen=True)
class Options:
    """The options of a run on the handwritten digits; ValueError for values that make no sense.

    `lr` None means the optimizer's own default. `epochs` may change when a run is resumed, the others may not.
    """

    epochs: int = 30
    batch_size: int = 64
    lr: float | None = None
    optimizer: str = "adam"
    hidden: tuple[int, ...] = (128, 64)
    seed: int = 0
    compiled: bool = True

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer: expected one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}")
        if self.lr is None:
            object.__setattr__(self, "lr", DEFAULT_LR[self.optimizer])
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name in ("epochs", "batch_size"):
            require(name, getattr(self, name), "a positive int", is_count)
        for size in self.hidden:
            require("hidden", size, "positive ints", is_count)
        require("lr", self.lr, "a positive number", lambda lr: isinstance(lr, (int, float)) and 0 < lr < math.inf)
        require("compiled", self.compiled, "a bool", lambda compiled: isinstance(compiled, bool))
        require("seed", self.seed, "an int from 0 to 2**63 - 1", lambda seed: is_int(seed) and 0 <= seed < 2**63)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as a dict that a checkpoint can hold."""
        return dataclasses.asdict(self)

    def resumed(self, given: dict[str, Any]) -> Options:
        """Return these options with those in `given`; ValueError if more than the epochs would change."""
        for name, value in given.items():
            stored = getattr(self, name)
            if name != "epochs" and value != stored:
                shown = ",".join(map(str, stored)) if isinstance(stored, tuple) else stored
                raise ValueError(
                    f"{name}: the run to resume has {shown}; leave the option out, or train afresh without --resume"
                )
        return dataclasses.replace(self, **given)


def is_int(value: Any) -> bool:
    """Return whether `value` is an int and no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Return whether `value` is a positive int."""
    return is_int(value) and value > 0


def require(name: str, value: Any, expected: str, holds: Any) -> None:
    """Refuse an option's value."""
    if not holds(value):
        raise ValueError(f"{name}: expected {expected}, got {value!r}")
