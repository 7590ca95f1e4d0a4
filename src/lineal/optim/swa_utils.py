"""Averages of weights over a training, and the learning rate that goes with them."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Device, Tensor
from lineal.core import AbstractTensor, modes, no_grad
from lineal.core.together import done_together
from lineal.nn import Module
from lineal.nn.batch_normalisation import BatchNorm
from lineal.optim.change import Update, apart, make
from lineal.optim.lr_scheduler.base import LRScheduler, for_groups, within_step
from lineal.optim.optimizer import Optimizer
from lineal.tensors import tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
Averages = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """Return f(averages, values, n), which moves each average by the share 1 - `decay` towards its value, in place."""
    check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], _: Any) -> None:
        move(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> Averages:
    """Return f(averages, values, n), which makes each average of n values one of n + 1, in place."""

    @no_grad()
    def swa_update(averaged_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any) -> None:
        count: Any = num_averaged
        if isinstance(num_averaged, AbstractTensor):
            # what a whole number is divided by has the default dtype, which may hold fewer digits than the weights
            count = count.to(dtypes.float64)
        move(averaged_param_list, current_param_list, 1 / (count + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return f(average, value, n) = decay · average + (1 - decay) · value."""
    check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """Return f(average, value, n): the average of n + 1 values, from that of n and one more."""

    @no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def check_decay(decay: float) -> None:
    """Refuse a share outside of [0, 1]."""
    if not 0 <= decay <= 1:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def move(means: Sequence[Any], values: Sequence[Any], share: Any) -> None:
    """Move each mean by a share of the way to its value, all of them in one loop if they are large; whole numbers are cut."""
    pairs = list(zip(means, values, strict=True))
    if modes.recorder.get() is None and done_together("lerp_", towards, [list(means), list(values)], [float(share)], 1):
        return
    for mean, value in pairs:
        if not (mean.is_floating_point() or mean.is_complex()):
            mean.copy_(mean + (value - mean) * share)
    moved = [(mean, value) for mean, value in pairs if mean.is_floating_point() or mean.is_complex()]
    at_once = apart([mean for mean, _ in moved], [value for _, value in moved])
    make((Update("lerp_", towards, pair, (share,), 1) for pair in moved), at_once)


def towards(m: Any, mean: Any, value: Any, share: Any) -> tuple:
    """The formula of an average: the new one."""
    return (mean + (value - mean) * share,)


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that `update_parameters` has seen.

    `avg_fn(average, value, n)` returns the new average, `multi_avg_fn(averages, values, n)` makes all in place; by default
    it is the mean of all n + 1. The first update copies. Buffers are copied, or averaged too with `use_buffers`.
    Izmailov et al. (2018), arXiv:1803.05407.
    """

    n_averaged: Any

    def __init__(
        self,
        model: Module,
        device: Device | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Let the averages take in the parameters of `model`."""
        means, values = (self.averaged(each) for each in (self.module, model))
        if bool(self.n_averaged == 0):
            for mean, value in zip(means, values):
                mean.copy_(value)
        elif self.avg_fn is not None:
            for mean, value in zip(means, values):
                mean.copy_(self.avg_fn(mean, value, self.n_averaged))
        else:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(means, values, self.n_averaged)
        if not self.use_buffers:
            for mine, given in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(given.detach())
        self.n_averaged += 1

    def averaged(self, model: Module) -> list[Any]:
        """Return what is averaged of a model, without histories."""
        more = model.buffers() if self.use_buffers else ()
        return [each.detach() for each in itertools.chain(model.parameters(), more)]


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Device | None = None) -> None:
    """Let the batch norms of a model see the data of a loader once, for running statistics that fit its averaged weights.

    Of a sample that is a list or tuple the first element is the model's input.
    """
    layers = [each for each in model.modules() if isinstance(each, BatchNorm)]
    if not layers:
        return
    momenta, was_training = [each.momentum for each in layers], model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    for sample in loader:
        x = sample[0] if isinstance(sample, (list, tuple)) else sample
        model(x if device is None else x.to(device))
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Go from the rate that there is to `swa_lr` in `anneal_epochs`, along half a cosine or straight, and stay there."""

    def __init__(
        self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos", last_epoch: int = -1
    ):
        for group, rate in zip(optimizer.param_groups, for_groups("swa_lr", optimizer, swa_lr)):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """Return how much of the way is behind us after the share t of the epochs."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    @within_step
    def get_lr(self) -> list[float]:
        step, span = self._step_count - 1, max(1, self.anneal_epochs)
        step = max(1, step) if self.anneal_epochs == 0 else step
        before, now = (self.anneal_func(max(0, min(1, n / span))) for n in (step - 1, step))
        rates = []
        for group, rate in zip(self.optimizer.param_groups, self._rates_()):
            end = group["swa_lr"]
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
