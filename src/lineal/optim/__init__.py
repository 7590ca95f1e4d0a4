"""Optimizers and learning-rate schedulers."""

from lineal.optim import lr_scheduler, swa_utils
from lineal.optim.adadelta import Adadelta
from lineal.optim.adafactor import Adafactor
from lineal.optim.adagrad import Adagrad
from lineal.optim.adam import Adam, AdamW
from lineal.optim.adamax import Adamax
from lineal.optim.asgd import ASGD
from lineal.optim.lbfgs import LBFGS
from lineal.optim.muon import Muon
from lineal.optim.nadam import NAdam
from lineal.optim.optimizer import Optimizer
from lineal.optim.radam import RAdam
from lineal.optim.rmsprop import RMSprop
from lineal.optim.rprop import Rprop
from lineal.optim.sgd import SGD
from lineal.optim.sparse_adam import SparseAdam
from lineal.optim.stateless import swap_in_optimizer_params_and_state

__all__ = [
    "ASGD",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LBFGS",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
    "swap_in_optimizer_params_and_state",
]
