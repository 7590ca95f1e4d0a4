"""Whether gradients are recorded, where PyTorch keeps it."""

from lineal.core.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]
