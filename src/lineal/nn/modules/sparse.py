"""`Embedding`, where PyTorch keeps it."""

from lineal.nn.embedding import Embedding

__all__ = ["Embedding"]
