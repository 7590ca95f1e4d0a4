"""Messages from one process to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.core.inplace import touch
from lineal.distributed.calls import Call, shown
from lineal.distributed.collectives import root_of, words
from lineal.distributed.groups import ProcessGroup, is_member, require_group
from lineal.distributed.performing import require_tensors, require_writable
from lineal.distributed.transport import bytes_of
from lineal.distributed.work import Work
from lineal.tensors import Tensor

__all__ = ["P2POp", "batch_isend_irecv", "irecv", "isend", "recv", "send"]


def peer(name: str, group: ProcessGroup | None, rank: int | None, group_rank: int | None) -> int:
    """Return the rank in the group of the other process; ValueError if it is this one, or there is none."""
    found = require_group(group)
    other = root_of(name, group, rank, group_rank)
    if other == found.rank():
        what = "destination" if name.endswith("send") else "source"
        raise ValueError(
            f"{name}: Invalid {what} rank: {what} rank should not be the same as the rank of the current process, {other}"
        )
    return other


def spelled(x: np.ndarray) -> str:
    """Return what a message is, in words."""
    return f"{shown(x.dtype)} {list(x.shape)}"


def sending(name: str, tensor: Tensor, group: ProcessGroup | None, other: int, tag: int) -> Callable[[], None]:
    """Return what sends a tensor, as it is now."""
    call, transport = Call(name, *words(tensor), f"to {other}").placed(), require_group(group).transport
    x = np.ascontiguousarray(tensor.value)
    return lambda: transport.send(call, spelled(tensor.value), bytes_of(x), other, tag)


def incoming(
    name: str, tensor: Tensor, src: int | None, group: ProcessGroup | None, tag: int, group_src: int | None
) -> tuple[Work, int | None, Callable[[], None]]:
    """Return the work of receiving a tensor, the rank in the group that it comes from (None: any), and what receives it."""
    found, work = require_group(group), Work([tensor])
    other = None if src is None and group_src is None else peer(name, group, src, group_src)
    call = Call(name, *words(tensor), f"from {'any' if other is None else other}").placed()
    require_writable(name, tensor)

    def job() -> None:
        source, said, data = found.transport.receive(call, other, tag)
        x = tensor.value
        if said.split(" ")[0] != shown(x.dtype) or data.size != x.nbytes:
            raise RuntimeError(f"{name}: rank {source} has sent {said}, where {spelled(x)} is expected, in {call.text()}")
        x[...] = data.view(x.dtype).reshape(x.shape)
        touch(tensor, name)
        work.source = found.ranks[source]

    return work, other, job


def send(
    tensor: Tensor, dst: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_dst: int | None = None
) -> None:
    """Send a tensor to another rank; small ones are on their way when this returns, large ones have arrived but for 128 kB."""
    if not is_member("send", group):
        return
    require_tensors("send", tensor)
    other, found = peer("send", group, dst, group_dst), require_group(group)
    found.order(("to", other)).run(sending("send", tensor, group, other, tag))


def recv(
    tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_src: int | None = None
) -> int:
    """Receive a tensor from another rank, or from whichever is first; return its rank in the default group.

    RuntimeError if what comes has another dtype, or another number of elements.
    """
    if not is_member("recv", group):
        return -1
    require_tensors("recv", tensor)
    work, other, job = incoming("recv", tensor, src, group, tag, group_src)
    require_group(group).order(("from", other)).run(job)
    return work.source_rank()


def isend(
    tensor: Tensor, dst: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_dst: int | None = None
) -> Work | None:
    """Begin to send a tensor to another rank; it must not be written before the end."""
    if not is_member("isend", group):
        return None
    require_tensors("isend", tensor)
    other, work = peer("isend", group, dst, group_dst), Work([tensor])
    require_group(group).order(("to", other)).begin(sending("isend", tensor, group, other, tag), work)
    return work


def irecv(
    tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_src: int | None = None
) -> Work | None:
    """Begin to receive a tensor from another rank, or from whichever is first."""
    if not is_member("irecv", group):
        return None
    require_tensors("irecv", tensor)
    work, other, job = incoming("irecv", tensor, src, group, tag, group_src)
    require_group(group).order(("from", other)).begin(job, work)
    return work


class P2POp:
    """A message of a batch: `op` is `isend` or `irecv`, which will be called with the rest."""

    def __init__(
        self,
        op: Callable[..., Any],
        tensor: Tensor,
        peer: int | None = None,
        group: ProcessGroup | None = None,
        tag: int = 0,
        group_peer: int | None = None,
    ):
        if op not in (isend, irecv):
            raise ValueError(f"P2POp: Invalid ``op``. Expected ``op`` to be of type isend or irecv, got {op!r}")
        require_tensors("P2POp", tensor)
        self.op, self.tensor, self.group, self.tag = op, tensor, group, tag
        self.peer, self.group_peer = peer, group_peer


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Work]:
    """Begin to send and receive several messages; return the work of each."""
    if not p2p_op_list or not all(isinstance(each, P2POp) for each in p2p_op_list):
        raise ValueError(
            "batch_isend_irecv: Invalid ``p2p_op_list``. Each op is expected to be of type P2POp, and there be one"
        )
    begun = [each.op(each.tensor, each.peer, each.group, each.tag, each.group_peer) for each in p2p_op_list]
    return [work for work in begun if work is not None]
