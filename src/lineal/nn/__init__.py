"""Neural networks: modules, layers, losses, starting values."""

from lineal.nn import functional, init, utils
from lineal.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from lineal.nn.containers import ModuleDict, ModuleList, Sequential
from lineal.nn.dropout import Dropout
from lineal.nn.linear import Identity, Linear
from lineal.nn.loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.nn.parameter_list import ParameterList
from lineal.nn.reshaping import Flatten, Unflatten

__all__ = [
    "functional",
    "init",
    "utils",
    "Parameter",
    "Module",
    "Sequential",
    "ModuleList",
    "ModuleDict",
    "ParameterList",
    "Identity",
    "Linear",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "Softmax",
    "LogSoftmax",
    "Dropout",
    "Flatten",
    "Unflatten",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "CrossEntropyLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
]
