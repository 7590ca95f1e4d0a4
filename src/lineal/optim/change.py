"""How an update happens: a formula over numbers, as ops on tensors, or, for large ones, as one native loop in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, product
from typing import Any, NamedTuple

import numpy as np

from lineal import ops
from lineal.base import dtypes, later
from lineal.base.config import get_default_dtype
from lineal.core import AbstractTensor, modes
from lineal.core.inplace import preserve, touch
from lineal.core.op import next_id
from lineal.ops.front import assign
from lineal.tensors import tensor

together: Any = later.module("lineal.core.together")


class Update(NamedTuple):
    """That the first `count` tensors take the values of formula(m, *tensors, *numbers), m having NumPy's functions.

    The formula is a function of a module's, or kept, so that its loop is written once; it is the same for all elements. It
    sees real numbers: the parts of a complex one are two parameters.
    """

    name: str
    formula: Callable[..., tuple]
    tensors: Sequence[Any]
    numbers: Sequence[Any]
    count: int

    @property
    def kind(self) -> tuple:
        """What is the same in updates that one loop makes."""
        return id(self.formula), self.count, len(self.tensors), self.tensors[0].value.dtype.num

    @property
    def by_parts(self) -> Update:
        """The update of the parts of complex numbers."""
        if self.tensors[0].value.dtype.kind != "c":
            return self
        return self._replace(tensors=[ops.view_as_real(each) for each in self.tensors])


class Rule(NamedTuple):
    """What one step does to each parameter p of a group, g being its grad.

    p and what the state has by the names `states` take the values of formula(m, p, *states, g, *numbers).
    """

    name: str
    formula: Callable[..., tuple]
    states: tuple[str, ...]
    numbers: Sequence[Any]


def counter(start: float = 0.0) -> Any:
    """Return a number that is part of an optimizer's state: float64 where that is the default dtype, else float32."""
    return tensor(start, dtype=dtypes.float64 if get_default_dtype() is dtypes.float64 else dtypes.float32)


def unheard(x: Any) -> bool:
    """Return whether the number in a state may be read and written as a float: nobody hears of it."""
    return x.value.__class__ is np.ndarray and modes.recorder.get() is None and not modes.grad_enabled.get()


def number_of(x: Any) -> Any:
    """Return a number of the state as what is computed with: a float, or, if somebody listens, a tensor, alive in a trace."""
    return float(x.value) if unheard(x) else x.to(dtypes.float64, copy=True)


def put(x: Any, y: Any) -> None:
    """Let a number of the state be y."""
    if unheard(x):
        x.value[...] = float(y)
        touch(x, "copy_")
    else:
        x.copy_(y) if isinstance(y, AbstractTensor) else x.fill_(y)


def counted(step: Any) -> Any:
    """Add 1 to a step's count; return it as what is computed with."""
    if not unheard(step):
        step.add_(1)
        return number_of(step)
    np.add(step.value, 1, out=step.value, casting="unsafe")
    touch(step, "add_")
    return float(step.value)


def apart(written: Sequence[Any], read: Sequence[Any]) -> bool:
    """Return whether updates may be made at once: nobody hears of them, and none reads what another writes."""
    if modes.grad_enabled.get() or modes.recorder.get() is not None:
        return False
    held = {id(each.value) for each in written}
    alone = len(held) == len(written) and all(owns_memory(each.value) for each in written)
    arrays = [each.value for each in read]
    return alone and not any(id(each) in held or id(each.base) in held for each in arrays)


def owns_memory(x: Any) -> bool:
    """Return whether an array is NumPy's and has memory of its own."""
    return x.__class__ is np.ndarray and x.base is None


def make(updates: Iterable[Update | None], at_once: bool) -> None:
    """Make updates one after the other, or those of one kind `at_once`; None has been made."""
    if not at_once:
        for each in updates:
            if each is not None:
                make_alike([each.by_parts])
        return
    found = [each.by_parts for each in updates if each is not None]
    for _, alike in groupby(sorted(found, key=lambda each: each.kind), lambda each: each.kind):
        make_alike(list(alike))


def make_alike(updates: Sequence[Update]) -> None:
    """Make updates of one kind."""
    if in_one_loop(updates):
        return
    if len(updates) > 1:
        for each in updates:
            make_alike([each])
        return
    for each in updates:
        since = next_id()
        ys = each.formula(ops, *each.tensors, *each.numbers)
        if modes.grad_enabled.get():
            keep_overwritten(each.tensors[: each.count], ys, since)
        for x, y in zip(each.tensors, ys):
            assign(x, y, each.name)


def keep_overwritten(xs: Sequence[Any], ys: Sequence[Any], since: int) -> None:
    """Let what was done since then keep copies of the tensors that are about to take other values."""
    for x, y in product(xs, ys):
        if y.node is not None:
            preserve(x, y.node, since)


def in_one_loop(updates: Sequence[Update]) -> bool:
    """Make updates of one kind in place where nobody needs to hear of their ops; return whether that is done."""
    if modes.grad_enabled.get() or modes.recorder.get() is not None:
        return False
    lists = [list(each) for each in zip(*[update.tensors for update in updates], strict=True)]
    first = updates[0]
    numbers = np.array([[float(each) for each in update.numbers] for update in updates])
    return together.done_together(first.name, first.formula, lists, numbers, first.count)
