"""One step of training: forward, backward, what is done to the gradient, the optimizer."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from lineal import nn, optim
from lineal.base import dtypes, later, tree
from lineal.base.limits import finfo
from lineal.tensors import Tensor
from lineal.train.averaging import Average
from lineal.train.config import Config
from lineal.transforms.recomputing import checkpoint

amp: Any = later.module("lineal.amp")
clipping: Any = later.module("lineal.nn.utils")

LEAST_GRADIENT = 1e-20
"""Gradients below this may be lost."""

__all__ = ["Judged", "Objective", "Step", "supervised"]


class Judged(NamedTuple):
    """What an objective says of a batch: its mean loss, and what metrics compare."""

    loss: Any
    outputs: Any = None
    targets: Any = None


Objective = Callable[[nn.Module, Any], Judged]


def supervised(loss: Callable[[Any, Any], Any]) -> Objective:
    """Return the objective of batches (inputs …, targets): the loss between the model's outputs and the targets."""

    def objective(model: nn.Module, batch: Any) -> Judged:
        if not isinstance(batch, (list, tuple)) or len(batch) < 2:
            raise TypeError(
                f"Trainer: expected batches (inputs, targets), got {type(batch).__name__}: give an objective instead"
            )
        *inputs, targets = batch
        outputs = model(*inputs)
        return Judged(loss(outputs, targets), outputs, targets)

    return objective


class Step:
    """The step of a run; called with the batches of one step, it returns what the objective says of each."""

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer, objective: Objective, config: Config):
        self.model, self.optimizer, self.objective, self.config = model, optimizer, objective, config
        closure = inspect.signature(optimizer.step).parameters.get("closure")
        if closure is not None and closure.default is inspect.Parameter.empty:
            raise TypeError(f"Trainer: {type(optimizer).__name__} steps by a closure, which a Trainer does not give it")
        self.average = Average(model, config.average) if config.average is not None else None
        if config.amp is not None and importlib.util.find_spec("lineal.amp") is None:
            raise ValueError("amp: this version of lineal has no lineal.amp")
        self.scaler = amp.GradScaler("cpu") if config.amp is not None and is_narrow(config.amp) else None
        recomputed(model, config.recompute)

    def __call__(self, group: Sequence[Any]) -> list[Judged]:
        self.optimizer.zero_grad()
        sizes = [size_of(batch) for batch in group]
        judged = [self.backward(batch, size / sum(sizes)) for batch, size in zip(group, sizes)]
        self.update()
        return judged

    def backward(self, batch: Any, weight: float) -> Judged:
        """Add the gradient of a batch's loss, times `weight`, to the grads."""
        judged = self.judged(batch)
        loss = judged.loss if weight == 1 else judged.loss * weight
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        return Judged(*tree.transform(detached, tuple(judged)))

    def judged(self, batch: Any) -> Judged:
        """Return what the objective says of a batch."""
        with self.casting():
            judged = self.objective(self.model, batch)
        return judged if isinstance(judged, Judged) else Judged(judged)

    def casting(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which the forward pass runs."""
        if self.config.amp is None:
            return contextlib.nullcontext()
        return amp.autocast("cpu", dtype=dtypes.named(self.config.amp))

    def update(self) -> None:
        """Limit the gradient, let the optimizer step, and take the new weights into the average."""
        parameters = [each for group in self.optimizer.param_groups for each in group["params"]]
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if self.config.clip_norm is not None:
            clipping.clip_grad_norm_(parameters, self.config.clip_norm)
        if self.config.clip_value is not None:
            clipping.clip_grad_value_(parameters, self.config.clip_value)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        if self.average is not None:
            self.average.update()


def is_narrow(name: str) -> bool:
    """Return whether gradients may be smaller than the least numbers of a dtype, so that the loss has to be scaled."""
    return finfo(dtypes.named(name)).tiny > LEAST_GRADIENT


def detached(value: Any) -> Any:
    """Return a tensor without its history, anything else as it is."""
    return value.detach() if isinstance(value, Tensor) else value


def size_of(batch: Any) -> int:
    """Return how many samples a batch has: the length of its first tensor, or 1."""
    for each in tree.leaves(batch):
        if isinstance(each, Tensor):
            return int(each.shape[0]) if each.ndim else 1
    return 1


def recomputed(model: nn.Module, names: Iterable[str]) -> None:
    """Let the backward pass compute again what the submodules of these names compute inside.

    ValueError names one that is not there.
    Chen et al. (2016), "Training deep nets with sublinear memory cost".
    """
    modules: dict[str, Any] = dict(model.named_modules())
    for name in names:
        if name not in modules:
            raise ValueError(f"recompute: {type(model).__name__} has no submodule {name!r}; it has {', '.join(modules)[2:]}")
        module = modules[name]
        module.forward = functools.partial(checkpoint, module.forward, use_reentrant=False)
