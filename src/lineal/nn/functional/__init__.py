"""The functions behind the layers, without state: `import lineal.nn.functional as F`."""

from lineal.nn.functional.activation import log_softmax, relu, sigmoid, softmax, tanh
from lineal.nn.functional.binary import binary_cross_entropy, binary_cross_entropy_with_logits
from lineal.nn.functional.classification import cross_entropy, nll_loss
from lineal.nn.functional.dense import linear
from lineal.nn.functional.encoding import one_hot
from lineal.nn.functional.regression import l1_loss, mse_loss
from lineal.nn.functional.regularisation import dropout

__all__ = [
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "log_softmax",
    "dropout",
    "one_hot",
    "mse_loss",
    "l1_loss",
    "nll_loss",
    "cross_entropy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
]
