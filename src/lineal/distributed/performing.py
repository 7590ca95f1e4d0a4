"""How a collective is done: on the tensors' arrays, or, while a function is traced, as an effect of which a program is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.core import modes, no_grad
from lineal.core.apply import apply
from lineal.core.inplace import check_write, touch
from lineal.distributed.calls import Call
from lineal.distributed.effects import RankEffect
from lineal.distributed.groups import ProcessGroup
from lineal.distributed.transport import Transport
from lineal.distributed.work import Work
from lineal.tensors import Tensor

__all__ = ["Plan", "begun", "require_tensors", "require_writable"]

Arrays = Sequence[np.ndarray]
Done = Callable[[Transport, Call, Arrays, Arrays], None]


class Plan(NamedTuple):
    """A collective: its call, and what it does with the arrays that go in and those that come out.

    All are contiguous and of one dimension; those that come out may be ones that went in.
    """

    group: ProcessGroup
    call: Call
    done: Done
    sizes: tuple[int, ...] = ()
    """How many elements come out, for each array."""


class Collective(RankEffect):
    """y = what a plan gives, one array after the other; it is the same call on every rank."""

    plan: Plan
    any_dtype = True
    differentiable = False
    no_vjp = "what other processes have computed: DistributedDataParallel averages gradients"

    def eager(self, xp, like, *xs):
        y, plan = self.outline(like), self.plan
        outs = np.split(y, np.cumsum(plan.sizes)[:-1])
        plan.group.collectives.run(job_of(plan, xs, outs))
        return y

    def outline(self, like, *xs):
        return np.zeros(sum(self.plan.sizes), like.dtype)


def require_tensors(name: str, *xs: Any) -> None:
    """Raise TypeError unless all are tensors."""
    for x in xs:
        if x.__class__ is not Tensor and not isinstance(x, Tensor):
            raise TypeError(
                f"{name}: Invalid function argument. Expected a tensor of type torch.Tensor, but got {type(x)} instead."
            )


def require_writable(name: str, *outs: Any) -> None:
    """Raise RuntimeError for tensors that cannot be written; leaves and their histories are left as they are."""
    for out in outs:
        if out.node is None and out.origin is None:
            check_write(out, out, name)
        else:
            with no_grad():
                check_write(out, out, name)


def begun(plan: Plan, ins: Sequence[Tensor], outs: Sequence[Tensor], async_op: bool) -> Work | None:
    """Do what a plan says with tensors, or begin to; return what a collective returns."""
    if modes.recorder.get() is not None:
        return recorded(plan, ins, outs, async_op)
    name = plan.call.name
    require_writable(name, *outs)
    job = job_of(plan, [x.value for x in ins], [out.value for out in outs])
    for out in outs:
        touch(out, name)
    if not async_op:
        plan.group.collectives.run(job)
        return None
    work = Work(list(outs))
    plan.call.placed()
    plan.group.collectives.begin(job, work)
    return work


def job_of(plan: Plan, ins: Arrays, outs: Arrays) -> Callable[[], None]:
    """Return what does it; arrays that do not lie side by side go in and come out as copies."""

    def job() -> None:
        flat = [out.reshape(-1) if out.flags.c_contiguous else np.empty(out.size, out.dtype) for out in outs]
        same = {id(out): y for out, y in zip(outs, flat) if out.flags.c_contiguous}
        given = [same[id(x)] if id(x) in same else np.ascontiguousarray(x).reshape(-1) for x in ins]
        plan.done(plan.group.transport, plan.call, given, flat)
        for out, found in zip(outs, flat):
            if not out.flags.c_contiguous:
                out[...] = found.reshape(out.shape)

    return job


def recorded(plan: Plan, ins: Sequence[Tensor], outs: Sequence[Tensor], async_op: bool) -> Work | None:
    """Do it as an effect that a recorder hears of, and write its output into the tensors."""
    with no_grad():
        if outs or ins:
            sizes = tuple(out.numel() for out in outs)
            y: Any = apply(Collective(plan._replace(sizes=sizes)), (outs or ins)[0], *ins)
            begin = 0
            for out, size in zip(outs, sizes):
                out.copy_(y[begin : begin + size].reshape(out.shape))
                begin += size
        else:
            plan.done(plan.group.transport, plan.call, [], [])
    if not async_op:
        return None
    work = Work(list(outs))
    work.finish()
    return work
