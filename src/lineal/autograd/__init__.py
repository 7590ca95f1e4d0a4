"""Automatic differentiation, as in `torch.autograd`."""

from lineal.autograd import forward_ad, function, functional, graph
from lineal.autograd.variable import Variable
from lineal.base import later as _later
from lineal.core.custom import Function
from lineal.core.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from lineal.transforms.gradcheck import gradcheck, gradgradcheck
from lineal.transforms.gradients import backward, grad

# profiles look at all that computes, so that they stand above it
profiler = _later.module("lineal.profiler.legacy")

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
