"""`Flatten` and `Unflatten`, where PyTorch keeps them."""

from lineal.nn.reshaping import Flatten, Unflatten

__all__ = ["Flatten", "Unflatten"]
