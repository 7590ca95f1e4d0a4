"""Containers, where PyTorch keeps them."""

from lineal.nn.containers import Container, ModuleDict, ModuleList, Sequential
from lineal.nn.parameter_dict import ParameterDict
from lineal.nn.parameter_list import ParameterList

__all__ = ["Container", "ModuleDict", "ModuleList", "Sequential", "ParameterList", "ParameterDict"]
