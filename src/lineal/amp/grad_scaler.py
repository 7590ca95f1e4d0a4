"""`GradScaler`: losses are scaled up, so that small gradients do not vanish in half precision, and gradients down again."""

from __future__ import annotations

import enum
import warnings
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from lineal import ops
from lineal.base.dtypes import float16, float32, float64, int32
from lineal.core import AbstractTensor, modes
from lineal.cuda import is_available

__all__ = ["GradScaler", "OptState"]


TOO_NARROW = (float16,)
"""Of which dtypes scaled grads easily leave the range."""


class OptState(enum.Enum):
    """How far an optimizer's step is."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def unstepped() -> dict[str, Any]:
    """Return the state of an optimizer whose gradients are still scaled."""
    return {"stage": OptState.READY, "found_inf_per_device": {}}


class GradScaler:
    """Scale losses by a factor that grows while gradients stay finite, and skip the steps in which they do not.

    The factor begins at `init_scale`. After `growth_interval` steps in a row with finite gradients it is multiplied by
    `growth_factor`; after one with infinities or NaN, which `step` does not take, by `backoff_factor`. It is a tensor, so that
    a compiled step goes on as it changes. Without a GPU, `device` "cuda" warns and scales nothing; give "cpu" then.
    Micikevicius et al. (2018), arXiv:1710.03740.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ):
        self._device, self._enabled = device, enabled
        if enabled and device == "cuda" and not is_available():
            warnings.warn("GradScaler: enabled, but CUDA is not available. Disabling.", stacklevel=2)
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError(f"GradScaler: The growth factor must be > 1.0, got {growth_factor}")
        if backoff_factor >= 1.0:
            raise AssertionError(f"GradScaler: The backoff factor must be < 1.0, got {backoff_factor}")
        self._init_scale, self._init_growth_tracker = init_scale, 0
        self._growth_factor, self._backoff_factor, self._growth_interval = growth_factor, backoff_factor, growth_interval
        self._scale: Any = None
        self._growth_tracker: Any = None
        self._per_optimizer_states: dict[int, dict[str, Any]] = defaultdict(unstepped)

    def _check_scale_growth_tracker(self, funcname: str) -> tuple[Any, Any]:
        """Return the scale and the count of steps, which the first `scale` makes."""
        if self._scale is None or self._growth_tracker is None:
            raise AssertionError(f"GradScaler: Attempted {funcname} but _scale is None: call scale() on the loss first")
        return self._scale, self._growth_tracker

    def _lazy_init_scale_growth_tracker(self, dev: Any) -> None:
        self._scale = ops.full((), self._init_scale, dtype=float32, device=dev)
        self._growth_tracker = ops.full((), self._init_growth_tracker, dtype=int32, device=dev)

    def scale(self, outputs: Any) -> Any:
        """Return a tensor, or a nest of iterables of tensors, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, AbstractTensor):
            if self._scale is None:
                self._lazy_init_scale_growth_tracker(outputs.device)  # type: ignore[attr-defined]
            return outputs * self._scale  # type: ignore[operator]
        if not isinstance(outputs, Iterable):
            given = type(outputs).__name__
            raise ValueError(f"GradScaler.scale: outputs must be a Tensor or an iterable of Tensors, got {given}")
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled  # type: ignore[call-arg]

    def _unscale_grads_(self, optimizer: Any, inv_scale: Any, found_inf: Any, allow_fp16: bool) -> dict[Any, Any]:
        """Multiply an optimizer's grads by a number; return, by device, 1 if one is not finite, else what `found_inf` was."""
        finite = []
        with modes.no_grad():
            for parameter in (each for group in optimizer.param_groups for each in group["params"]):
                grad = parameter.grad
                if grad is None:
                    continue
                if grad.dtype in TOO_NARROW and not allow_fp16:
                    raise ValueError("GradScaler: Attempting to unscale FP16 gradients; keep parameters in float32")
                finite.append(ops.isfinite(grad).all())
                grad.mul_(inv_scale)
            if not finite:
                return {}
            return {found_inf.device: ops.where(ops.stack(finite).all(), found_inf, ops.ones_like(found_inf))}

    def unscale_(self, optimizer: Any) -> None:
        """Divide an optimizer's grads by the scale, to look at them before `step`, which does it otherwise.

        RuntimeError if that was done since the last `update`.
        """
        if not self._enabled:
            return
        scale, _ = self._check_scale_growth_tracker("unscale_")
        known = self._per_optimizer_states[id(optimizer)]
        if known["stage"] is OptState.UNSCALED:
            raise RuntimeError("GradScaler: unscale_() has already been called on this optimizer since the last update().")
        if known["stage"] is OptState.STEPPED:
            raise RuntimeError("GradScaler: unscale_() is being called after step().")
        # a reciprocal in float32 is one rounding further from the quotient
        inverse = scale.to(float64).reciprocal().to(float32)
        found_inf = ops.zeros((), dtype=float32, device=scale.device)
        known["found_inf_per_device"] = self._unscale_grads_(optimizer, inverse, found_inf, False)
        known["stage"] = OptState.UNSCALED

    def _maybe_opt_step(self, optimizer: Any, optimizer_state: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Take the step, unless some gradient is not finite."""
        if any(bool(each) for each in optimizer_state["found_inf_per_device"].values()):
            return None
        return optimizer.step(*args, **kwargs)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Take an optimizer's step by unscaled grads and return what it returns; take none if some are not finite.

        RuntimeError if it was taken since the last `update`, or if a closure is given by name.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("GradScaler: Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale_growth_tracker("step")
        known = self._per_optimizer_states[id(optimizer)]
        if known["stage"] is OptState.STEPPED:
            raise RuntimeError("GradScaler: step() has already been called since the last update().")
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            return self._own_step(optimizer, known, *args, **kwargs)
        if known["stage"] is OptState.READY:
            self.unscale_(optimizer)
        if not known["found_inf_per_device"]:
            raise AssertionError("GradScaler: No inf checks were recorded for this optimizer.")
        result = self._maybe_opt_step(optimizer, known, *args, **kwargs)
        known["stage"] = OptState.STEPPED
        return result

    def _own_step(self, optimizer: Any, known: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Let an optimizer that can do so unscale grads itself, and skip the step, by its `grad_scale` and `found_inf`."""
        if known["stage"] is OptState.READY:
            self._check_inf_per_device(optimizer)
        unscaled = known["stage"] is OptState.UNSCALED
        given = getattr(optimizer, "grad_scale", None)
        optimizer.grad_scale = given if unscaled else self._scale if given is None else self._scale * given
        optimizer.found_inf = sum(known["found_inf_per_device"].values())
        result = optimizer.step(*args, **kwargs)
        known["stage"] = OptState.STEPPED
        del optimizer.grad_scale, optimizer.found_inf
        return result

    def update(self, new_scale: Any = None) -> None:
        """Let the scale grow, or fall if a step was skipped; or set it to `new_scale`, a float or a tensor of one number."""
        if not self._enabled:
            return
        scale, tracker = self._check_scale_growth_tracker("update")
        listener = modes.recorder.get()
        if listener is not None:
            listener.assume(vars(self), ("_growth_factor", "_backoff_factor", "_growth_interval"))
        with modes.no_grad():
            if new_scale is not None:
                self._set_scale(new_scale)
            else:
                states = self._per_optimizer_states.values()
                found = [each for state in states for each in state["found_inf_per_device"].values()]
                if not found:
                    raise AssertionError("GradScaler: No inf checks were recorded prior to update.")
                self._move(scale, tracker, sum(found) > 0)
        self._per_optimizer_states = defaultdict(unstepped)

    def _set_scale(self, new_scale: Any) -> None:
        if isinstance(new_scale, float):
            self._scale.fill_(new_scale)
            return
        given: Any = new_scale if isinstance(new_scale, AbstractTensor) else None
        if given is None or given.value.size != 1 or given.requires_grad or given.device.type != self._device:
            raise AssertionError(
                "GradScaler.update: new_scale should be a float, or a tensor of one number without requires_grad on "
                f"{self._device}"
            )
        self._scale.copy_(given.reshape(()))

    def _move(self, scale: Any, tracker: Any, found: Any) -> None:
        """Let the scale and the count of steps go on after steps that `found` infinities or not."""
        steps = ops.where(found, ops.zeros_like(tracker), tracker + 1)
        complete = steps == self._growth_interval
        grown = scale * self._growth_factor
        kept = ops.where(complete & ops.isfinite(grown), grown, scale)
        scale.copy_(ops.where(found, scale * self._backoff_factor, kept))
        tracker.copy_(ops.where(complete, ops.zeros_like(tracker), steps))

    def _get_scale_async(self) -> Any:
        return self._scale

    def get_scale(self) -> float:
        """Return the scale; 1 if nothing is scaled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """Return by what the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Let the scale grow by another factor."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """Return by what the scale falls."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Let the scale fall by another factor."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Return after how many steps in a row the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Let the scale grow after another number of steps."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else int(self._growth_tracker.item())

    def is_enabled(self) -> bool:
        """Return whether anything is scaled."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Return the scale, how it moves, and the count of steps; nothing if nothing is scaled. Ask after `update`."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; RuntimeError if that is empty. Nothing is done if nothing is scaled."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "GradScaler: The source state dict is empty, possibly because nothing was scaled where it was saved."
            )
        self._init_scale, self._init_growth_tracker = state_dict["scale"], state_dict["_growth_tracker"]
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)

    def __getstate__(self) -> dict[str, Any]:
        if not self._enabled:
            return self.__dict__.copy()
        if self._per_optimizer_states:
            raise AssertionError(
                "GradScaler: may only be pickled at the beginning of an iteration, or at the end after scaler.update()."
            )
        known = {"_init_scale": self.get_scale(), "_init_growth_tracker": self._get_growth_tracker()}
        return {**self.__dict__, **known, "_scale": None, "_growth_tracker": None}

    def _check_inf_per_device(self, optimizer: Any) -> dict[Any, Any]:
        """Look whether an optimizer's grads are finite, without unscaling them."""
        scale, _ = self._check_scale_growth_tracker("_check_inf_per_device")
        one, zero = (ops.full((), number, dtype=float32, device=scale.device) for number in (1.0, 0.0))
        known = self._per_optimizer_states[id(optimizer)]
        known["found_inf_per_device"] = self._unscale_grads_(optimizer, one, zero, True)
        return known["found_inf_per_device"]

    def _found_inf_per_device(self, optimizer: Any) -> dict[Any, Any]:
        return self._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
