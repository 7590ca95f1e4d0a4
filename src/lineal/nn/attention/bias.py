"""Masks of causal attention, for queries and keys of any numbers."""

from __future__ import annotations

import enum
import warnings
from typing import Any

from lineal.base import dtypes
from lineal.ops import ones, tril
from lineal.tensors import Tensor
from lineal.tensors.tensor import TAKEN_PLAIN

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(enum.IntEnum):
    """Which corner of the mask its diagonal goes through: the first query sees one key, or the last query sees all."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A bool mask (L, S), true where query i sees key j: j ≤ i, or j ≤ i + S - L; taken by `scaled_dot_product_attention`."""

    __slots__ = ()
    __torch_function__ = TAKEN_PLAIN
    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> Any:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        if seq_len_q > seq_len_kv and variant is CausalVariant.LOWER_RIGHT:
            warnings.warn("Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!", stacklevel=2)
        diagonal = 0 if variant is CausalVariant.UPPER_LEFT else seq_len_kv - seq_len_q
        made: Any = tril(ones(seq_len_q, seq_len_kv, dtype=dtypes.bool_), diagonal)
        made.__class__ = cls
        made.variant, made.seq_len_q, made.seq_len_kv = variant, seq_len_q, seq_len_kv
        return made

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        pass


def causal_upper_left(*size: int) -> CausalBias:
    """Return the mask (L, S) by which query i sees the keys up to i."""
    return causal("causal_upper_left", CausalVariant.UPPER_LEFT, size)


def causal_lower_right(*size: int) -> CausalBias:
    """Return the mask (L, S) by which the last query sees all keys, and each query before it one less."""
    return causal("causal_lower_right", CausalVariant.LOWER_RIGHT, size)


def causal(name: str, variant: CausalVariant, size: tuple[int, ...]) -> CausalBias:
    """Return a mask of two sizes."""
    if len(size) != 2:
        raise AssertionError(f"{name} only supports 2D tensors")
    return CausalBias(variant, *size)
