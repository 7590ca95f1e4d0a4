"""vmap: a function of one example becomes a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, lift, modes
from lineal.ops.structural.joining import cat
from lineal.ops.structural.stacking import stack
from lineal.tracing import record
from lineal.transforms.replay import BatchRecorder, replay

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable[..., Any]:
    """Return a function that maps `func` over a dimension of its tensors; `in_dims` and `out_dims` say which (None: none).

    `func` runs once, on the first slice; then what it did is done to the whole batch. An op that has no batched form is looped
    over the slices. `randomness`: "error", "same" (one draw for all slices) or "different".
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"vmap: expected randomness to be 'error', 'different' or 'same', got {randomness!r}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: expected chunk_size to be None or positive, got {chunk_size}")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        dims = [*spread(in_dims, args, args), *[0 for _ in tree.leaves(kwargs)]]
        nest = (args, kwargs)
        leaves = list(tree.leaves(nest))
        size = batch_size(leaves, dims)
        batches = [x if dim is None else x.movedim(dim, 0) for x, dim in zip(leaves, dims)]
        call = functools.partial(run, func, nest, [dim is not None for dim in dims], out_dims, randomness)
        if chunk_size is None or chunk_size >= size:
            return call(batches, size)
        return in_chunks(call, batches, dims, size, chunk_size, out_dims)

    return mapped


def spread(dims: Any, nest: Any, args: Any) -> list[Any]:
    """Return one dim per leaf of `nest`, from a prefix of it."""
    if dims is None or (isinstance(dims, int) and not isinstance(dims, bool)):
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


def run(
    func: Callable[..., Any],
    nest: Any,
    marks: Sequence[bool],
    out_dims: Any,
    randomness: str,
    batches: Sequence[Any],
    size: int,
) -> Any:
    """Return `func` of a batch, whose dimension stands first."""
    if randomness == "different" and size:
        return each_alone(func, nest, marks, out_dims, batches, size)
    recorder = BatchRecorder(modes.recorder.get(), randomness)
    values = {}
    slices = []
    for x, mark in zip(batches, marks):
        if mark:
            x, batch = first_slice(x, size), x
            values[recorder.add(x)] = batch
        slices.append(x)
    args, kwargs = tree.rebuild(nest, iter(slices))
    result = record(recorder, func, *args, **kwargs)
    replay(recorder, values, size)

    def batch_of(y: Any) -> Any:
        require_tensor(func, y)
        var = recorder.find(y)
        return values[var] if var in values else unmapped(y)

    return deliver(result, out_dims, batch_of, size)


class unmapped:  # noqa: N801 - a mark, not a thing
    """Marks a result that is the same for every slice."""

    def __init__(self, y: Any):
        self.y = y


def first_slice(x: Any, size: int) -> Any:
    """Return a copy of slice 0 with its history; zeros if there is none. Nobody hears it."""
    if size == 0:
        return lift(np.zeros(x.value.shape[1:], x.value.dtype))
    with modes.Setting((modes.recorder, None)):
        return x[0].clone()


def require_tensor(func: Any, y: Any) -> None:
    """Refuse a result that is no tensor."""
    if not isinstance(y, AbstractTensor):
        name = getattr(func, "__name__", repr(func))
        raise ValueError(f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(y)} as a return")


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
        return iter(spread(out_dims, result, ()))
    except ValueError:
        if isinstance(out_dims, tuple) and len(out_dims) == 1:
            return iter(spread(out_dims[0], result, ()))
        raise ValueError(f"vmap: out_dims is not compatible with the structure of outputs, got {out_dims!r}") from None


def each_alone(
    func: Callable[..., Any], nest: Any, marks: Sequence[bool], out_dims: Any, batches: Sequence[Any], size: int
) -> Any:
    """Return `func` of every slice by itself, so that each draws its own random numbers."""
    results = []
    for place in range(size):
        args, kwargs = tree.rebuild(nest, iter([x[place] if mark else x for x, mark in zip(batches, marks)]))
        results.append(func(*args, **kwargs))
    columns = zip(*[tree.leaves(each) for each in results])

    def batch_of(y: Any) -> Any:
        require_tensor(func, y)
        return stack(next(columns))

    return deliver(results[0], out_dims, batch_of, size)


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
