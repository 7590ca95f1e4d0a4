"""Hooks by which `DistributedDataParallel` sends its gradients in another form, as `register_comm_hook` takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.base import dtypes
from lineal.core import no_grad
from lineal.distributed import ProcessGroup, ReduceOp, all_reduce
from lineal.futures import Future
from lineal.nn.buckets import GradBucket
from lineal.tensors import Tensor

__all__ = [
    "allreduce_hook",
    "bf16_compress_hook",
    "bf16_compress_wrapper",
    "fp16_compress_hook",
    "fp16_compress_wrapper",
    "noop_hook",
]

Hook = Callable[[Any, GradBucket], Future[Any]]


def averaged(group: ProcessGroup | None, x: Tensor) -> Future[Tensor]:
    """Begin to average a tensor over the ranks, in place; return its future."""
    work = all_reduce(x, ReduceOp.AVG, group, async_op=True)
    if work is not None:
        return work.get_future().then(lambda done: done.value()[0])
    there: Future[Tensor] = Future()
    there.set_result(x)
    return there


def allreduce_hook(process_group: ProcessGroup | None, bucket: GradBucket) -> Future[Tensor]:
    """Average the gradients over the ranks: what `DistributedDataParallel` does without a hook."""
    return averaged(process_group, bucket.buffer())


def noop_hook(state: Any, bucket: GradBucket) -> Future[Tensor]:
    """Send nothing: each rank keeps its own gradients. It shows how much time communication takes."""
    there: Future[Tensor] = Future()
    there.set_result(bucket.buffer())
    return there


def narrowed(hook: Hook, dtype: dtypes.dtype) -> Hook:
    """Return a hook that lets another one have the gradients in a dtype, and takes its result in the buffer's own."""

    def compressed(state: Any, bucket: GradBucket) -> Future[Any]:
        whole = bucket.buffer()
        bucket.set_buffer(whole.to(dtype))

        def widened(done: Future[Any]) -> Tensor:
            found = done.value()
            with no_grad():
                return whole.copy_(found if isinstance(found, Tensor) else found[0])

        return hook(state, bucket).then(widened)

    return compressed


def fp16_compress_wrapper(hook: Hook) -> Hook:
    """Return a hook that lets another one have the gradients in float16."""
    return narrowed(hook, dtypes.float16)


def bf16_compress_wrapper(hook: Hook) -> Hook:
    """Return a hook that lets another one have the gradients in bfloat16."""
    return narrowed(hook, dtypes.bfloat16)


def fp16_compress_hook(process_group: ProcessGroup | None, bucket: GradBucket) -> Future[Tensor]:
    """Average the gradients in float16: half of the bytes travel. The mean is formed in float32 and rounded once.

    Gradients above 65504 become infinite, so losses that are scaled (`amp.GradScaler`) may need a smaller scale.
    """
    return fp16_compress_wrapper(allreduce_hook)(process_group, bucket)


def bf16_compress_hook(process_group: ProcessGroup | None, bucket: GradBucket) -> Future[Tensor]:
    """Average the gradients in bfloat16: half of the bytes travel. The mean is formed in float32 and rounded once."""
    return bf16_compress_wrapper(allreduce_hook)(process_group, bucket)
