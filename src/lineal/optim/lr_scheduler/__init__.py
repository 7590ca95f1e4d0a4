"""Schedulers: the learning rate as a function of the epoch."""

from lineal.optim.lr_scheduler.base import LRScheduler
from lineal.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
from lineal.optim.lr_scheduler.onecycle import OneCycleLR
from lineal.optim.lr_scheduler.plateau import ReduceLROnPlateau
from lineal.optim.lr_scheduler.sequence import SequentialLR
from lineal.optim.lr_scheduler.smooth import CosineAnnealingLR, ExponentialLR, PolynomialLR
from lineal.optim.lr_scheduler.stepwise import ConstantLR, LinearLR, MultiStepLR, StepLR

__all__ = [
    "LRScheduler",
    "LambdaLR",
    "MultiplicativeLR",
    "StepLR",
    "MultiStepLR",
    "ConstantLR",
    "LinearLR",
    "ExponentialLR",
    "CosineAnnealingLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "OneCycleLR",
]
