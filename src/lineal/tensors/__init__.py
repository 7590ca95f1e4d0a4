"""What users hold: the final Tensor, how to make one, and how it prints."""

from lineal.tensors.tensor import *  # isort: skip - first, so that the function `tensor` wins over the module's name
from lineal.tensors.creation import *
from lineal.tensors.interop import *
from lineal.tensors.printoptions import *
