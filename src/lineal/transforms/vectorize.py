"""vmap: a function of one example becomes a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, Effect, lift, modes, write
from lineal.core.effect import outlined
from lineal.ops.linalg.conditioning import Seen
from lineal.ops.structural.joining import cat
from lineal.tracing import record
from lineal.transforms.gathering import Gathered
from lineal.transforms.replay import Apart, BatchRecorder, Violated, replay

__all__ = ["vmap"]

P = ParamSpec("P")
R = TypeVar("R")


def vmap(
    func: Callable[P, R], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable[P, R]:
    """Return a function that maps `func` over a dimension of its tensors; `in_dims` and `out_dims` say which (None: none).

    `in_dims` is an int or a tuple in the form of the positional arguments; keyword arguments are handed on as they are. `func`
    runs on one slice; then what it did is done to the whole batch. An op that has no batched form is looped over the slices.
    `randomness`: "error", "same" (one draw for all slices) or "different". Where the slices do not fit one algorithm, `func`
    runs again on another, or on each.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"vmap: expected randomness to be 'error', 'different' or 'same', got {randomness!r}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: expected chunk_size to be None or positive, got {chunk_size}")

    @functools.wraps(func)
    def mapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        dims = arranged(in_dims, args)
        given = list(tree.leaves(args))
        size = batch_size(given, dims)
        leaves = [*given, *tree.leaves(kwargs)]
        dims += [None] * (len(leaves) - len(given))
        batches = [x if dim is None else x.movedim(dim, 0) for x, dim in zip(leaves, dims)]
        whole = functools.partial(run, Call(func, (args, kwargs), [dim is not None for dim in dims], out_dims, randomness))
        if chunk_size is None or chunk_size >= size:
            return whole(batches, size)
        return in_chunks(whole, batches, dims, size, chunk_size, out_dims)

    return mapped


def arranged(in_dims: Any, args: tuple) -> list[int | None]:
    """Return one dim, or None, per leaf of the positional arguments."""
    if not isinstance(in_dims, (int, tuple)) or isinstance(in_dims, bool):
        raise ValueError(
            "vmap: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got "
            f"{type(in_dims)}"
        )
    if not args:
        raise ValueError("vmap: got no inputs; there is nothing to map over (keyword arguments are not mapped)")
    dims = spread(in_dims, args, args)
    for dim in dims:
        if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int)):
            raise ValueError(f"vmap: Got in_dim={dim} for an input but in_dim must be either an integer dimension or None")
    return dims


def spread(dims: Any, nest: Any, args: Any) -> list[Any]:
    """Return one dim per leaf of `nest`, from a prefix of it."""
    if not isinstance(dims, (dict, list, tuple)):
        return [dims] * len(list(tree.leaves(nest)))
    same = (isinstance(dims, dict) and isinstance(nest, dict) and dims.keys() == nest.keys()) or (
        isinstance(dims, (list, tuple)) and isinstance(nest, (list, tuple)) and len(dims) == len(nest)
    )
    if not same:
        raise ValueError(
            f"vmap: in_dims is not compatible with the structure of inputs: expected ints and None in the form of {len(args)} "
            f"arguments, got {dims!r}"
        )
    keys: Any = nest.keys() if isinstance(nest, dict) else range(len(nest))
    parts: Any = dims
    return [each for key in keys for each in spread(parts[key], nest[key], args)]


def batch_size(leaves: Sequence[Any], dims: Sequence[int | None]) -> int:
    """Return the size of the mapped dimension, the same in all mapped tensors."""
    sizes = []
    for x, dim in zip(leaves, dims):
        if dim is None:
            continue
        if not isinstance(x, AbstractTensor):
            raise ValueError(
                f"vmap: Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot vmap over "
                "non-Tensor arguments, "
                "please use None as the respective in_dim"
            )
        shape = x.value.shape
        if not -len(shape) <= dim < len(shape):
            raise ValueError(
                f"vmap: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
                f"{len(shape)} so expected in_dim "
                f"to satisfy -{len(shape)} <= in_dim < {len(shape)}"
            )
        sizes.append(shape[dim])
    if not sizes:
        raise ValueError("vmap: got no inputs, or in_dims is None for all of them; there is nothing to map over")
    if len(set(sizes)) > 1:
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for "
            "the mapped dimension"
        )
    return sizes[0]


class Call(NamedTuple):
    """What is mapped: a function, its arguments, and where the results' batches are to stand."""

    func: Callable[..., Any]
    nest: Any
    marks: Sequence[bool]
    """For each leaf of the arguments whether it is a batch."""
    out_dims: Any
    randomness: str

    def on(self, slices: Sequence[Any]) -> Any:
        """Return the function of one slice."""
        args, kwargs = tree.rebuild(self.nest, iter(slices))
        return self.func(*args, **kwargs)


TRIES = 3
"""On how many slices a function is tried, if its algorithm depends on the numbers, before every slice is computed alone."""


def run(call: Call, batches: Sequence[Any], size: int) -> Any:
    """Return the function of a batch, whose dimension stands first.

    It runs on one slice. Where another slice turns out not to be as it relied upon (a matrix is singular, a structure is not
    there), it runs on that one, which may raise; if there is no slice that all others follow, it runs on each.
    """
    place, states = 0, []
    for _ in range(TRIES):
        recorder = BatchRecorder(modes.recorder.get(), call.randomness)
        try:
            return on_one(call, recorder, batches, size, place)
        except Apart:
            recorder.require_repeatable()
            states = list(recorder.states.values())
            put_back(states)
            break
        except Violated as violated:
            recorder.require_repeatable()
            states = list(recorder.states.values())
            put_back(states)
            if violated.place is None:
                break
            place = violated.place
        finally:
            recorder.close()
    return each_alone(call, batches, size, states)


def halting(op: Effect, xs: tuple) -> Any:
    """Give up in front of an effect, which is to happen once for each slice, in the order of a loop."""
    raise Apart


def put_back(states: Sequence[tuple[Any, Any]]) -> None:
    """Put generators' states back to what they were."""
    with modes.no_grad():
        for state, before in states:
            write(state, lift(before), "vmap")


def on_one(call: Call, recorder: BatchRecorder, batches: Sequence[Any], size: int, place: int) -> Any:
    """Return the function of a batch, from what it does to the slice at `place`."""
    told, slices = Seen.count, []
    for x, mark in zip(batches, call.marks):
        if mark:
            x = copied_slice(x, size, place)
            recorder.argument(x)
        slices.append(x)
    with modes.Setting((modes.rehearsal, halting if size else outlined)):
        result = record(recorder, call.on, slices)
    results = [y for y in tree.leaves(result) if isinstance(y, AbstractTensor) and recorder.is_batched(y)]
    own = {id(x): var for x, var in zip(recorder.arguments, recorder.inputs)}
    wanted = {id(y): own.get(id(y)) or recorder.result(y) for y in results}
    values = replay(recorder, [x for x, mark in zip(batches, call.marks) if mark], size)
    if recorder.unmet and not recorder.changes and Seen.count == told:
        let_warn(call, recorder, batches, size)

    def batch_of(y: Any) -> Any:
        require_tensor(call.func, y)
        return values[wanted[id(y)]] if id(y) in wanted else unmapped(y)

    return deliver(result, call.out_dims, batch_of, size)


def let_warn(call: Call, recorder: BatchRecorder, batches: Sequence[Any], size: int) -> None:
    """Let the function warn of a slice that is not as it expected, up to the first that it has something to say of."""
    states = [(state, state.value.copy()) for state, _ in recorder.states.values()]
    told = Seen.count
    with modes.Setting((modes.recorder, None)):
        for place in dict.fromkeys(recorder.unmet):
            call.on([copied_slice(x, size, place) if mark else x for x, mark in zip(batches, call.marks)])
            if Seen.count != told:
                break
        put_back(states)


class unmapped:  # noqa: N801 - a mark, not a thing
    """Marks a result that is the same for every slice."""

    def __init__(self, y: Any):
        self.y = y


def copied_slice(x: Any, size: int, place: int) -> Any:
    """Return a copy of a slice with its history; zeros if there is none. Nobody hears it."""
    if size == 0:
        return lift(np.zeros(x.value.shape[1:], x.value.dtype))
    with modes.Setting((modes.recorder, None)):
        return x[place].clone()


def require_tensor(func: Any, y: Any) -> None:
    """Refuse a result that is no tensor."""
    if not isinstance(y, AbstractTensor):
        name = getattr(func, "__name__", repr(func))
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(y)}. Did you mean to set out_dims= to None "
            "for output?"
        )


def deliver(result: Any, out_dims: Any, batch_of: Callable[[Any], Any], size: int) -> Any:
    """Return the results in the form `func` gave them, each with its batch dimension where `out_dims` wants it."""
    dims = iter(spread_out(out_dims, result))

    def place(y: Any) -> Any:
        batch, dim = batch_of(y), next(dims)
        if isinstance(batch, unmapped):
            if dim is None:
                return batch.y
            batch = batch.y.expand((size, *batch.y.value.shape))
        elif dim is None:
            raise ValueError("vmap: expected an int in out_dims for a result that depends on the batch, got None")
        return batch.movedim(0, dim) if dim else batch

    return tree.transform(place, result)


def spread_out(out_dims: Any, result: Any) -> Iterator[int | None]:
    """Return one out_dim per leaf of the result."""
    try:
        # a tuple of one may stand for a tensor that is returned alone
        alone = isinstance(result, AbstractTensor) and isinstance(out_dims, (tuple, list)) and len(out_dims) == 1
        dims = spread(out_dims[0] if alone else out_dims, result, ())
    except ValueError:
        raise ValueError(f"vmap: out_dims is not compatible with the structure of outputs, got {out_dims!r}") from None
    for dim in dims:
        if dim is not None and not isinstance(dim, int):
            raise ValueError(f"vmap: `out_dims` must be ints, None or a collection of them, got {out_dims!r}")
    return iter(dims)


def each_alone(call: Call, batches: Sequence[Any], size: int, states: Sequence[tuple[Any, Any]]) -> Any:
    """Return the function of every slice by itself, for slices that do not fit one algorithm.

    `states` are generators' states with what they were; if all slices draw the same, each begins there.
    """
    results, slices = [], [[x[place] if mark else x for x, mark in zip(batches, call.marks)] for place in range(size)]
    for each in slices:
        if call.randomness == "same":
            put_back(states)
        results.append(call.on(each))
    columns = list(zip(*[tree.leaves(each) for each in results]))
    lines = [(x, line) for x, mark, line in zip(batches, call.marks, zip(*slices)) if mark]
    gathered, following = Gathered(lines, columns), iter(columns)

    def batch_of(y: Any) -> Any:
        require_tensor(call.func, y)
        column = next(following)
        return unmapped(y) if size > 1 and all(each is y for each in column) else gathered(column)

    return deliver(results[0], call.out_dims, batch_of, size)


def in_chunks(
    call: Callable[..., Any], batches: Sequence[Any], dims: Sequence[int | None], size: int, chunk: int, out_dims: Any
) -> Any:
    """Return the mapped function's result, computed `chunk` slices at a time."""
    parts = []
    for start in range(0, size, chunk):
        count = min(chunk, size - start)
        parts.append(call([x if dim is None else x[start : start + count] for x, dim in zip(batches, dims)], count))
    columns = zip(*[tree.leaves(part) for part in parts])
    places = spread_out(out_dims, parts[0])
    return tree.transform(lambda _: join(list(next(columns)), next(places)), parts[0])


def join(parts: list, dim: int | None) -> Any:
    """Return the chunks of one result joined along its batch dimension."""
    return parts[0] if dim is None else cat(parts, dim)
