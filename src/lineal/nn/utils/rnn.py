"""Sequences of different lengths: padded to one length, or packed step by step without the padding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, renamed
from lineal.core.calling import public
from lineal.tensors import as_tensor, tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpad_sequence",
    "pack_sequence",
    "unpack_sequence",
]


class PackedFields(NamedTuple):
    """What a `PackedSequence` holds."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedFields):
    """Sequences without padding: `data` has the first elements of all, then the second ones, and so on.

    `batch_sizes` says how many sequences have an element at each step; longer ones stand first. `sorted_indices` says where
    each came from if they were sorted for that, `unsorted_indices` where each went to. `pack_sequence` and
    `pack_padded_sequence` make it.
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Tensor | None = None, unsorted_indices: Tensor | None = None
    ) -> Self:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("PackedSequence: expected data to be a list or tuple of length 2 without batch_sizes")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Return the sequences with `data` converted as by `Tensor.to`; itself where that changes nothing."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        moved = [None if each is None else each.to(data.device) for each in self[2:]]
        return type(self)(data, self.batch_sizes, *moved)

    def cpu(self) -> Self:
        """Return the sequences on the CPU."""
        return self.to("cpu")

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """Return the sequences on a CUDA device."""
        return self.to(*(args or ("cuda",)), **kwargs)

    def double(self) -> Self:
        """Return the sequences in float64."""
        return self.to(dtypes.float64)

    def float(self) -> Self:
        """Return the sequences in float32."""
        return self.to(dtypes.float32)

    def half(self) -> Self:
        """Return the sequences in float16."""
        return self.to(dtypes.float16)

    def long(self) -> Self:
        """Return the sequences in int64."""
        return self.to(dtypes.int64)

    def int(self) -> Self:
        """Return the sequences in int32."""
        return self.to(dtypes.int32)

    def short(self) -> Self:
        """Return the sequences in int16."""
        return self.to(dtypes.int16)

    def char(self) -> Self:
        """Return the sequences in int8."""
        return self.to(dtypes.int8)

    def byte(self) -> Self:
        """Return the sequences in uint8."""
        return self.to(dtypes.uint8)

    def pin_memory(self) -> Self:
        """Return the sequences: the memory of the host needs no pinning."""
        return self

    def is_pinned(self) -> bool:
        """Return whether `data` lies in pinned memory, which there is none of."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether `data` lies on a CUDA device."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes `permutation`, a vector of indices; None of None."""
    if permutation is None:
        return None
    return ops.empty_like(permutation).scatter_(0, permutation, ops.arange(permutation.numel(), device=permutation.device))


def places_of(sizes: Sequence[int], steps: int, batch: int, batch_first: bool) -> Tensor:
    """Return where the packed elements stand among the steps × batch, or batch × steps, elements of padded sequences."""
    if batch_first:
        return tensor([row * steps + step for step, size in enumerate(sizes) for row in range(size)], dtype=dtypes.int64)
    return tensor([step * batch + row for step, size in enumerate(sizes) for row in range(size)], dtype=dtypes.int64)


@public
def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Return the sequences of `input` (T, n, *), or (n, T, *) if `batch_first`, without what lies beyond their `lengths`.

    They must be sorted, the longest first, unless `enforce_sorted` is false.
    """
    lengths = as_tensor(lengths, dtype=dtypes.int64)
    order = None
    if not enforce_sorted:
        lengths, order = ops.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    counts = checked_lengths(lengths, input, batch_first)
    steps, batch = input.shape[1 if batch_first else 0], len(counts)
    sizes = [sum(1 for count in counts if count > step) for step in range(counts[0])]
    rows = input.reshape(steps * batch, *input.shape[2:])
    data = rows.index_select(0, places_of(sizes, steps, batch, batch_first).to(input.device))
    return PackedSequence(renamed(data, "PackPaddedSequenceBackward0"), tensor(sizes, dtype=dtypes.int64), order, None)


def checked_lengths(lengths: Any, input: Any, batch_first: bool) -> list[int]:
    """Return the lengths as numbers; an error unless they fit `input` and fall."""
    if input.ndim < 2 or not input.numel():
        raise RuntimeError(f"pack_padded_sequence: Cannot pack empty tensors, got shape {list(input.shape)}")
    steps, batch = input.shape[:2][:: -1 if batch_first else 1]
    if tuple(lengths.shape) != (batch,):
        raise RuntimeError(
            "pack_padded_sequence: Expected `len(lengths)` to be equal to batch_size, "
            f"but got {list(lengths.shape)} (batch_size={batch})"
        )
    counts = lengths.tolist()
    if counts[-1] <= 0 or min(counts) <= 0:
        raise RuntimeError(
            "pack_padded_sequence: Length of all samples has to be greater than 0, but found an element in 'lengths' that is "
            f"<= 0: {min(counts)}"
        )
    if any(here < following for here, following in itertools.pairwise(counts)):
        raise RuntimeError(
            f"pack_padded_sequence: `lengths` array must be sorted in decreasing order when `enforce_sorted` is True, got "
            f"{counts}; pass enforce_sorted=False for sequences in any order"
        )
    if counts[0] > steps:
        raise RuntimeError(f"pack_padded_sequence: expected lengths of at most {steps}, got {counts[0]}")
    return counts


@public
def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return the packed sequences padded, (T, n, *) or (n, T, *) if `batch_first`, and their lengths.

    T is the longest length, or `total_length`.
    """
    sizes = sequence.batch_sizes.tolist()
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise ValueError(
            "pad_packed_sequence: Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {len(sizes)}"
        )
    data, batch = sequence.data, sizes[0]
    lead = (batch, steps) if batch_first else (steps, batch)
    filled = ops.full((steps * batch, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    places = places_of(sizes, steps, batch, batch_first).to(data.device)
    y = ops.index_copy(filled, 0, places, data).reshape(*lead, *data.shape[1:])
    lengths = tensor([sum(1 for size in sizes if size > row) for row in range(batch)], dtype=dtypes.int64)
    if sequence.unsorted_indices is None:
        return y, lengths
    return y.index_select(0 if batch_first else 1, sequence.unsorted_indices), lengths[sequence.unsorted_indices]


@public
def pad_sequence(
    sequences: Tensor | Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Return the sequences (Tᵢ, *) padded to the longest length T: (T, n, *), or (n, T, *) if `batch_first`.

    They are cast to the dtype of the first one; RuntimeError unless they have one shape but for their lengths.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got {type(sequences).__name__}")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: Expected padding_side to be one of left or right, but got {padding_side!r}")
    given: list[Any] = list(sequences)
    if not given:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    shapes = [list(each.shape) for each in given]
    if not all(shapes) or any(each[1:] != shapes[0][1:] for each in shapes):
        raise RuntimeError(f"pad_sequence: expected sequences of one shape but for their lengths, got shapes {shapes}")
    longest = max(each.shape[0] for each in given)
    padded = []
    for each in (each.to(given[0].dtype) for each in given):
        missing = longest - each.shape[0]
        ends = (missing, 0) if padding_side == "left" else (0, missing)
        padded.append(ops.constant_pad_nd(each, (*(0, 0) * (each.ndim - 1), *ends), padding_value))
    return ops.stack(padded, 0 if batch_first else 1)


@public
def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Return the first `lengths` elements of each of the padded sequences, (T, n, *) or (n, T, *) if `batch_first`."""
    sequences = padded_sequences.unbind(0 if batch_first else 1)
    counts = lengths.tolist() if isinstance(lengths, AbstractTensor) else list(lengths)
    return [each[: max(count, 0)].clone() for each, count in zip(sequences, counts, strict=True)]


@public
def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Return the sequences (Tᵢ, *) packed; they must be sorted, the longest first, unless `enforce_sorted` is false."""
    return pack_padded_sequence(pad_sequence(sequences), [each.shape[0] for each in sequences], enforce_sorted=enforce_sorted)


@public
def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the sequences (Tᵢ, *) that were packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
