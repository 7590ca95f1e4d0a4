"""What all processes of a group do together with tensors: reduce them, gather them, give them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.distributed.calls import Call
from lineal.distributed.groups import ProcessGroup, is_member, rank_in, require_group
from lineal.distributed.performing import Plan, begun, require_tensors
from lineal.distributed.reducing import ReduceOp, Reduction, known_reduction
from lineal.distributed.transport import bytes_of
from lineal.distributed.work import Work
from lineal.tensors import Tensor

__all__ = [
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_single",
    "all_reduce",
    "broadcast",
    "gather",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_single",
    "reduce_scatter_tensor",
    "scatter",
]


def require_alike(name: str, like: Tensor, xs: Sequence[Any]) -> None:
    """Raise ValueError or RuntimeError unless tensors have the dtype and shape of one."""
    require_tensors(name, like, *xs)
    for x in xs:
        if x.dtype is not like.dtype:
            raise ValueError(f"{name}: Invalid usage of tensors with different dtypes: {x.dtype} and {like.dtype}")
        if x.shape != like.shape:
            raise RuntimeError(f"{name}: expected tensors of shape {list(like.shape)}, got {list(x.shape)}")


def require_count(name: str, group: ProcessGroup, tensors: Any) -> None:
    """Raise RuntimeError unless a list has an entry for each rank."""
    if len(tensors) != group.size():
        raise RuntimeError(
            f"{name}: expected a list of {group.size()} tensor{'s' if group.size() > 1 else ''}, one for each rank, "
            f"got {len(tensors)}"
        )


def root_of(name: str, group: Any, rank: int | None, group_rank: int | None, default: int | None = None) -> int:
    """Return the rank in the group of who gives or takes; ValueError unless it is told once, and there is one."""
    if rank is not None and group_rank is not None:
        raise ValueError(f"{name}: Can't specify both the rank and the rank in the group, {rank} and {group_rank}")
    found = require_group(group)
    if group_rank is not None:
        if not 0 <= group_rank < found.size():
            raise ValueError(f"{name}: Rank {group_rank} is not part of a group of {found.size()} processes")
        return group_rank
    root = default if rank is None else rank
    if root is None:
        raise ValueError(f"{name}: Must specify the rank, or the rank in the group")
    return rank_in(found, root)


def words(x: Tensor) -> tuple[np.dtype, tuple[int, ...]]:
    """Return what must be the same of a tensor on every rank."""
    return x.value.dtype, x.value.shape


def named(reduction: Reduction) -> str:
    """Return the name of a reduction."""
    return reduction.op.name


def scaled(reduction: Reduction, x: np.ndarray) -> np.ndarray:
    """Return the numbers that a reduction begins with."""
    return x if reduction.factor is None else (x * np.asarray(reduction.factor)).astype(x.dtype)


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Reduce the tensors of all ranks, in place: all of one shape and dtype.

    Floating numbers are reduced in the order of the ranks, half precision in float32: every rank gets the same bits.
    RuntimeError on every rank if they do not make the same call, DistBackendError if one has ended.
    """
    if not is_member("all_reduce", group):
        return None
    require_tensors("all_reduce", tensor)
    reduction = known_reduction("all_reduce", tensor, op)

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        moved(scaled(reduction, ins[0]), outs[0])
        transport.all_reduce(call, outs[0], reduction)

    call = Call("all_reduce", *words(tensor), named(reduction))
    return begun(Plan(require_group(group), call, done), [tensor], [tensor], async_op)


def moved(x: np.ndarray, out: np.ndarray) -> None:
    """Copy numbers, unless they are there already."""
    if x is not out:
        out[...] = x


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Reduce the tensors of all ranks into that of one, in place; the others keep theirs."""
    if not is_member("reduce", group):
        return None
    require_tensors("reduce", tensor)
    reduction, root = known_reduction("reduce", tensor, op), root_of("reduce", group, dst, group_dst)
    found = require_group(group)
    target = found.rank() == root

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        x = np.array(scaled(reduction, ins[0]))
        transport.all_reduce(call, x, reduction, target)
        if target:
            outs[0][...] = x

    call = Call("reduce", *words(tensor), named(reduction), f"to {root}")
    return begun(Plan(found, call, done), [tensor], [tensor] if target else [], async_op)


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Give all ranks the tensor of one, in place."""
    if not is_member("broadcast", group):
        return None
    require_tensors("broadcast", tensor)
    root, found = root_of("broadcast", group, src, group_src), require_group(group)
    given = found.rank() == root

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        x = bytes_of(ins[0] if given else outs[0])
        sizes = [x.size if rank == root else 0 for rank in range(transport.size)]
        outs = [x if rank == root and not given else None for rank in range(transport.size)]
        transport.spread(call, x if given else x[:0], sizes, outs)

    call = Call("broadcast", *words(tensor), f"from {root}")
    return begun(Plan(found, call, done), [tensor], [] if given else [tensor], async_op)


def spread_into(transport: Any, call: Call, piece: np.ndarray, outs: Sequence[np.ndarray | None]) -> None:
    """Copy the pieces of all ranks, of one size, into arrays, as far as they are wanted."""
    mine = bytes_of(piece)
    wanted = [None if out is None else bytes_of(out) for out in outs]
    if wanted[transport.rank] is not None:
        wanted[transport.rank][...] = mine
        wanted[transport.rank] = None
    transport.spread(call, mine, [mine.size] * transport.size, wanted)


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the tensors of all ranks, of one shape, into a list of tensors, one for each rank."""
    if not is_member("all_gather", group):
        return None
    found = require_group(group)
    require_tensors("all_gather", tensor)
    require_count("all_gather", found, tensor_list)
    require_alike("all_gather", tensor, tensor_list)

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        spread_into(transport, call, ins[0], outs)

    return begun(Plan(found, Call("all_gather", *words(tensor)), done), [tensor], tensor_list, async_op)


def joined(name: str, whole: Tensor, part: Tensor, size: int) -> None:
    """Raise unless the parts of all ranks, joined or stacked along the first dimension, make the whole."""
    require_tensors(name, whole, part)
    if whole.dtype is not part.dtype:
        raise ValueError(f"{name}: Invalid usage of tensors with different dtypes: {whole.dtype} and {part.dtype}")
    shape = part.shape
    together = (size * shape[0], *shape[1:]) if shape else (size,)
    if tuple(whole.shape) not in (together, (size, *shape), (size * part.numel(),)):
        raise RuntimeError(
            f"{name}: expected a tensor of shape {list(together)} or {[size, *shape]} for {size} of shape {list(shape)}, "
            f"got {list(whole.shape)}"
        )


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the tensors of all ranks into one, joined or stacked along its first dimension."""
    if not is_member("all_gather_into_tensor", group):
        return None
    found = require_group(group)
    joined("all_gather_into_tensor", output_tensor, input_tensor, found.size())

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        spread_into(transport, call, ins[0], np.split(outs[0], transport.size))

    call = Call("all_gather_into_tensor", *words(input_tensor))
    return begun(Plan(found, call, done), [input_tensor], [output_tensor], async_op)


all_gather_single = all_gather_into_tensor


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Copy the tensors of all ranks, of one shape, into a list of tensors on one."""
    if not is_member("gather", group):
        return None
    require_tensors("gather", tensor)
    root, found = root_of("gather", group, dst, group_dst, 0), require_group(group)
    outs = lists("gather", "gather_list", "destination", gather_list, found, root, tensor)

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        spread_into(transport, call, ins[0], outs or [None] * transport.size)

    return begun(Plan(found, Call("gather", *words(tensor), f"to {root}"), done), [tensor], outs, async_op)


def lists(
    name: str, argument: str, what: str, given: list[Tensor] | None, group: ProcessGroup, root: int, like: Tensor
) -> list[Tensor]:
    """Return the list that one rank has, and the others have not; ValueError where it is missing or must not be."""
    if group.rank() != root:
        if given:
            raise ValueError(f"{name}: Argument ``{argument}`` must NOT be specified on non-{what} ranks.")
        return []
    if not given:
        raise ValueError(f"{name}: Argument ``{argument}`` must be specified on {what} rank.")
    require_count(name, group, given)
    require_alike(name, like, given)
    return given


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Copy to each rank its entry of a list of tensors, of one shape, on one."""
    if not is_member("scatter", group):
        return None
    require_tensors("scatter", tensor)
    root, found = root_of("scatter", group, src, group_src, 0), require_group(group)
    ins = lists("scatter", "scatter_list", "source", scatter_list, found, root, tensor)

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        out = bytes_of(outs[0])
        sizes = np.zeros((transport.size, transport.size), np.int64)
        sizes[root] = out.size
        pieces = [bytes_of(x) for x in ins] or [None] * transport.size
        transport.exchange(call, pieces, sizes, [out if rank == root else None for rank in range(transport.size)])

    return begun(Plan(found, Call("scatter", *words(tensor), f"from {root}"), done), ins, [tensor], async_op)


def reduce_parts(transport: Any, call: Call, parts: Sequence[np.ndarray], out: np.ndarray, reduction: Reduction) -> None:
    """Reduce the parts that all ranks have for this one."""
    pieces = [bytes_of(np.ascontiguousarray(scaled(reduction, part))) for part in parts]
    found = [np.empty_like(out) for _ in parts]
    sizes = np.full((transport.size, transport.size), out.nbytes)
    transport.exchange(call, pieces, sizes, [bytes_of(each) for each in found])
    reduction(found, out)


def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: Any = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Reduce lists of tensors, and copy to each rank its entry of the result."""
    if not is_member("reduce_scatter", group):
        return None
    found = require_group(group)
    require_tensors("reduce_scatter", output)
    reduction = known_reduction("reduce_scatter", output, op)
    require_count("reduce_scatter", found, input_list)
    require_alike("reduce_scatter", output, input_list)

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        reduce_parts(transport, call, ins, outs[0], reduction)

    call = Call("reduce_scatter", *words(output), named(reduction))
    return begun(Plan(found, call, done), input_list, [output], async_op)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: Any = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Reduce tensors, and copy to each rank its part of the result, joined or stacked along the first dimension."""
    if not is_member("reduce_scatter_tensor", group):
        return None
    found = require_group(group)
    joined("reduce_scatter_tensor", input, output, found.size())
    reduction = known_reduction("reduce_scatter_tensor", output, op)

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        reduce_parts(transport, call, np.split(ins[0], transport.size), outs[0], reduction)

    call = Call("reduce_scatter_tensor", *words(output), named(reduction))
    return begun(Plan(found, call, done), [input], [output], async_op)


reduce_scatter_single = reduce_scatter_tensor
