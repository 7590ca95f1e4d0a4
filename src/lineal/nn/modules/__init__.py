"""The modules by PyTorch's paths, as in `nn.modules.linear`; they live in `lineal.nn`."""

from lineal.nn.modules import (
    activation,
    adaptive,
    batchnorm,
    channelshuffle,
    container,
    conv,
    distance,
    dropout,
    flatten,
    fold,
    instancenorm,
    lazy,
    linear,
    linear_cross_entropy_options,
    loss,
    module,
    normalization,
    padding,
    pixelshuffle,
    pooling,
    rnn,
    sparse,
    transformer,
    upsampling,
    utils,
)
from lineal.nn.modules.activation import *
from lineal.nn.modules.adaptive import *
from lineal.nn.modules.batchnorm import *
from lineal.nn.modules.channelshuffle import *
from lineal.nn.modules.container import *
from lineal.nn.modules.conv import *
from lineal.nn.modules.distance import *
from lineal.nn.modules.dropout import *
from lineal.nn.modules.flatten import *
from lineal.nn.modules.fold import *
from lineal.nn.modules.instancenorm import *
from lineal.nn.modules.linear import *
from lineal.nn.modules.linear_cross_entropy_options import *
from lineal.nn.modules.loss import *
from lineal.nn.modules.module import *
from lineal.nn.modules.normalization import *
from lineal.nn.modules.padding import *
from lineal.nn.modules.pixelshuffle import *
from lineal.nn.modules.pooling import *
from lineal.nn.modules.rnn import *
from lineal.nn.modules.sparse import *
from lineal.nn.modules.transformer import *
from lineal.nn.modules.upsampling import *
