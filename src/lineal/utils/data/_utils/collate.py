"""Collating, where PyTorch keeps it."""

from lineal.data.collate import *
from lineal.data.collate import __all__ as __all__
