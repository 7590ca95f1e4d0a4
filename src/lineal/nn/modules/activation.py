"""Activations, where PyTorch keeps them."""

from lineal.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from lineal.nn.multihead import MultiheadAttention
from lineal.nn.rectifiers import CELU, ELU, SELU, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, PReLU, ReLU6
from lineal.nn.smooth import GELU, GLU, LogSigmoid, Mish, SiLU, Softmin, Softplus, Softsign, Tanhshrink
from lineal.nn.thresholds import Hardshrink, RReLU, Softmax2d, Softshrink, Threshold

__all__ = [
    "LogSoftmax",
    "MultiheadAttention",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "CELU",
    "ELU",
    "SELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "ReLU6",
    "GELU",
    "GLU",
    "Hardshrink",
    "RReLU",
    "Softmax2d",
    "Softshrink",
    "Threshold",
    "LogSigmoid",
    "Mish",
    "SiLU",
    "Softmin",
    "Softplus",
    "Softsign",
    "Tanhshrink",
]
