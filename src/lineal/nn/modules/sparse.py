"""Tables of vectors, where PyTorch keeps them."""

from lineal.nn.embedding import Embedding
from lineal.nn.embedding_bag import EmbeddingBag

__all__ = ["Embedding", "EmbeddingBag"]
