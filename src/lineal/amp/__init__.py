"""Mixed precision: `autocast` computes products in half precision, `GradScaler` keeps small gradients, as in `torch.amp`."""

from lineal.amp.autocast_mode import _enter_autocast as _enter_autocast
from lineal.amp.autocast_mode import _exit_autocast as _exit_autocast
from lineal.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from lineal.amp.grad_scaler import GradScaler

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available", "GradScaler"]
