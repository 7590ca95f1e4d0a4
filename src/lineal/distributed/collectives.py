"""What all processes of a group do together with tensors; of one process, results are copies of what it brings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from lineal.base.errors import UnsupportedError
from lineal.core import no_grad
from lineal.distributed.groups import ProcessGroup, ReduceOp, known_rank, require_group
from lineal.futures import Future
from lineal.tensors import Tensor

__all__ = [
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "broadcast",
    "gather",
    "irecv",
    "isend",
    "monitored_barrier",
    "recv",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "send",
]

BITWISE = (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)
ORDERED = (ReduceOp.MIN, ReduceOp.MAX)


class Work:
    """A collective that was begun, and is done: what `async_op` returns."""

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait for the end; return whether it came."""
        return True

    def is_completed(self) -> bool:
        """Return whether it is done."""
        return True

    is_success = is_completed

    def exception(self) -> None:
        """Return the error that it ended with: none."""

    def get_future(self) -> Future[Any]:
        """Return the future of its result."""
        found: Future[Any] = Future()
        found.set_result([])
        return found


def begun(async_op: bool) -> Work | None:
    """Return what a collective returns."""
    return Work() if async_op else None


def require_tensors(name: str, *xs: Any) -> None:
    """Raise TypeError unless all are tensors."""
    for x in xs:
        if not isinstance(x, Tensor):
            raise TypeError(
                f"{name}: Invalid function argument. Expected a tensor of type torch.Tensor, but got {type(x)} instead."
            )


def require_reducible(name: str, x: Tensor, op: Any) -> None:
    """Raise the error for an operation that is none, or not defined for the dtype."""
    require_tensors(name, x)
    if op not in list(ReduceOp) or op == ReduceOp.PREMUL_SUM:
        raise TypeError(f"{name}: expected op to be one of ReduceOp's but PREMUL_SUM, got {op!r}")
    if op in BITWISE and (x.is_floating_point() or x.is_complex()):
        raise RuntimeError(f"{name}: Cannot use ReduceOp.{ReduceOp(op).name} with non-integral dtype {x.dtype}")
    if op in ORDERED and x.is_complex():
        raise ValueError(f"{name}: ReduceOp.{ReduceOp(op).name} is not defined for complex numbers, got {x.dtype}")


def copied(name: str, target: Tensor, source: Tensor) -> None:
    """Copy a tensor into another one of its size and dtype; RuntimeError or ValueError if it is of another one."""
    require_tensors(name, target, source)
    if target.dtype is not source.dtype:
        raise ValueError(f"{name}: Invalid usage of tensors with different dtypes: {target.dtype} and {source.dtype}")
    if target.shape != source.shape:
        raise RuntimeError(f"{name}: expected an output of shape {list(source.shape)}, got {list(target.shape)}")
    with no_grad():
        target.copy_(source)


def only(name: str, tensors: Any) -> Any:
    """Return the one entry of a list with an entry for each rank; RuntimeError if it has others."""
    if len(tensors) != 1:
        raise RuntimeError(f"{name}: expected a list of 1 tensor, one for each rank, got {len(tensors)}")
    return tensors[0]


def require_root(name: str, group: Any, rank: int | None, group_rank: int | None, default: int | None = None) -> None:
    """Raise ValueError unless the rank that gives or takes is told once, and there is one."""
    if rank is not None and group_rank is not None:
        raise ValueError(f"{name}: Can't specify both the rank and the rank in the group, {rank} and {group_rank}")
    root = rank if rank is not None else group_rank if group_rank is not None else default
    if root is None:
        raise ValueError(f"{name}: Must specify the rank, or the rank in the group")
    known_rank(group, root)


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Reduce the tensors of all ranks, in place: of one rank, it is what it was."""
    require_reducible("all_reduce", tensor, op)
    require_group(group)
    return begun(async_op)


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Give all ranks the tensor of one, in place."""
    require_tensors("broadcast", tensor)
    require_root("broadcast", group, src, group_src)
    return begun(async_op)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Reduce the tensors of all ranks into that of one, in place."""
    require_reducible("reduce", tensor, op)
    require_root("reduce", group, dst, group_dst)
    return begun(async_op)


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the tensors of all ranks into a list of tensors, one for each rank."""
    require_group(group)
    copied("all_gather", only("all_gather", tensor_list), tensor)
    return begun(async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the tensors of all ranks into one, joined or stacked along its first dimension."""
    require_group(group)
    require_tensors("all_gather_into_tensor", output_tensor, input_tensor)
    stacked = output_tensor.dim() == input_tensor.dim() + 1
    copied("all_gather_into_tensor", output_tensor, input_tensor.unsqueeze(0) if stacked else input_tensor)
    return begun(async_op)


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Copy the tensors of all ranks into a list of tensors on one."""
    require_root("gather", group, dst, group_dst, 0)
    if not gather_list:
        raise ValueError("gather: Argument ``gather_list`` must be specified on destination rank.")
    copied("gather", only("gather", gather_list), tensor)
    return begun(async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Copy to each rank its entry of a list of tensors on one."""
    require_root("scatter", group, src, group_src, 0)
    if not scatter_list:
        raise ValueError("scatter: Argument ``scatter_list`` must be specified on source rank.")
    copied("scatter", tensor, only("scatter", scatter_list))
    return begun(async_op)


def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: Any = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Reduce lists of tensors, and copy to each rank its entry of the result."""
    require_group(group)
    require_reducible("reduce_scatter", output, op)
    copied("reduce_scatter", output, only("reduce_scatter", input_list))
    return begun(async_op)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: Any = ReduceOp.SUM, group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Reduce tensors, and copy to each rank its part of the result, joined or stacked along the first dimension."""
    require_group(group)
    require_reducible("reduce_scatter_tensor", output, op)
    require_tensors("reduce_scatter_tensor", input)
    copied("reduce_scatter_tensor", output, input[0] if input.dim() == output.dim() + 1 else input)
    return begun(async_op)


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: list[Tensor], group: ProcessGroup | None = None, async_op: bool = False
) -> Work | None:
    """Copy the entry of each rank's list for this rank into a list with an entry for each rank."""
    require_group(group)
    copied("all_to_all", only("all_to_all", output_tensor_list), only("all_to_all", input_tensor_list))
    return begun(async_op)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: list[int] | None = None,
    input_split_sizes: list[int] | None = None,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Copy each rank's part for this rank into one tensor, joined along the first dimension."""
    require_group(group)
    copied("all_to_all_single", output, input)
    return begun(async_op)


def barrier(
    group: ProcessGroup | None = None,
    async_op: bool = False,
    device_ids: list[int] | None = None,
    timeout: timedelta | None = None,
) -> Work | None:
    """Wait until all ranks have come here."""
    require_group(group)
    return begun(async_op)


def monitored_barrier(
    group: ProcessGroup | None = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """Wait until all ranks have come here."""
    require_group(group)


def refuse_pair(name: str, group: ProcessGroup | None, rank: int | None) -> NoReturn:
    """Raise the error for a message between two ranks: ValueError if it would go to this one."""
    require_group(group)
    if rank is None:
        raise UnsupportedError(f"{name}: there is no other process, so that nothing would ever come")
    known_rank(group, rank)
    raise ValueError(f"{name}: Invalid rank: it should not be the same as the rank of the current process, got {rank}")


def send(
    tensor: Tensor, dst: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_dst: int | None = None
) -> None:
    """Send a tensor to another rank: there is none, so ValueError."""
    refuse_pair("send", group, group_dst if dst is None else dst)


def recv(
    tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_src: int | None = None
) -> int:
    """Receive a tensor from another rank: there is none, so ValueError."""
    refuse_pair("recv", group, group_src if src is None else src)


def isend(
    tensor: Tensor, dst: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_dst: int | None = None
) -> Work | None:
    """Begin to send a tensor to another rank: there is none, so ValueError."""
    refuse_pair("isend", group, group_dst if dst is None else dst)


def irecv(
    tensor: Tensor, src: int | None = None, group: ProcessGroup | None = None, tag: int = 0, group_src: int | None = None
) -> Work | None:
    """Begin to receive a tensor from another rank: there is none, so ValueError."""
    refuse_pair("irecv", group, group_src if src is None else src)
