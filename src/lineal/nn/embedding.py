"""A learnt table of vectors."""

from __future__ import annotations

from lineal.base.signatures import Device, DType
from lineal.core import no_grad
from lineal.nn import functional, init
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.ops import empty
from lineal.tensors import Tensor


class Table(Module):
    """What layers share that look up rows of a learnt table: its size and start, and how rows are found."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: Tensor | None,
        freeze: bool,
        device: Device | None,
        dtype: DType | None,
    ):
        super().__init__()
        name = self._get_name()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(f"{name}: padding_idx {padding_idx} must be within {num_embeddings} embeddings")
            padding_idx %= num_embeddings
        if weight is not None and tuple(weight.shape) != (num_embeddings, embedding_dim):
            raise AssertionError(
                f"{name}: expected a weight of shape {[num_embeddings, embedding_dim]}, got {list(weight.shape)}"
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        given = empty(num_embeddings, embedding_dim, device=device, dtype=dtype) if weight is None else weight
        self.weight = Parameter(given, requires_grad=not freeze)
        if weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new starting values from the normal distribution; the padding row is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def _size_of_(cls, embeddings: Tensor) -> tuple[int, int]:
        """Return the rows and columns of a table that is given."""
        if embeddings.ndim != 2:
            raise AssertionError(f"{cls.__name__}.from_pretrained: expected a matrix, got shape {list(embeddings.shape)}")
        rows, columns = embeddings.shape
        return rows, columns


class Embedding(Table):
    """Rows of `weight` (num_embeddings, embedding_dim) by their index; the row `padding_idx` starts at 0 and stays."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        options = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
        super().__init__(num_embeddings, embedding_dim, *options, _weight, _freeze, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Return the layer whose table is the matrix `embeddings`, learnt further only if not `freeze`."""
        rows, columns = cls._size_of_(embeddings)
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def extra_repr(self) -> str:
        shown = [f"{self.num_embeddings}, {self.embedding_dim}"]
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        for name, default in defaults.items():
            if getattr(self, name) != default:
                shown.append(f"{name}={getattr(self, name)}")
        return ", ".join(shown)
