"""Distances, where PyTorch keeps them."""

from lineal.nn.similarity import CosineSimilarity, PairwiseDistance

__all__ = ["CosineSimilarity", "PairwiseDistance"]
