"""What each process has for each other, and where all wait for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from lineal.distributed.calls import Call
from lineal.distributed.collectives import require_count
from lineal.distributed.groups import ProcessGroup, is_member, require_group
from lineal.distributed.performing import Plan, begun, require_tensors
from lineal.distributed.transport import bytes_of
from lineal.distributed.work import Work
from lineal.tensors import Tensor

__all__ = ["all_to_all", "all_to_all_single", "barrier", "monitored_barrier"]


def exchanged(transport: Any, call: Call, pieces: Sequence[np.ndarray], outs: Sequence[np.ndarray]) -> None:
    """Give each rank its piece; RuntimeError on all ranks if one gives another size than the other takes."""
    count = transport.size
    table = transport.numbers(call, [*(piece.size for piece in pieces), *(out.size for out in outs)])
    given, taken = table[:, :count], table[:, count:]
    for source, target in np.argwhere(given != taken.T)[:1].tolist():
        raise RuntimeError(
            f"{call.name}: rank {source} gives rank {target} {given[source, target]} elements, where that takes "
            f"{taken[target, source]}"
        )
    width = outs[0].itemsize
    transport.exchange(call, [bytes_of(piece) for piece in pieces], given * width, [bytes_of(out) for out in outs])


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: list[Tensor], group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the entry of each rank's list for this rank into a list with an entry for each rank."""
    if not is_member("all_to_all", group):
        return None
    found = require_group(group)
    for tensors in (output_tensor_list, input_tensor_list):
        require_count("all_to_all", found, tensors)
        require_tensors("all_to_all", *tensors)
    kinds = {x.dtype for x in (*output_tensor_list, *input_tensor_list)}
    if len(kinds) > 1:
        raise ValueError(f"all_to_all: Invalid usage of tensors with different dtypes: {', '.join(sorted(map(str, kinds)))}")
    if found.size() == 1 and input_tensor_list[0].shape != output_tensor_list[0].shape:
        raise RuntimeError(
            f"all_to_all: expected tensors of shape {list(input_tensor_list[0].shape)}, got {list(output_tensor_list[0].shape)}"
        )
    call = Call("all_to_all", input_tensor_list[0].value.dtype)
    return begun(Plan(found, call, exchanged), input_tensor_list, output_tensor_list, async_op)


def split_sizes(x: Tensor, given: Sequence[int] | None, size: int) -> list[int]:
    """Return how many rows of a tensor belong to each rank: the same number, unless they are given."""
    rows = x.shape[0] if x.dim() else 1
    if given:
        if len(given) != size or sum(given) != rows:
            raise RuntimeError(
                f"all_to_all_single: Split sizes doesn't match total dim 0 size: expected {size} of sum {rows}, "
                f"got {list(given)}"
            )
        return [int(each) for each in given]
    if rows % size:
        raise RuntimeError(f"all_to_all_single: expected a first dimension that {size} ranks divide, got {list(x.shape)}")
    return [rows // size] * size


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: list[int] | None = None,
    input_split_sizes: list[int] | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Copy each rank's part for this rank into one tensor, joined along the first dimension.

    Parts are of one size, or of those that are given, in rows. RuntimeError if ranks do not agree on them.
    """
    if not is_member("all_to_all_single", group):
        return None
    found = require_group(group)
    require_tensors("all_to_all_single", output, input)
    if output.dtype is not input.dtype:
        raise ValueError(f"all_to_all_single: Invalid usage of tensors with different dtypes: {output.dtype} and {input.dtype}")
    if output.shape[1:] != input.shape[1:] or output.dim() != input.dim():
        raise RuntimeError(f"all_to_all_single: expected an output of shape {list(input.shape)}, got {list(output.shape)}")
    row = max(int(np.prod(input.shape[1:])), 0)
    begins = [
        np.cumsum(split_sizes(x, given, found.size()))[:-1] * row
        for x, given in ((input, input_split_sizes), (output, output_split_sizes))
    ]
    if found.size() == 1 and input.shape != output.shape:
        raise RuntimeError(f"all_to_all_single: expected an output of shape {list(input.shape)}, got {list(output.shape)}")

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        exchanged(transport, call, np.split(ins[0], begins[0]), np.split(outs[0], begins[1]))

    call = Call("all_to_all_single", input.value.dtype, tuple(input.shape[1:]))
    return begun(Plan(found, call, done), [input], [output], async_op)


def barrier(
    group: ProcessGroup | None = None,
    async_op: bool = False,
    device_ids: list[int] | None = None,
    timeout: timedelta | None = None,
) -> Work | None:
    """Wait until all ranks have come here."""
    if not is_member("barrier", group):
        return None

    def done(transport: Any, call: Call, ins: Any, outs: Any) -> None:
        transport.barrier(call)

    return begun(Plan(require_group(group), Call("barrier"), done), [], [], async_op)


def monitored_barrier(
    group: ProcessGroup | None = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """Wait until all ranks have come here; RuntimeError names the first that has not in time, or all with `wait_all_ranks`."""
    if not is_member("monitored_barrier", group):
        return
    found = require_group(group)
    patience = timeout or found.transport.timeout
    late = [found.ranks[rank] for rank in found.transport.missing(patience, wait_all_ranks)]
    if late:
        raise RuntimeError(
            f"monitored_barrier: Rank{'s' if len(late) > 1 else ''} {', '.join(map(str, late))} failed to pass "
            f"monitoredBarrier in {int(patience.total_seconds() * 1000)} ms"
        )
