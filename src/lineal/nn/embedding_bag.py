"""A learnt table of vectors, of which bags of rows are combined."""

from __future__ import annotations

from lineal.base.signatures import Device, DType
from lineal.core import no_grad
from lineal.nn import functional, init
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.ops import empty
from lineal.tensors import Tensor


class EmbeddingBag(Module):
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
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(f"EmbeddingBag: padding_idx {padding_idx} must be within {num_embeddings} embeddings")
            padding_idx %= num_embeddings
        if _weight is not None and tuple(_weight.shape) != (num_embeddings, embedding_dim):
            raise AssertionError(
                f"EmbeddingBag: expected a weight of shape {[num_embeddings, embedding_dim]}, got {list(_weight.shape)}"
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self.padding_idx = padding_idx
        given = empty(num_embeddings, embedding_dim, device=device, dtype=dtype) if _weight is None else _weight
        self.weight = Parameter(given)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new starting values from the normal distribution; the padding row is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

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
        if embeddings.ndim != 2:
            raise AssertionError(f"EmbeddingBag.from_pretrained: expected a matrix, got shape {list(embeddings.shape)}")
        rows, columns = embeddings.shape
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
