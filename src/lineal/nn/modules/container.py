"""Containers, where PyTorch keeps them."""

from lineal.nn.containers import ModuleDict, ModuleList, Sequential
from lineal.nn.parameter_dict import ParameterDict
from lineal.nn.parameter_list import ParameterList

__all__ = ["ModuleDict", "ModuleList", "Sequential", "ParameterList", "ParameterDict"]
