"""How tensors and parameters are sent to other processes."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler

from lineal.nn import Parameter
from lineal.tensors import Tensor
from lineal.tensors.shared import reduced

__all__ = ["init_reductions"]


def init_reductions() -> None:
    """Let `multiprocessing` send tensors and parameters in shared memory."""
    ForkingPickler.register(Tensor, reduced)
    ForkingPickler.register(Parameter, reduced)
