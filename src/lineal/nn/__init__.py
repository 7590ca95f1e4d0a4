"""Neural networks: modules, layers, losses, starting values."""

import lazy_loader

from lineal.nn import functional, init, utils
from lineal.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from lineal.nn.batch_normalisation import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    SyncBatchNorm,
)
from lineal.nn.cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from lineal.nn.containers import ModuleDict, ModuleList, Sequential
from lineal.nn.dropout import Dropout
from lineal.nn.embedding import Embedding
from lineal.nn.linear import Bilinear, Identity, Linear
from lineal.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from lineal.nn.module import Module
from lineal.nn.multihead import MultiheadAttention
from lineal.nn.normalisation import CrossMapLRN2d, GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from lineal.nn.parameter import Parameter
from lineal.nn.parameter_list import ParameterList
from lineal.nn.rectifiers import CELU, ELU, SELU, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, PReLU, ReLU6
from lineal.nn.recurrent import GRU, LSTM, RNN, RNNBase
from lineal.nn.reshaping import Flatten, Unflatten
from lineal.nn.similarity import CosineSimilarity, PairwiseDistance
from lineal.nn.smooth import GELU, GLU, LogSigmoid, Mish, SiLU, Softmin, Softplus, Softsign, Tanhshrink
from lineal.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from lineal.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer

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
    "Bilinear",
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
    "ReLU6",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "SELU",
    "CELU",
    "Hardtanh",
    "Hardsigmoid",
    "Hardswish",
    "SiLU",
    "GELU",
    "Mish",
    "Softplus",
    "Softsign",
    "LogSigmoid",
    "Tanhshrink",
    "Softmin",
    "GLU",
    "LayerNorm",
    "RMSNorm",
    "GroupNorm",
    "LocalResponseNorm",
    "CrossMapLRN2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "SyncBatchNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "Embedding",
    "SmoothL1Loss",
    "HuberLoss",
    "KLDivLoss",
    "CosineSimilarity",
    "PairwiseDistance",
    "RNNBase",
    "RNN",
    "LSTM",
    "GRU",
    "RNNCellBase",
    "RNNCell",
    "LSTMCell",
    "GRUCell",
    "MultiheadAttention",
    "TransformerEncoderLayer",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerDecoder",
    "Transformer",
]

# PyTorch's paths, as in nn.modules.linear, and hints are imported when somebody goes there
__getattr__, _, _ = lazy_loader.attach(__name__, ["attention", "modules"])
