"""What a run of `lineal train` is told: data, network, sizes, optimizer, seed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from lineal.train.config import AMP, is_count, is_positive, is_seed, optional, require

OPTIMIZERS = ("adam", "adamw", "sgd")
DEFAULT_LR = {"adam": 2e-3, "adamw": 2e-3, "sgd": 0.05}
MODELS = ("mlp", "cnn", "linear")
DEFAULT_HIDDEN = {"mlp": (128, 64), "cnn": (32, 64), "linear": ()}
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True)
class Options:
    """The options of a run; ValueError for values that make no sense.

    `lr` and `hidden` None mean the defaults of the optimizer and of the model. `data` is "digits" or a path, `target` a column
    of a table. `epochs` may change when a run with a constant rate is resumed, the others may not.
    """

    epochs: int = 30
    batch_size: int = 64
    lr: float | None = None
    optimizer: str = "adam"
    hidden: tuple[int, ...] | None = None
    seed: int = 0
    compiled: bool = True
    model: str = "mlp"
    data: str = "digits"
    target: str | None = None
    schedule: str = "constant"
    accumulate: int = 1
    clip: float | None = None
    average: float | None = None
    patience: int | None = None
    amp: str | None = None

    def __post_init__(self) -> None:
        for name, names in (("optimizer", OPTIMIZERS), ("model", MODELS), ("schedule", SCHEDULES), ("amp", (None, *AMP))):
            shown = ", ".join(each for each in names if each)
            require(name, getattr(self, name), f"one of {shown}", lambda value, names=names: value in names)
        if self.lr is None:
            object.__setattr__(self, "lr", DEFAULT_LR[self.optimizer])
        object.__setattr__(self, "hidden", tuple(DEFAULT_HIDDEN[self.model] if self.hidden is None else self.hidden))
        for name in ("epochs", "batch_size", "accumulate"):
            require(name, getattr(self, name), "a positive int", is_count)
        for size in self.hidden or ():
            require("hidden", size, "positive ints", is_count)
        require("lr", self.lr, "a positive number", is_positive)
        require("clip", self.clip, "a positive number or None", optional(is_positive))
        require("average", self.average, "a number between 0 and 1, or None", optional(lambda x: is_positive(x) and x < 1))
        require("patience", self.patience, "a positive int or None", optional(is_count))
        require("compiled", self.compiled, "a bool", lambda compiled: isinstance(compiled, bool))
        require("seed", self.seed, "an int from 0 to 2**63 - 1", is_seed)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as a dict that a checkpoint can hold."""
        return dataclasses.asdict(self)

    def resumed(self, given: dict[str, Any]) -> Options:
        """Return these options with those in `given`; ValueError if more than the epochs would change."""
        for name, value in given.items():
            stored = getattr(self, name)
            if value != stored and (name != "epochs" or self.schedule != "constant"):
                shown = ",".join(map(str, stored)) if isinstance(stored, tuple) else stored
                raise ValueError(
                    f"{name}: the run to resume has {shown}; leave the option out, or train afresh without --resume"
                )
        return dataclasses.replace(self, **given)
