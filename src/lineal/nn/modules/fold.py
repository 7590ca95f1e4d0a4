"""Layers of blocks as columns, where PyTorch keeps them."""

from lineal.nn.folding import Fold, Unfold

__all__ = ["Fold", "Unfold"]
