"""A learnt table of vectors, of which bags of rows are combined."""

from __future__ import annotations

from lineal.base.signatures import Device, DType
from lineal.nn import functional
from lineal.nn.embedding import Table
from lineal.tensors import Tensor


class EmbeddingBag(Table):
    """The sum, mean or maximum (`mode`) of the rows of `weight` (num_embeddings, embedding_dim) named by each bag."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        options = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
        super().__init__(num_embeddings, embedding_dim, *options, _weight, False, device, dtype)
        self.mode = mode
        self.include_last_offset = include_last_offset

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return functional.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """Return the layer whose table is the matrix `embeddings`, learnt further only if not `freeze`."""
        rows, columns = cls._size_of_(embeddings)
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        made = cls(rows, columns, *options)
        made.weight.requires_grad_(not freeze)
        return made

    def extra_repr(self) -> str:
        shown = [f"{self.num_embeddings}, {self.embedding_dim}"]
        defaults = {"max_norm": None, "norm_type": 2, "scale_grad_by_freq": False}
        shown += [f"{name}={getattr(self, name)}" for name, default in defaults.items() if getattr(self, name) != default]
        shown.append(f"mode={self.mode!r}")
        return ", ".join(shown) + (f", padding_idx={self.padding_idx}" if self.padding_idx is not None else "")
