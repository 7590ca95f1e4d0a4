"""Control flow as functions: branches, loops, scans and maps whose parts are functions themselves.

They do what Python's own statements would. Every part runs through the ops, so derivatives of any order, `vmap` and programs
need no rules of their own. Whoever listens is told what a tensor's number decides: a program checks it, and has another
branch traced where it is otherwise; `vmap` looks at it in every slice.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, lift, modes
from lineal.core.effect import outlined
from lineal.ops.structural.stacking import stack
from lineal.transforms.recomputing import checkpoint

__all__ = ["associative_scan", "cond", "map", "scan", "while_loop"]

R = TypeVar("R")


def decided(name: str, predicate: Any) -> bool:
    """Return a truth value that decides what is done: a Python number's, or that of a tensor of one element."""
    if not isinstance(predicate, AbstractTensor):
        if isinstance(predicate, (bool, int, float)):
            return bool(predicate)
        raise RuntimeError(f"{name}: expected the predicate to be a bool or a tensor, got {type(predicate).__name__}")
    if predicate.value.size != 1:
        raise RuntimeError(
            f"{name}: expected the predicate to be a bool or a tensor of one element, got shape {list(predicate.value.shape)}"
        )
    listener = modes.recorder.get()
    if listener is not None:
        listener.decides(predicate)
    return bool(predicate.value.item())


def cond(pred: Any, true_fn: Callable[..., R], false_fn: Callable[..., R], operands: Any = ()) -> R:
    """Return `true_fn(*operands)` if `pred` is true, else `false_fn(*operands)`; only that one runs.

    `pred` is a number or a tensor of one element, `operands` a tuple or list of tensors, or nests of them.

    >>> import lineal as torch
    >>> x = torch.tensor([1.0, -2.0])
    >>> torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: -x, (x,))
    tensor([-1.,  2.])
    """
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("cond: expected both branches to be callable")
    if not isinstance(operands, (tuple, list)) or not all(isinstance(each, AbstractTensor) for each in tree.leaves(operands)):
        raise RuntimeError(f"cond: expected operands to be a tuple or list of tensors, or nests of them, got {operands!r}")
    return (true_fn if decided("cond", pred) else false_fn)(*operands)


def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any) -> Any:
    """Let the carried values become `body_fn(*carried)` as long as `cond_fn(*carried)` is true; return the last of them.

    `carried_inputs` is a tuple or list of tensors and numbers, or nests of them; each turn keeps their form, and the shapes and
    dtypes of tensors, or RuntimeError is raised. A single value comes alone if `body_fn` returns it alone: to know that of a
    loop that takes no turn, `body_fn` is called once with copies, and what it writes is put back.

    >>> import lineal as torch
    >>> from lineal._higher_order_ops import while_loop
    >>> while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (torch.tensor(0), torch.ones(2)))
    (tensor(3), tensor([8., 8.]))
    """
    if not callable(cond_fn) or not callable(body_fn):
        raise RuntimeError("while_loop: expected cond_fn and body_fn to be callable")
    if not isinstance(carried_inputs, (tuple, list)):
        raise RuntimeError(f"while_loop: expected carried_inputs to be a tuple or list, got {type(carried_inputs).__name__}")
    carried = result = tuple(carried_inputs)
    listener, loop = modes.recorder.get(), (cond_fn, body_fn)
    told = all(isinstance(each, AbstractTensor) for each in tree.leaves(carried))
    while True:
        if listener is not None and told:
            listener.turns(loop, list(tree.leaves(carried)))
        if not decided("while_loop", cond_fn(*carried)):
            break
        result = body_fn(*carried)
        following = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        require_alike("while_loop: body_fn", carried, following)
        carried = following
    if listener is not None and told:
        listener.turns(loop, None)
    return single(body_fn, carried) if result is carried and len(carried) == 1 else result


def single(body_fn: Callable[..., Any], carried: tuple[Any, ...]) -> Any:
    """Return the one value of a loop that takes no turn as its body would: alone, in a tuple or in a list.

    Nobody hears the body. What fails for these numbers, which no turn is meant for, tells nothing: it is a tuple then.
    """
    before: dict[int, tuple[AbstractTensor, np.ndarray]] = {}

    def remember(target: AbstractTensor, name: str) -> None:
        base = target if target.origin is None else target.origin.base
        before.setdefault(id(base), (base, base.value.copy()))

    copies = tree.transform(lambda x: lift(x.value.copy()) if isinstance(x, AbstractTensor) else x, carried)
    unheard = ((modes.recorder, None), (modes.grad_enabled, False), (modes.rehearsal, outlined), (modes.guard, remember))
    try:
        with modes.Setting(*unheard):
            result = body_fn(*copies)
    except Exception:
        return carried
    finally:
        for base, array in reversed(before.values()):
            np.copyto(base.value, array)
    return type(result)(carried) if type(result) in (tuple, list) else carried[0]


def require_alike(who: str, before: Any, after: Any) -> None:
    """Refuse carried values that change their form, or tensors among them their shape or dtype."""
    if not tree.alike(before, after):
        raise RuntimeError(f"{who} must return what is carried in its form, got {form(after)} for {form(before)}")
    for x, y in zip(tree.leaves(before), tree.leaves(after)):
        if isinstance(x, AbstractTensor) != isinstance(y, AbstractTensor) or (
            isinstance(x, AbstractTensor) and (x.value.shape, x.value.dtype) != (y.value.shape, y.value.dtype)
        ):
            raise RuntimeError(f"{who} must keep the shapes and dtypes of what is carried, got {form(y)} for {form(x)}")


def form(nest: Any) -> str:
    """Return a nest in words: shapes and dtypes of tensors, types of other things."""
    words = lambda x: f"{x.value.dtype}{list(x.value.shape)}" if isinstance(x, AbstractTensor) else type(x).__name__
    return str(tree.transform(words, nest)).replace("'", "")


def scan(
    combine_fn: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    *,
    dim: int = 0,
    reverse: bool = False,
    checkpointed: bool = False,
) -> tuple[Any, Any]:
    """Go along `dim` of all tensors in `xs`: `carry, y = combine_fn(carry, x)`, from `init` on; return the last carry, all ys.

    `init`, `xs` and what `combine_fn` returns are tensors or nests of them; the ys are stacked along `dim`, each where its x
    was. With `reverse` the last x comes first. With `checkpointed`, of n carries every √n-th alone is kept for the backward
    pass, which computes the others again.

    >>> import lineal as torch
    >>> from lineal._higher_order_ops import scan
    >>> scan(lambda total, x: (total + x, total * x), torch.zeros(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    (tensor([4., 6.]), tensor([[0., 0.],
            [3., 8.]]))
    """
    if not callable(combine_fn):
        raise RuntimeError("scan: expected combine_fn to be callable")
    require_tensors("scan", "init", init)
    count = length("scan", xs, dim)

    def through(carry: Any, xs: Any) -> tuple[Any, list[Any]]:
        found = []
        for x in slices(xs, dim)[:: -1 if reverse else 1]:
            made = combine_fn(carry, x)
            if not isinstance(made, tuple) or len(made) != 2:
                raise RuntimeError(f"scan: expected combine_fn to return a carry and a y, got {form(made)}")
            require_alike("scan: combine_fn", carry, made[0])
            require_tensors("scan", "what combine_fn returns", made[1])
            carry = made[0]
            found.append(made[1])
        return carry, found

    if checkpointed:
        carry, ys, size = init, [], math.isqrt(count - 1) + 1
        for start in range(0, count, size):
            few = builtins.min(size, count - start)
            first = count - start - few if reverse else start
            carry, found = checkpoint(
                through, carry, tree.transform(lambda x, first=first, few=few: x.narrow(dim, first, few), xs)
            )
            ys += found
    else:
        carry, ys = through(init, xs)
    columns = zip(*(tree.leaves(y) for y in (ys[::-1] if reverse else ys)))
    return carry, tree.transform(lambda _: stack(next(columns), dim), ys[0])


def map(f: Callable[..., Any], xs: Any, *args: Any) -> Any:
    """Return `f(x, *args)` of every slice x along the first dimension of all tensors in `xs`, stacked.

    >>> import lineal as torch
    >>> from lineal._higher_order_ops import map
    >>> map(lambda x, y: x.sum() * y, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor(10.0))
    tensor([30., 70.])
    """
    if not callable(f):
        raise RuntimeError("map: expected f to be callable")
    length("map", xs, 0)
    results = [f(x, *args) for x in slices(xs, 0)]
    for each in results:
        require_alike("map: f", results[0], each)
    columns = zip(*(tree.leaves(each) for each in results))
    return tree.transform(lambda _: stack(next(columns)), results[0])


def associative_scan(
    combine_fn: Callable[[Any, Any], Any], xs: Any, dim: int, reverse: bool = False, combine_mode: str = "pointwise"
) -> Any:
    """Return all that `combine_fn`, which is associative, makes of the slices of `xs` along `dim` up to each of them.

    With `reverse`, from the last down to each of them. `combine_mode` is accepted for PyTorch's sake.

    >>> import lineal as torch
    >>> from lineal._higher_order_ops import associative_scan
    >>> associative_scan(lambda a, b: a * b, torch.tensor([2.0, 3.0, 4.0]), 0)
    tensor([ 2.,  6., 24.])
    """
    if not callable(combine_fn):
        raise RuntimeError("associative_scan: expected combine_fn to be callable")
    count = length("associative_scan", xs, dim)
    found = slices(xs, dim)[:: -1 if reverse else 1]
    for place in range(1, count):
        combined = combine_fn(found[place - 1], found[place])
        require_alike("associative_scan: combine_fn", found[place], combined)
        found[place] = combined
    columns = zip(*(tree.leaves(each) for each in found[:: -1 if reverse else 1]))
    return tree.transform(lambda _: stack(next(columns), dim), xs)


def slices(xs: Any, dim: int) -> list[Any]:
    """Return the slices of all tensors of a nest at each place along `dim`: one op, whose derivative stacks them."""
    rows = builtins.map(iter, zip(*(x.unbind(dim) for x in tree.leaves(xs))))
    return [tree.transform(lambda _, row=row: next(row), xs) for row in rows]


def require_tensors(name: str, what: str, nest: Any) -> None:
    """Refuse a nest in which there is something else than tensors."""
    for each in tree.leaves(nest):
        if not isinstance(each, AbstractTensor):
            raise RuntimeError(f"{name}: expected {what} to be tensors, or nests of them, got {type(each).__name__}")


def length(name: str, xs: Any, dim: int) -> int:
    """Return how long all tensors of a nest are along `dim`, which must be at least one."""
    require_tensors(name, "xs", xs)
    sizes = []
    for x in tree.leaves(xs):
        shape = x.value.shape
        if not -len(shape) <= dim < len(shape):
            raise RuntimeError(f"{name}: dim {dim} is out of range for a tensor of shape {list(shape)} in xs")
        sizes.append(shape[dim])
    if not sizes or builtins.min(sizes) < 1 or len(set(sizes)) > 1:
        raise RuntimeError(f"{name}: expected all of xs to have one size, at least 1, along dim {dim}, got {sizes}")
    return sizes[0]
