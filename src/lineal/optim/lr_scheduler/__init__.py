"""Schedulers: the learning rate as a function of the epoch."""

from lineal.optim.lr_scheduler.base import EPOCH_DEPRECATION_WARNING, LRScheduler
from lineal.optim.lr_scheduler.base import _LRScheduler as _LRScheduler
from lineal.optim.lr_scheduler.cyclic import CosineAnnealingWarmRestarts, CyclicLR
from lineal.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
from lineal.optim.lr_scheduler.onecycle import OneCycleLR
from lineal.optim.lr_scheduler.plateau import ReduceLROnPlateau
from lineal.optim.lr_scheduler.sequence import ChainedScheduler, SequentialLR
from lineal.optim.lr_scheduler.smooth import CosineAnnealingLR, ExponentialLR, PolynomialLR
from lineal.optim.lr_scheduler.stepwise import ConstantLR, LinearLR, MultiStepLR, StepLR

__all__ = [
    "EPOCH_DEPRECATION_WARNING",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
