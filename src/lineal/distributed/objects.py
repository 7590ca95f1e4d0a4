"""What all processes of a group do together with Python's objects, which are sent by value.

They are pickled, and reading a pickle may run anything: as in PyTorch, the ranks of a run trust each other. No other process
can reach what they share.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.distributed.calls import Call
from lineal.distributed.collectives import require_count, root_of
from lineal.distributed.groups import ProcessGroup, is_member, require_group
from lineal.distributed.messages import peer
from lineal.distributed.transport import OBJECTS, Transport

__all__ = [
    "all_gather_object",
    "broadcast_object_list",
    "gather_object",
    "recv_object_list",
    "scatter_object_list",
    "send_object_list",
]


def packed(obj: Any) -> np.ndarray:
    """Return the bytes of an object."""
    return np.frombuffer(pickle.dumps(obj), np.uint8)


def spread(transport: Transport, call: Call, mine: np.ndarray, wanted: bool = True) -> list[Any]:
    """Return the objects of all ranks, None for those that bring nothing, and for all if they are not wanted."""
    sizes = transport.numbers(call, [mine.size])[:, 0].tolist()
    outs = [np.empty(size, np.uint8) if wanted else None for size in sizes]
    if wanted:
        outs[transport.rank] = mine
    transport.spread(call, mine, sizes, outs)
    return [pickle.loads(out.data) if out is not None and out.size else None for out in outs]


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """Put the objects of all ranks into a list with a place for each."""
    if not is_member("all_gather_object", group):
        return
    found = require_group(group)
    require_count("all_gather_object", found, object_list)
    object_list[:] = spread(found.transport, Call("all_gather_object"), packed(obj))


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """Give all ranks the objects of one, in place."""
    if not is_member("broadcast_object_list", group):
        return
    root, found = root_of("broadcast_object_list", group, src, group_src, 0), require_group(group)
    given = found.rank() == root
    mine = packed(list(object_list)) if given else np.zeros(0, np.uint8)
    objects = spread(found.transport, Call("broadcast_object_list", len(object_list), f"from {root}"), mine)[root]
    if not given:
        object_list[:] = objects


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    group_dst: int | None = None,
) -> None:
    """Put the objects of all ranks into a list on one."""
    if not is_member("gather_object", group):
        return
    root, found = root_of("gather_object", group, dst, group_dst, 0), require_group(group)
    target = found.rank() == root
    if target and not object_gather_list:
        raise ValueError("gather_object: Argument ``object_gather_list`` must be specified on destination rank.")
    if target:
        require_count("gather_object", found, object_gather_list)
    objects = spread(found.transport, Call("gather_object", f"to {root}"), packed(obj), target)
    if target and object_gather_list is not None:
        object_gather_list[:] = objects


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    group_src: int | None = None,
) -> None:
    """Put into the first place of a list this rank's entry of a list on one."""
    if not is_member("scatter_object_list", group):
        return
    root, found = root_of("scatter_object_list", group, src, group_src, 0), require_group(group)
    if not scatter_object_output_list:
        raise ValueError("scatter_object_list: Expected argument scatter_object_output_list to be a list of size at least 1.")
    given = found.rank() == root
    if given and not scatter_object_input_list:
        raise ValueError("scatter_object_list: Argument ``scatter_object_input_list`` must be specified on source rank.")
    if given:
        require_count("scatter_object_list", found, scatter_object_input_list)
    mine = [packed(each) for each in scatter_object_input_list or ()] if given else []
    scatter_object_output_list[0] = pickle.loads(scattered(found, Call("scatter_object_list", f"from {root}"), mine, root).data)


def scattered(group: ProcessGroup, call: Call, pieces: Sequence[np.ndarray], root: int) -> np.ndarray:
    """Return the bytes of this rank's entry of a list of bytes that one rank has."""
    transport = group.transport
    row = [piece.size for piece in pieces] or [0] * transport.size
    sizes = transport.numbers(call, row)
    out = np.empty(int(sizes[root, transport.rank]), np.uint8)
    outs = [out if rank == root else None for rank in range(transport.size)]
    transport.exchange(call, list(pieces) or [None] * transport.size, sizes, outs)
    return out


def send_object_list(
    object_list: list[Any],
    dst: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_dst: int | None = None,
    use_batch: bool = False,
) -> None:
    """Send objects to another rank."""
    if is_member("send_object_list", group):
        other = peer("send_object_list", group, dst, group_dst)
        call, data = Call("send_object_list", f"to {other}"), packed(list(object_list))
        require_group(group).transport.send(call, f"{len(object_list)} objects", data, other, OBJECTS)


def recv_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_src: int | None = None,
    use_batch: bool = False,
) -> int:
    """Receive as many objects as another rank has sent, in place; return its rank. RuntimeError if it is another number."""
    if not is_member("recv_object_list", group):
        return -1
    found = require_group(group)
    other = None if src is None and group_src is None else peer("recv_object_list", group, src, group_src)
    source, said, data = found.transport.receive(Call("recv_object_list"), other, OBJECTS)
    objects = pickle.loads(data.data)
    if len(objects) != len(object_list):
        raise RuntimeError(f"recv_object_list: rank {source} has sent {said}, where {len(object_list)} are expected")
    object_list[:] = objects
    return found.ranks[source]
