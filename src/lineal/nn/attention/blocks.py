"""Masks given by a function of batch, head, query and key, and which blocks of the scores they leave."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Self

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Device, Tensor
from lineal.nn.functional import pad
from lineal.transforms.vectorize import vmap

__all__ = ["BlockMask", "and_masks", "create_block_mask", "create_mask", "noop_mask", "or_masks"]

BLOCK = 128
"""How many queries and keys are a block, unless it is said."""

Mask = Callable[[Any, Any, Any, Any], Any]


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Return True: every query sees every key."""
    return ops.ones((), dtype=dtypes.bool_, device=batch.device)


def or_masks(*mask_mods: Mask) -> Mask:
    """Return the mask by which a query sees what one of the given ones lets it see."""
    require_functions(mask_mods)

    def or_mask(b: Any, h: Any, q_idx: Any, kv_idx: Any) -> Any:
        seen = ops.zeros((), dtype=dtypes.bool_, device=b.device)
        for each in mask_mods:
            seen = seen | each(b, h, q_idx, kv_idx)
        return seen

    return or_mask


def and_masks(*mask_mods: Mask) -> Mask:
    """Return the mask by which a query sees what all of the given ones let it see."""
    require_functions(mask_mods)

    def and_mask(b: Any, h: Any, q_idx: Any, kv_idx: Any) -> Any:
        seen = ops.ones((), dtype=dtypes.bool_, device=b.device)
        for each in mask_mods:
            seen = seen & each(b, h, q_idx, kv_idx)
        return seen

    return and_mask


def require_functions(given: tuple[Any, ...]) -> None:
    """Raise RuntimeError unless all can be called."""
    if not all(map(callable, given)):
        raise RuntimeError(f"All inputs should be callable mask_mods: {given}")


def everywhere(function: Callable[..., Any], sizes: tuple[int, ...], device: Any, *scores: Any) -> Any:
    """Return `function(*scores, b, h, q, k)` for all batches, heads, queries and keys; `scores` has these four dimensions."""
    kept = (0,) * len(scores)
    for place in (3, 2, 1, 0):
        function = vmap(function, in_dims=(*kept, *(0 if each == place else None for each in range(4))))
    return function(*scores, *(ops.arange(size, device=device) for size in sizes))


def takes_score(function: Callable[..., Any]) -> bool:
    """Return whether a function modifies scores, of five arguments, and is no mask, of four."""
    parameters = inspect.signature(function).parameters.values()
    count = sum(each.default is each.empty and each.kind is not each.VAR_KEYWORD for each in parameters)
    if count not in (4, 5):
        raise AssertionError(f"Expected 4 or 5 positional args, got {count}")
    return count == 5


def create_mask(
    mod_fn: Callable[..., Any], B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Device | None = None
) -> Tensor:
    """Return the bool mask (B, H, Q_LEN, KV_LEN) of a function of (b, h, q_idx, kv_idx), None meaning 1.

    Of a function of scores too it is true where a score of 0 does not become -∞.
    """
    sizes = (1 if B is None else B, 1 if H is None else H, Q_LEN, KV_LEN)
    if takes_score(mod_fn):
        return ~everywhere(mod_fn, sizes, device, ops.zeros(sizes, device=device)).isneginf()
    return everywhere(mod_fn, sizes, device).expand(sizes)


def ordered(blocks: Any) -> tuple[Any, Any]:
    """Return how many blocks of each row are there, and the columns: first of those, then of the others, as they come."""
    columns = ops.argsort(blocks.int(), dim=-1, descending=True, stable=True)
    return blocks.sum(-1).int(), columns.int()


def dense(counts: Any, columns: Any) -> Any:
    """Return which blocks are there, bool, from counts and columns in order."""
    there = ops.arange(columns.shape[-1], device=columns.device) < counts.unsqueeze(-1)
    return ops.zeros_like(there).scatter(-1, columns.long(), there)


class BlockMask:
    """Which blocks of scores (…, queries, keys) are computed: some whole ("full"), some where `mask_mod` is true.

    `kv_num_blocks` (B, H, rows) says how many blocks of each row are partial, `kv_indices` (B, H, rows, columns) which columns;
    `full_…` the same of whole ones, `q_…` the same of columns and their rows. `create_block_mask` makes it.
    """

    def __init__(
        self,
        seq_lengths: tuple[int, int],
        kv_num_blocks: Any,
        kv_indices: Any,
        full_kv_num_blocks: Any,
        full_kv_indices: Any,
        q_num_blocks: Any,
        q_indices: Any,
        full_q_num_blocks: Any,
        full_q_indices: Any,
        BLOCK_SIZE: tuple[int, int] = (BLOCK, BLOCK),
        mask_mod: Mask = noop_mask,
    ):
        if kv_indices.ndim < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        for name, each, other in (("kv", full_kv_num_blocks, full_kv_indices), ("q", full_q_num_blocks, full_q_indices)):
            if (each is None) != (other is None):
                raise AssertionError(f"full_{name}_num_blocks and full_{name}_indices must be both provided or omitted")
        self.seq_lengths, self.BLOCK_SIZE, self.mask_mod = seq_lengths, BLOCK_SIZE, mask_mod
        self.kv_num_blocks, self.kv_indices = kv_num_blocks, kv_indices
        self.full_kv_num_blocks, self.full_kv_indices = full_kv_num_blocks, full_kv_indices
        self.q_num_blocks, self.q_indices = q_num_blocks, q_indices
        self.full_q_num_blocks, self.full_q_indices = full_q_num_blocks, full_q_indices

    @classmethod
    def from_kv_blocks(
        cls,
        kv_num_blocks: Any,
        kv_indices: Any,
        full_kv_num_blocks: Any = None,
        full_kv_indices: Any = None,
        BLOCK_SIZE: int | tuple[int, int] = BLOCK,
        mask_mod: Mask | None = None,
        seq_lengths: tuple[int, int] | None = None,
        compute_q_blocks: bool = True,
    ) -> Self:
        """Return the mask of these blocks of the rows; those of the columns are found."""
        if kv_indices.ndim < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        sides = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
        counts = rows = full_counts = full_rows = None
        if compute_q_blocks:
            counts, rows = ordered(dense(kv_num_blocks, kv_indices).mT)
            if full_kv_num_blocks is not None and full_kv_indices is not None:
                full_counts, full_rows = ordered(dense(full_kv_num_blocks, full_kv_indices).mT)
        return cls(
            seq_lengths or (kv_indices.shape[-2] * sides[0], kv_indices.shape[-1] * sides[1]),
            kv_num_blocks,
            kv_indices,
            full_kv_num_blocks,
            full_kv_indices,
            counts,
            rows,
            full_counts,
            full_rows,
            sides,
            noop_mask if mask_mod is None else mask_mod,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """(B, H, queries, keys)."""
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def numel(self) -> int:
        """Return how many scores there are, computed or not."""
        return math.prod(self.shape)

    def sparsity(self) -> float:
        """Return how many percent of the scores are in blocks that are not computed."""
        count = self.to_dense().sum().item()
        return 100 * (1 - count * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1] / self.numel())

    def whole(self) -> Any:
        """Return which blocks are whole, (…, rows, columns), bool."""
        if self.full_kv_num_blocks is None:
            return ops.zeros_like(self.kv_indices, dtype=dtypes.bool_)
        return dense(self.full_kv_num_blocks, self.full_kv_indices)

    def to_dense(self) -> Tensor:
        """Return which blocks are computed, (…, rows, columns), as 1 and 0."""
        return (dense(self.kv_num_blocks, self.kv_indices) | self.whole()).int()

    def to_string(self, grid_size: int | tuple[int, int] = (20, 20), limit: int = 4) -> str:
        """Return a picture: full cells are computed, blank ones are not, others in part; of `limit` batches and heads."""
        blocks = self.to_dense()
        *lead, rows, columns = blocks.shape
        most = (grid_size, grid_size) if isinstance(grid_size, int) else grid_size
        steps = [max(1, -(-size // limit_)) for size, limit_ in zip((rows, columns), most)]
        pictures = []
        for count, place in enumerate(itertools.product(*map(range, lead))):
            if count == limit:
                pictures += [
                    "...",
                    "To print out more, set BlockMask.to_string(limit=N)",
                    "You can also index (BlockMask[batch, head]) to choose a specific batch or head",
                ]
                break
            lines = [f"{place}"]
            for row in range(0, rows, steps[0]):
                shares = [
                    blocks[(*place, slice(row, row + steps[0]), slice(column, column + steps[1]))].float().mean().item()
                    for column in range(0, columns, steps[1])
                ]
                lines.append("".join(2 * ("█" if share == 1 else " " if share == 0 else "░") for share in shares))
            pictures.append("\n".join(lines) + "\n")
        return "\n".join(pictures)

    def __str__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n{self.to_string().strip()}\n)"

    def __getitem__(self, index: Any) -> BlockMask:
        given = index if isinstance(index, tuple) else (index,)
        padded = (*given, *(slice(None),) * 3)[:3]
        sizes = self.kv_num_blocks.shape[:3]
        place = tuple(slice(i % n, i % n + 1) if isinstance(i, int) else i for i, n in zip(padded, sizes))
        kept = [None if each is None else each[place] for each in self.of_rows()]
        return self.with_rows(kept, sliced_mask)

    def with_rows(self, rows: Sequence[Any], mask_mod: Mask) -> BlockMask:
        """Return a mask like this with other counts and columns, as `of_rows` gives them."""
        counts, columns, full_counts, full_columns = rows
        return self.from_kv_blocks(
            counts, columns, full_counts, full_columns, self.BLOCK_SIZE, mask_mod, self.seq_lengths, self.q_indices is not None
        )

    def of_rows(self) -> tuple[Any, ...]:
        """Return counts and columns of the partial blocks, then of the whole ones."""
        return self.kv_num_blocks, self.kv_indices, self.full_kv_num_blocks, self.full_kv_indices

    def to(self, device: Device) -> BlockMask:
        """Return the mask on a device."""
        moved = [None if each is None else each.to(device) for each in self.of_rows()]
        return self.with_rows(moved, self.mask_mod)

    def seen(self, sizes: tuple[int, ...]) -> Any:
        """Return which scores of these sizes count, bool: those of whole blocks, and of others by `mask_mod`."""
        by_function = create_mask(self.mask_mod, *sizes, device=self.kv_indices.device)
        partial = spread(dense(self.kv_num_blocks, self.kv_indices), self.BLOCK_SIZE, sizes)
        return spread(self.whole(), self.BLOCK_SIZE, sizes) | (partial & by_function)


def spread(blocks: Any, sides: tuple[int, int], sizes: tuple[int, ...]) -> Any:
    """Return for each score what is said of its block."""
    rows, columns = (ops.arange(size, device=blocks.device) // side for size, side in zip(sizes[-2:], sides))
    return blocks[..., rows.unsqueeze(-1), columns]


def sliced_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Refuse: the function of a mask does not know which part was taken."""
    raise RuntimeError(
        "Cannot use mask_mod from a sliced BlockMask. Set it from the original BlockMask's mask_mod, with the part's offset"
    )


def create_block_mask(
    mask_mod: Mask,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Device | None = None,
    BLOCK_SIZE: int | tuple[int, int] = BLOCK,
    _compile: bool = False,
    separate_full_blocks: bool = True,
    compute_dq_write_order: bool = False,
    dq_kv_order: bool = True,
) -> BlockMask:
    """Return the blocks that a mask, a function of (b, h, q_idx, kv_idx), leaves; whole ones apart if `separate_full_blocks`.

    `_compile`, `compute_dq_write_order` and `dq_kv_order` are hints for PyTorch's kernels, and change nothing.
    """
    if takes_score(mask_mod):
        raise AssertionError(f"create-block_mask requires a mask_mod function! Got {mask_mod}")
    rows, columns = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    mask = pad(mask.int(), (0, -KV_LEN % columns, 0, -Q_LEN % rows))
    counts = mask.unflatten(-1, (-1, columns)).unflatten(-3, (-1, rows)).sum((-1, -3))
    full = counts == rows * columns
    if not separate_full_blocks:
        return BlockMask.from_kv_blocks(
            *ordered(counts > 0), BLOCK_SIZE=(rows, columns), mask_mod=mask_mod, seq_lengths=(Q_LEN, KV_LEN)
        )
    partial = (counts > 0) & ~full
    few, whole = ordered(partial), ordered(full)
    return BlockMask.from_kv_blocks(*few, *whole, BLOCK_SIZE=(rows, columns), mask_mod=mask_mod, seq_lengths=(Q_LEN, KV_LEN))
