"""Optimizers and learning-rate schedulers."""

from lineal.optim import lr_scheduler
from lineal.optim.adagrad import Adagrad
from lineal.optim.adam import Adam, AdamW
from lineal.optim.optimizer import Optimizer
from lineal.optim.rmsprop import RMSprop
from lineal.optim.sgd import SGD

__all__ = ["Optimizer", "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "lr_scheduler"]
